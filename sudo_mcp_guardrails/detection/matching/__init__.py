"""Conditions as data, and as functions that are quick enough for every event of a trail."""
