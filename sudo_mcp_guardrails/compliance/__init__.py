"""What regulations ask of the guardrails, as data."""
