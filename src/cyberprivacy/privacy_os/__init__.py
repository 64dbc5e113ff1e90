"""The Privacy OS: how its image is made, what it will measure, and how it is started. See `os/` for its parts."""
