"""Images by digest."""
