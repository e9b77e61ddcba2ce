"""What a session for an approved plan needs, how it is bound, and the proof that it reaches no more."""
