"""Pins: what every server and every tool is, as a person saw and accepted it."""
