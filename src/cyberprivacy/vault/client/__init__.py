"""A vault from outside: requests (`connection`), people with keys (`person`), applications (`middleware`)."""
