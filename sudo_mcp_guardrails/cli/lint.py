"""``mcp-guardrails lint``: find policy statements that do nothing, or something else than they say.

Summary keys: ``files``, ``statements``, ``errors``, ``warnings``, ``notes``. Items: ``file``, ``line``, ``kind``,
``rule``, ``severity``, ``place`` (JSON path), ``sid``, ``message``, ``source``. The exit code is 1 for any error or
warning; a note alone is no finding.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from sudo_mcp_guardrails.cli.output import JsonOption, answering
from sudo_mcp_guardrails.cli.sarif import SarifOption, SarifResult, SarifRule, write_sarif
from sudo_mcp_guardrails.iam.lint import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable

_STYLES = {"error": "bold red", "warning": "yellow", "note": "dim"}


def lint(
    files: Annotated[list[Path], typer.Argument(metavar="FILES...", help="JSON policy documents.")],
    *,
    kind: Annotated[
        Kind | None,
        typer.Option(help="What they are attached to; guessed from the principals that they name when left out."),
    ] = None,
    sarif: SarifOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find policy statements that do nothing, or something else than they say."""
    with answering(as_json=as_json) as answer:
        items: list[dict[str, Any]] = []
        statements = 0
        for file in files:
            count, found = _lint_file(file, kind)
            statements += count
            items += found
        for item in items:
            answer.text.print(_line(item), soft_wrap=True)
        counts = {f"{level}s": sum(item["severity"] == level for item in items) for level in _STYLES}
        answer.text.print(
            f"{len(files)} files, {statements} statements: {counts['errors']} errors, {counts['warnings']} warnings, "
            f"{counts['notes']} notes"
        )
        write_sarif(sarif, _rules(), _results(items))
        answer.finish(
            ok=not (counts["errors"] or counts["warnings"]),
            summary={"files": len(files), "statements": statements, **counts},
            items=items,
        )


def _lint_file(file: Path, kind: Kind | None) -> tuple[int, list[dict[str, Any]]]:
    """Return how many statements a file has, and an item for each finding."""
    from sudo_mcp_guardrails.cli.inputs import read_policy
    from sudo_mcp_guardrails.cli.json_lines import json_lines, line_of
    from sudo_mcp_guardrails.iam.lint import RULES, guess_kind
    from sudo_mcp_guardrails.iam.lint import lint as lint_document

    read = read_policy(file)
    lines = json_lines(read.text)
    taken = kind or guess_kind(read.document)
    return len(read.document.statements), [
        {
            "file": str(file),
            "line": line_of(lines, finding.place),
            "kind": taken.value,
            "rule": finding.rule,
            "severity": finding.severity.value,
            "place": finding.place,
            "sid": finding.sid,
            "message": finding.message,
            "source": RULES[finding.rule].source,
        }
        for finding in lint_document(read.document, taken)
    ]


def _line(item: dict[str, Any]) -> Text:
    """Return a finding as compilers write theirs, so that editors find the place."""
    return Text.assemble(
        (f"{item['file']}:{item['line']}: ", "bold"),
        (item["severity"], _STYLES[item["severity"]]),
        f" {item['rule']}: ",
        f"{item['sid']}: " if item["sid"] else "",
        item["message"],
    )


def _rules() -> Iterable[SarifRule]:
    from sudo_mcp_guardrails.iam.lint import RULES

    return [SarifRule(rule.id, rule.title, rule.why, rule.source) for rule in RULES.values()]


def _results(items: Iterable[dict[str, Any]]) -> Iterable[SarifResult]:
    return [
        SarifResult(
            item["rule"],
            item["severity"],
            item["message"],
            item["file"],
            item["line"],
            (item["place"],) if item["place"] else (),
        )
        for item in items
    ]
