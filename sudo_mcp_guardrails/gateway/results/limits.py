"""How much of a result goes on."""

from __future__ import annotations

from dataclasses import dataclass, fields

from sudo_mcp_guardrails.gateway.errors import GatewayError


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a result goes on.

    Attributes:
        size: Bytes of an answer, as it came; a longer one is denied whole.
        text: Characters of all texts of ``content`` together; what is beyond is cut, and the model is told.
        blocks: Blocks of ``content``; what is beyond is cut, and the model is told.
    """

    size: int = 4 * 1024 * 1024
    text: int = 400_000
    blocks: int = 200

    def __post_init__(self) -> None:
        """Refuse a limit that lets nothing or everything pass."""
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 1 << 30:
                raise GatewayError(f"limit {each.name} is {value!r}; expected a whole number from 1 to {1 << 30}")
