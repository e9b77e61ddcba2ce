"""The decision on a call of a tool, default deny."""
