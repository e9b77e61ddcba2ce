"""Who decides, how many, when and on whose behalf: one approval as a state machine that is replayed from its events."""
