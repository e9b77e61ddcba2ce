from __future__ import annotations

import json

import pytest

from sudo_mcp_guardrails.detection.compiled import RuleBook, dumps, loads
from sudo_mcp_guardrails.detection.errors import RuleError
from tests.detection.events import called, rule

BOOK = RuleBook((rule("a", called("x"), tags=("attack.t1",), sentence="é"), rule("b", called("y"))))


def test_a_rule_book_survives_being_written_a_rule_a_line() -> None:
    text = dumps(BOOK)
    assert loads(text) == BOOK
    assert dumps(loads(text)) == text
    assert sum('"name"' in line for line in text.splitlines()) == 2
    assert loads(dumps(RuleBook(()))) == RuleBook(())


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("format", 2, "format 2"),
        ("rules", {}, "no list of objects"),
        ("rules.0.level", "terrible", "allowed: informational, low, medium, high, critical"),
        ("rules.0.source", None, "source"),
        ("rules.0.tags", "x", "tags"),
        ("rules.0.title", 5, "title"),
        ("rules.0.condition", ["or"], "condition"),
    ],
)
def test_what_was_not_written_so_is_refused(path: str, value: object, message: str) -> None:
    data = json.loads(dumps(BOOK))
    place = data
    *way, last = path.split(".")
    for name in way:
        place = place[int(name) if name.isdigit() else name]
    place[last] = value
    with pytest.raises(RuleError, match=message):
        loads(json.dumps(data))


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "5"])
def test_what_is_no_rule_book_is_refused(text: str) -> None:
    with pytest.raises(RuleError):
        loads(text)
