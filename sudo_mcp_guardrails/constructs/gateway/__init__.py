"""The parts of the gateway's constructs."""
