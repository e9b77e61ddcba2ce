"""Break-glass: assuming an agent's role without the broker."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agent_checks import InvalidAgentError
from sudo_mcp_guardrails.policies import trust

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.documents import Statement

_PRINCIPAL: Final = re.compile(r"arn:[^:*]+:iam::\d{12}:(?:role|user)/[^*?]+")


@dataclass(frozen=True)
class DirectAssumption:
    """Who may assume read and plan roles without the broker, for break-glass.

    Such a session has a SourceIdentity that begins with ``direct-`` and no session tags; it never counts as
    attributed to a run.

    Args:
        principals: ARNs of roles or users, without wildcards. A user's session must have a second factor. For a
            role it rests with whoever lets people into that role, and reports call it *argued*.

    Raises:
        InvalidAgentError: For a principal that is not one role or user.
    """

    principals: tuple[str, ...]

    def __post_init__(self) -> None:
        """Validate."""
        if not self.principals:
            raise InvalidAgentError("direct principals", self.principals, "at least one role or user ARN")
        for principal in self.principals:
            if not _PRINCIPAL.fullmatch(principal):
                raise InvalidAgentError("direct principal", principal, "the ARN of one role or user, without wildcards")

    def statements(self) -> tuple[Statement, ...]:
        """Return the trust statements."""
        return trust.direct(self.principals)
