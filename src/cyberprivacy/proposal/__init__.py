"""What people decided, read from the chain at a finalised block."""
