"""The demo's part "gateway": a client, the guard, and servers behind it."""
