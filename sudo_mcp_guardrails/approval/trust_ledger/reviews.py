"""How well approvers read: known-bad change sets are put before them, and who lets them pass gives no evidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.approval.deciding.people import plain
from sudo_mcp_guardrails.approval.trust_ledger.cell import OWN, UNREAD
from sudo_mcp_guardrails.approval.trust_ledger.points import MILLION

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.trust_ledger.facts import Outcome, ReviewTest
    from sudo_mcp_guardrails.approval.trust_ledger.policy import TrustPolicy

MIN_TESTS: Final = 5
"""Fewer known-bad change sets say nothing of an approver."""


class Reviews:
    """What is known of approvers.

    Args:
        policy: the rules.
    """

    def __init__(self, policy: TrustPolicy) -> None:
        self._policy = policy
        self._found: dict[str, list[int]] = {}

    def take(self, fact: ReviewTest) -> None:
        """Take in one known-bad change set."""
        found = self._found.setdefault(plain(fact.approver), [0, 0])
        found[0] += 1
        found[1] += fact.caught

    def evidence(self, fact: Outcome) -> tuple[list[str], str]:
        """Return the approvers whose word counts, and why the item earns nothing; empty where it may."""
        others = [each for each in map(plain, fact.approvers) if each != plain(fact.requester)]
        reading = [each for each in others if self._reads(each)]
        if reading or not fact.approvers:
            return reading, ""
        return [], UNREAD if others else OWN

    def _reads(self, approver: str) -> bool:
        tests, caught = self._found.get(approver, (0, 0))
        return tests < MIN_TESTS or caught * MILLION >= self._policy.caught * tests
