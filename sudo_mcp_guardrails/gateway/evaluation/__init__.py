"""What the guard holds against published attacks."""
