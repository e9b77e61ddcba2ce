"""The guardrails as data: one guardrail a file, each with its reason and its scenarios."""
