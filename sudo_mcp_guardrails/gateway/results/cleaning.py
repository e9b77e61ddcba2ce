"""One pass over JSON: invisible characters out, secrets masked, the shape as it was.

What stands in a structure keeps its type, and a masked text its length, so that it fits the schema that it fitted
before (but for ``pattern``, ``format``, ``enum`` and ``const``, which no mask can promise).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any, Final

from sudo_mcp_guardrails.approval.secret_names import MASK, is_secret_name
from sudo_mcp_guardrails.gateway.errors import GatewayError
from sudo_mcp_guardrails.gateway.invisible import shown, visible
from sudo_mcp_guardrails.gateway.results.secrets import is_random, masked

MAX_DEPTH: Final = 64
"""Deepest nesting of arguments and results."""
_SHOWN: Final = ("arn:", "https://", "http://", "{{resolve:")
_LEAST: Final = 6
_BITS: Final = 1.5
_is_secret_name = functools.lru_cache(maxsize=4096)(is_secret_name)


class TooDeepError(GatewayError):
    """A value is nested deeper than :data:`MAX_DEPTH`."""


@dataclass(slots=True)
class Cleaner:
    """Cleans values and counts what it did.

    Attributes:
        hidden: Whether invisible characters are removed; secrets are masked always.
        removed: Texts from which such were removed.
        secrets: Texts and numbers in which a secret was masked.
    """

    hidden: bool = True
    removed: int = field(default=0, init=False)
    secrets: int = field(default=0, init=False)

    def text(self, text: str) -> str:
        """Return a text cleaned, its secrets as ``****``."""
        plain = visible(text) if self.hidden else text
        safe = masked(plain)
        self.removed += plain != text
        self.secrets += safe != plain
        return safe

    def value(self, value: Any, *, secret: bool = False, depth: int = 0) -> Any:  # noqa: ANN401 - JSON
        """Return a value cleaned, of the same shape; the very same where there was nothing to do.

        Args:
            value: JSON.
            secret: Whether it stands under a secret's name.
            depth: How deep it stands.

        Raises:
            TooDeepError: It is nested too deep.
        """
        if isinstance(value, str):
            return self._leaf(value, secret=secret)
        if isinstance(value, (dict, list)):
            if depth >= MAX_DEPTH:
                raise TooDeepError(f"the value is nested more than {MAX_DEPTH} deep")
            if isinstance(value, dict):
                return self._object(value, secret=secret, depth=depth + 1)
            items = [self.value(item, secret=secret, depth=depth + 1) for item in value]
            return items if any(new is not old for new, old in zip(items, value)) else value  # noqa: B905 - of one length
        if secret and isinstance(value, (int, float)) and not isinstance(value, bool) and value:
            self.secrets += 1
            return 0
        return value

    def _object(self, value: dict[str, Any], *, secret: bool, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        same = True
        beside = _is_secret_name(_named(value))
        for name, item in value.items():
            plain = self.text(name)
            if plain in found or (plain != name and plain in value):
                plain = shown(name)  # two names that became one would lose a value
            inner = secret or _is_secret_name(name) or (beside and name in {"Value", "value"})
            found[plain] = self.value(item, secret=inner, depth=depth)
            same = same and plain == name and found[plain] is item
        return value if same else found

    def _leaf(self, text: str, *, secret: bool) -> str:
        plain = visible(text) if self.hidden else text
        safe = masked(plain)
        if (
            secret
            and safe == plain
            and len(plain) >= _LEAST
            and not plain.startswith(_SHOWN)
            and is_random(plain, _BITS)
        ):
            safe = MASK
        self.removed += plain != text
        if safe == plain:
            return plain if plain != text else text
        self.secrets += 1
        return safe + "*" * (len(plain) - len(safe))


def _named(value: dict[str, Any]) -> str:
    """Return the name that stands beside a value, as in a container's environment; empty for none."""
    for key in ("Name", "name", "Key", "key"):
        name = value.get(key)
        if isinstance(name, str):
            return name[:128]
    return ""
