"""A team's rules as text: each policy of Cedar with the line that it begins on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from cedarpy import policies_to_json_str

from sudo_mcp_guardrails.gateway.deciding.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_RULES: Final = 2_000
_LONGEST: Final = 4_000_000


@dataclass(frozen=True)
class Rule:
    """One policy.

    Attributes:
        text: As it stands, without what stands before it.
        line: That it begins on, from 1.
        tree: Cedar's JSON form of it.
    """

    text: str
    line: int
    tree: dict[str, Any]

    @property
    def name(self) -> str:
        """Its ``@id``, else its line."""
        return self.annotation("id") or f"line {self.line}"

    @property
    def forbids(self) -> bool:
        """Whether it forbids."""
        return bool(self.tree["effect"] == "forbid")

    def annotation(self, name: str) -> str:
        """Return an annotation's text; empty where it has none."""
        return str(self.tree.get("annotations", {}).get(name) or "")


def read_rules(text: str, where: str = "rules") -> tuple[Rule, ...]:
    """Read rules.

    Args:
        text: Policies of Cedar; no templates.
        where: For errors.

    Raises:
        RuleError: They are not understood, with the line of the policy; or are too many, or none.
    """
    if len(text) > _LONGEST:
        raise RuleError(where, 0, f"{len(text)} characters of rules, expected at most {_LONGEST}")
    found = [_read(part, line, where) for part, line in _parts(text)]
    if not 1 <= len(found) <= MAX_RULES:
        raise RuleError(where, 0, f"{len(found)} rules, expected 1 to {MAX_RULES}; none would deny every call")
    names = [rule.annotation("id") for rule in found]
    for rule in found:
        name = rule.annotation("id")
        if name and names.count(name) > 1:
            raise RuleError(where, rule.line, f"@id {name[:80]!r} stands twice, expected it once")
    return tuple(found)


def _read(text: str, line: int, where: str) -> Rule:
    try:
        document = json.loads(policies_to_json_str(text))
    except ValueError as error:
        raise RuleError(where, line, f"the policy is not understood: {error}") from None
    trees = list(document["staticPolicies"].values())
    if document["templates"] or len(trees) != 1:
        raise RuleError(where, line, "it is a template, expected a policy without ?principal and ?resource")
    return Rule(text, line, trees[0])


def _parts(text: str) -> Iterator[tuple[str, int]]:
    """Yield each policy, up to its semicolon, with its line: strings and comments may hold semicolons too."""
    begin, place, line, first = -1, 0, 1, 1
    while place < len(text):
        sign = text[place]
        if sign == "\n":
            line += 1
        elif text.startswith("//", place):
            end = text.find("\n", place)
            place = len(text) if end < 0 else end
            continue
        elif not sign.isspace():
            if begin < 0:
                begin, first = place, line
            if sign == '"':
                closed = _string_end(text, place)
                line += text.count("\n", place, closed)
                place = closed
                continue
            if sign == ";":
                yield text[begin : place + 1], first
                begin = -1
        place += 1
    if begin >= 0:
        yield text[begin:], first


def _string_end(text: str, place: int) -> int:
    """Return the place after a string's last quote; the text's end where it has none."""
    place += 1
    while place < len(text) and text[place] != '"':
        place += 2 if text[place] == "\\" else 1
    return min(place + 1, len(text))
