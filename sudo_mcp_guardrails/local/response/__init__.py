"""Drills of the kill switch on the embedded AWS."""
