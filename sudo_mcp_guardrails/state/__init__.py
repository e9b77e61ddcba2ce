"""State that several rooms share: who is behind which run, and who is contained."""
