"""What each of an agent's roles is granted."""
