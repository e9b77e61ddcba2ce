"""What a record can say: JSON that is the same after it was stored and read."""

from __future__ import annotations

from typing import Final

from sudo_mcp_guardrails.approval.canonical import canonical
from sudo_mcp_guardrails.approval.errors import ApprovalError, EvidenceError

MAX_BODY: Final = 256 * 1024
"""Most bytes of a record's body; an item of DynamoDB has 400 KiB for the whole record."""
_MAX_INTEGER: Final = 2**53 - 1


def check_body(body: object, place: str) -> None:
    """Check the body of a record.

    Fractions are refused, since DynamoDB, JavaScript and Python each write them in their own way; so are whole numbers
    that a double cannot hold (RFC 7493, I-JSON).

    Args:
        body: of JSON.
        place: the record, for the error.

    Raises:
        EvidenceError: it is no object, too large, nested too deep, or has a value that is to be written as text.
    """
    if not isinstance(body, dict):
        raise EvidenceError(f"body of {place} is a {type(body).__name__}, allowed: an object")
    try:
        size = len(canonical(body))
    except ApprovalError as error:
        raise EvidenceError(f"body of {place} cannot be recorded: {error}") from None
    if size > MAX_BODY:
        raise EvidenceError(f"body of {place} has {size} bytes, allowed are {MAX_BODY}")
    waiting: list[object] = [body]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, (list, tuple)):
            waiting.extend(value)
        elif isinstance(value, int) and abs(value) > _MAX_INTEGER:
            raise EvidenceError(f"body of {place} has a number beyond 2**53 - 1, allowed: write it as text")
        elif not (value is None or isinstance(value, (str, int))):
            raise EvidenceError(f"body of {place} has a {type(value).__name__}, allowed: write it as text")
