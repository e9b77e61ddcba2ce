"""Approval and earned trust: what was approved is what runs, and nothing else."""
