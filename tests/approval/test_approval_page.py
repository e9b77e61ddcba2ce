"""The blocks of docs/approval.md print what the page says, and its table is that of the code."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.authentication.freshness import AMR, MAX_AGE
from sudo_mcp_guardrails.approval.deciding.policy import MIN_REASON
from sudo_mcp_guardrails.approval.deciding.quorum import QUORUMS

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.deciding.quorum import Quorum

PAGE = (Path(__file__).parents[2] / "docs" / "approval.md").read_text(encoding="utf-8")


def test_the_examples_print_what_the_page_says() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```\n\n```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(blocks) == PAGE.count("```python") == 3
    names: dict[str, Any] = {}
    for code, printed in blocks:
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile(code, "docs/approval.md", "exec"), names)  # noqa: S102 - our own page
        assert [line.rstrip() for line in out.getvalue().splitlines()] == printed.splitlines()


def words(quorum: Quorum) -> str:
    people = ("nobody is asked", "one", "two")[quorum.people]
    rule = "a rule, or " if quorum.rule else ""
    return f"{rule}{people}{' of different groups' if quorum.groups > 1 else ''}"


def test_the_table_of_quorums_is_the_code() -> None:
    for risk in RiskClass:
        outside, inside = ([one for one in QUORUMS if (one.risk, one.production) == (risk, at)] for at in (False, True))
        if not outside:
            assert f"| {risk.value} | nobody can | nobody can | |" in PAGE
            continue
        hours = outside[0].expires_after // 3600
        assert outside[0].expires_after == inside[0].expires_after
        assert f"| {risk.value} | {words(outside[0])} | {words(inside[0])} | {hours} h |" in PAGE


def test_the_numbers_are_the_codes() -> None:
    assert ", ".join(f"`{one}`" for one in AMR) in PAGE
    assert f"reason of {MIN_REASON} characters" in PAGE
    assert MAX_AGE == 5 * 60
