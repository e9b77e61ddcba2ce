"""Guardrails for AI agents that work in AWS, as CDK constructs, with a proof that they hold."""

from __future__ import annotations

__version__ = "0.1.0"

__all__ = ["__version__"]
