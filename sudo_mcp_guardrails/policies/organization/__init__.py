"""Guardrails of the organization: what holds for agents whatever an account's own policies say."""
