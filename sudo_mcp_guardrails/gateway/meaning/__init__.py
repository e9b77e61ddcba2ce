"""What tool calls mean, before they are made: calls of AWS's API, their effect, and their risk.

Everything here reads texts and runs none of them. What is not positively understood is undecidable, and says why.
"""

from __future__ import annotations

from sudo_mcp_guardrails.gateway.meaning.compare import Difference, compare
from sudo_mcp_guardrails.gateway.meaning.declared import HOLE, DeclaredCall, Undecidable
from sudo_mcp_guardrails.gateway.meaning.meaning import Effect, Meaning, Situation
from sudo_mcp_guardrails.gateway.meaning.tools import meaning_of
from sudo_mcp_guardrails.gateway.meaning.vending import Vending

__all__ = [
    "HOLE",
    "DeclaredCall",
    "Difference",
    "Effect",
    "Meaning",
    "Situation",
    "Undecidable",
    "Vending",
    "compare",
    "meaning_of",
]
