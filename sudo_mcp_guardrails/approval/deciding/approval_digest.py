"""What an approval is bound to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.approval.canonical import digest

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.deciding.request import ApprovalRequest

APPROVAL_KIND: Final = "approval/1"


def approval_digest(request: ApprovalRequest) -> str:
    """Return the SHA-256 over a whole request, 64 hexadecimal digits.

    It covers the plan's digest, the policy's version, the requester, expiry, nonce and id, and all else that the
    approver was shown: whoever lowers the risk or moves the request into another environment, in which fewer people
    decide, has another digest.
    """
    return digest(APPROVAL_KIND, request.document())
