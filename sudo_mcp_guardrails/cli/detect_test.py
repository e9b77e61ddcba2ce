"""``mcp-guardrails detect test``: the rules on their cases, and the cases on each rule's mutants."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.text import Text

if TYPE_CHECKING:
    from pathlib import Path

    from sudo_mcp_guardrails.cli.output import Answer
    from sudo_mcp_guardrails.detection.compiled import RuleBook


def self_test(book: RuleBook, directories: list[Path], answer: Answer) -> None:
    """Test rules, and state the result.

    Args:
        book: the rules.
        directories: where the user's own rules lie; their cases are in ``cases`` beside them.
        answer: where the result goes.

    Raises:
        RuleError: for cases that do not parse.
    """
    from sudo_mcp_guardrails.detection.cases import load_directory, shipped
    from sudo_mcp_guardrails.detection.selftest import run

    started = time.monotonic()
    cases = shipped()
    for one in directories:
        cases.update(load_directory(one / "cases"))
    report = run(book, cases)
    items = [
        *({"rule": one.rule, "kind": "case", "what": one.why} for one in report.failures),
        *({"rule": one.rule, "kind": "mutant", "what": one.what} for one in report.survivors),
    ]
    for item in items:
        said = "failed" if item["kind"] == "case" else "survives"
        answer.text.print(Text.assemble((f"{item['rule']} ", "bold"), (said, "red"), f": {item['what']}"))
    answer.text.print(
        f"{report.rules} rules, {report.cases} cases, {report.failed} failed; "
        f"{report.mutants} mutants, {report.killed} killed"
    )
    summary = {
        "rules": report.rules,
        "cases": report.cases,
        "failed": report.failed,
        "mutants": report.mutants,
        "killed": report.killed,
        "seconds": round(time.monotonic() - started, 3),
    }
    answer.finish(ok=report.ok, summary=summary, items=items)
