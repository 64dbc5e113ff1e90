"""Fakes that we ship, so that others can test against them too."""
