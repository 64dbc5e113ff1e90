"""Cases of the shared vectors, one module for each subject."""
