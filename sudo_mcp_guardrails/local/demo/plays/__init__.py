"""What the demo plays: work that must succeed, and attacks that must fail."""

from __future__ import annotations

from typing import Final

from sudo_mcp_guardrails.local.demo.plays import applies, minting, plans, reaching, reads

PLAYS: Final = (*minting.rows(), *reads.rows(), *plans.rows(), *applies.rows(), *reaching.rows())
"""In the order in which they are played: later ones rest on what earlier ones made."""
