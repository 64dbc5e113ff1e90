"""From source to images, isolated and reproducible."""
