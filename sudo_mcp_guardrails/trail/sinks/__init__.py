"""Where events go: one interface, and its three implementations."""
