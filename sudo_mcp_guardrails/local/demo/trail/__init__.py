"""The demo's audit trail: what the agents did is taken from the bucket into a search index, and traced."""
