"""Containment of agents: planned as data, carried out by clients that are given, recorded, undone, verified, proved."""
