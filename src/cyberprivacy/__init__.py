"""People vote on code; machines that nobody can log in to run exactly that code; anyone can check it."""
