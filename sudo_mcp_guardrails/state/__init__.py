"""State of what runs: who is behind which run."""
