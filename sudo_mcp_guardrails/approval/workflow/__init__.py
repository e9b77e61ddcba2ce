"""The approval workflow as data: the state machine that one approval goes through, and a check of it."""
