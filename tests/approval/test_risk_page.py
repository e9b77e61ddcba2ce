"""The page about risk: it is current, names every rule, and its Python runs as it stands."""

from __future__ import annotations

import re

import pytest

from docs import risk
from sudo_mcp_guardrails.approval.risk_rules import RULES

TEXT = risk.PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def test_the_page_is_current() -> None:
    assert risk.page() == TEXT, "run python -m docs.risk"


def test_every_rule_is_on_it() -> None:
    assert all(f"| `{rule.id}` | {rule.title} |" in TEXT for rule in RULES)


def test_blocks_were_found() -> None:
    assert len(BLOCKS) == 2


@pytest.mark.parametrize("number", range(2))
def test_a_block_runs(number: int) -> None:
    exec(compile(BLOCKS[number], f"docs/risk.md block {number}", "exec"), {})  # noqa: S102 - the page's own Python
