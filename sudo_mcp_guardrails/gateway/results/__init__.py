"""Results: what a server answers, made fit for a model to read, and secrets kept out of both directions."""
