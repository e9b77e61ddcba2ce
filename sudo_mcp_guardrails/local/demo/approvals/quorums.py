"""How many people decide in the demo, and for how long a request lives."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.deciding.quorum import QUORUMS as USUAL

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.deciding.quorum import Quorum

LATE_SECONDS: Final = 10
"""Life of an R3 request outside production, which is two hours by default: nobody waits that long in a demo."""


def _demo(quorum: Quorum) -> Quorum:
    if quorum.production:
        return quorum
    if quorum.risk is RiskClass.R1:
        return replace(quorum, people=2)
    return replace(quorum, expires_after=LATE_SECONDS) if quorum.risk is RiskClass.R3 else quorum


QUORUMS: Final = tuple(_demo(quorum) for quorum in USUAL)
"""As usual, but that R1 outside production takes two people, between whose approvals something can be swapped, and that
R3 there has little time."""
