"""SARIF 2.1.0, which code hosts and editors show beside the line that a finding is about.

Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

import sudo_mcp_guardrails
from sudo_mcp_guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    from collections.abc import Iterable

_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS: Final = frozenset({"error", "warning", "note", "none"})

SarifOption = Annotated[
    Path | None,
    typer.Option("--sarif", metavar="FILE", help="Write the findings to FILE as SARIF 2.1.0 as well.", dir_okay=False),
]


class ReportError(GuardrailsError):
    """A report cannot be written where it was asked for."""


@dataclass(frozen=True)
class SarifRule:
    """What a result refers to.

    Args:
        id: Stable id.
        title: One line.
        help: Why it matters.
        source: URL to read on; may be empty.
    """

    id: str
    title: str
    help: str = ""
    source: str = ""


@dataclass(frozen=True)
class SarifResult:
    """One finding.

    Args:
        rule: Id of its rule.
        level: ``error``, ``warning``, ``note`` or ``none``.
        message: One line or more, plain text.
        file: Path of the file, relative to where the command runs where it lies below that.
        line: Line in the file, from 1; None where no line is known.
        names: Logical places, such as a construct path or a JSON path.
    """

    rule: str
    level: str
    message: str
    file: str = ""
    line: int | None = None
    names: tuple[str, ...] = ()


def sarif_log(rules: Iterable[SarifRule], results: Iterable[SarifResult]) -> dict[str, Any]:
    """Return a SARIF log of one run. The same findings give the same log: it holds no time and no machine's path."""
    listed = sorted({rule.id: rule for rule in rules}.values(), key=lambda rule: rule.id)
    index = {rule.id: number for number, rule in enumerate(listed)}
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "mcp-guardrails",
                        "version": sudo_mcp_guardrails.__version__,
                        "rules": [_rule(rule) for rule in listed],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": [_result(result, index) for result in results],
            }
        ],
    }


def write_sarif(file: Path | None, rules: Iterable[SarifRule], results: Iterable[SarifResult]) -> None:
    """Write a log, where a file was asked for.

    Raises:
        ReportError: The file cannot be written.
    """
    if file is not None:
        write_report(file, json.dumps(sarif_log(rules, results), indent=2, ensure_ascii=False) + "\n")


def write_report(file: Path, text: str) -> None:
    """Write a report; raises ReportError where that fails."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ReportError(f"cannot write {str(file)!r}: {error.strerror}; name a file in a folder of yours") from error


def _rule(rule: SarifRule) -> dict[str, Any]:
    out: dict[str, Any] = {"id": rule.id, "shortDescription": {"text": rule.title}}
    if rule.help:
        out["fullDescription"] = {"text": rule.help}
    if rule.source:
        out["helpUri"] = rule.source
    return out


def _result(result: SarifResult, index: dict[str, int]) -> dict[str, Any]:
    if result.level not in _LEVELS:
        raise ValueError(f"SARIF level {result.level!r}, expected one of {', '.join(sorted(_LEVELS))}")
    out: dict[str, Any] = {
        "ruleId": result.rule,
        "ruleIndex": index[result.rule],
        "level": result.level,
        "message": {"text": result.message},
    }
    location: dict[str, Any] = {}
    if result.file:
        location["physicalLocation"] = {"artifactLocation": {"uri": _uri(result.file)}}
        if result.line is not None:
            location["physicalLocation"]["region"] = {"startLine": result.line}
    if result.names:
        location["logicalLocations"] = [{"fullyQualifiedName": name} for name in result.names]
    if location:
        out["locations"] = [location]
    return out


def _uri(file: str) -> str:
    """Return a path as a URI: relative to the working directory where it lies below it, as code hosts need it."""
    path = Path(file)
    if path.is_absolute():
        try:
            path = path.relative_to(Path.cwd())
        except ValueError:
            return path.as_uri()
    # An absolute URI is the one form in which pathlib quotes; what follows the working directory is the relative one.
    base = Path.cwd().as_uri()
    return (Path.cwd() / path).as_uri().removeprefix(f"{base}/")
