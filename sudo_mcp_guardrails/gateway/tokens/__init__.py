"""Access tokens of clients: JWTs of one authorization server, for this guard alone."""
