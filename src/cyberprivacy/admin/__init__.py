"""What administrators may do: a narrow door, every act of which is public before it takes effect."""
