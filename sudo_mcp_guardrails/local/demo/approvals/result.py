"""What the demo's part "approvals" found, in numbers and in words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

VERIFIED_BY: Final = "mcp-guardrails approvals verify"
_SHOWN: Final = 5


@dataclass
class ApprovalsResult:
    """What was found.

    Args:
        page: Address of the page while the demo ran.
        served: Whether the page came.
        records: Records that could be read.
        chains: Chains of them.
        broken: Findings of the check.
        states: States of the approvals, replayed by the policy, with their numbers.
        findings: The findings, in words.
        verified: Whether the command found all in order.
    """

    page: str
    served: bool = False
    records: int = 0
    chains: int = 0
    broken: int = 0
    states: dict[str, int] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)
    verified: bool = False

    @property
    def problems(self) -> list[str]:
        """What is not as it must be."""
        found = {
            "the approval page is not served": self.served,
            "no approval was recorded": self.records > 0 and bool(self.states),
            f"{self.broken} findings in the evidence": self.broken == 0,
            "the evidence could not be verified": self.verified,
        }
        return [problem for problem, fine in found.items() if not fine] + self.findings[:_SHOWN]

    def to_dict(self) -> dict[str, Any]:
        """Return what ``demo --json`` prints under ``approvals``."""
        return {
            "ok": not self.problems,
            "problems": self.problems,
            "page": self.page,
            "served": self.served,
            "records": self.records,
            "chains": self.chains,
            "broken": self.broken,
            "states": self.states,
            "verified_by": VERIFIED_BY,
        }

    def lines(self) -> Iterator[str]:
        """Yield what a person reads."""
        states = ", ".join(f"{number} {state}" for state, number in self.states.items()) or "none"
        yield "Approvals, shown by the embedded AWS:"
        yield (
            f"{self.records} records in {self.chains} chains, {self.broken} broken, checked by {VERIFIED_BY}; "
            f"approvals: {states}"
        )
        yield f"the page was at {self.page} while this ran; mcp-guardrails approvals serve keeps one running"
        for problem in self.problems:
            yield f"PROBLEM {problem}"
