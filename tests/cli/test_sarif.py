"""SARIF logs, and the lines that findings point at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.cli.json_lines import json_lines, line_of
from sudo_mcp_guardrails.cli.sarif import ReportError, SarifResult, SarifRule, sarif_log, write_sarif

if TYPE_CHECKING:
    from pathlib import Path

RULES = (SarifRule("b", "B", "why", "https://example.com/b"), SarifRule("a", "A"))


def results(*given: SarifResult) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sarif_log(RULES, given)["runs"][0]["results"]
    return found


def test_log_has_what_the_schema_demands() -> None:
    log = sarif_log(RULES, [SarifResult("b", "error", "m", "p/x y.json", 7, ("Statement[0]",))])
    driver = log["runs"][0]["tool"]["driver"]
    assert log["version"] == "2.1.0"
    assert driver["name"] == "mcp-guardrails"
    assert driver["rules"] == [
        {"id": "a", "shortDescription": {"text": "A"}},
        {
            "id": "b",
            "shortDescription": {"text": "B"},
            "fullDescription": {"text": "why"},
            "helpUri": "https://example.com/b",
        },
    ]
    assert log["runs"][0]["results"] == [
        {
            "ruleId": "b",
            "ruleIndex": 1,
            "level": "error",
            "message": {"text": "m"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": "p/x%20y.json"},
                        "region": {"startLine": 7},
                    },
                    "logicalLocations": [{"fullyQualifiedName": "Statement[0]"}],
                }
            ],
        }
    ]


def test_files_below_the_working_directory_are_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    uris = [
        r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for r in results(
            SarifResult("a", "note", "m", str(tmp_path / "in" / "x.json")),
            SarifResult("a", "note", "m", "in/x.json"),
            SarifResult("a", "note", "m", str(tmp_path.parent / "y.json")),
        )
    ]
    assert uris == ["in/x.json", "in/x.json", (tmp_path.parent / "y.json").as_uri()]


def test_a_result_without_a_place_has_no_location() -> None:
    assert "locations" not in results(SarifResult("a", "none", "m"))[0]


def test_a_level_that_sarif_lacks_is_a_bug() -> None:
    with pytest.raises(ValueError, match="SARIF level 'fatal', expected one of error, none, note, warning"):
        results(SarifResult("a", "fatal", "m"))


def test_a_report_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ReportError, match="cannot write"):
        write_sarif(tmp_path / "file" / "x.sarif", RULES, [])
    write_sarif(None, RULES, [])
    write_sarif(tmp_path / "new" / "x.sarif", RULES, [])
    assert json.loads((tmp_path / "new" / "x.sarif").read_text(encoding="utf-8"))["runs"][0]["results"] == []


TEXT = """{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "a, {[\\"}",
      "Action": ["x:Y",
        "x:Z"],
      "Condition": {"Bool": {"aws:ViaAWSMCPService": true,
        "aws:X": [1, null]}}
    },
    {"Sid": "b",
     "Action": []}
  ]
}
"""


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("", 1),
        ("Version", 2),
        ("Statement", 3),
        ("Statement[0]", 4),
        ("Statement[0].Sid", 5),
        ("Statement[0].Action", 6),
        ("Statement[0].Action[0]", 6),
        ("Statement[0].Action[1]", 7),
        ("Statement[0].Condition.Bool.aws:ViaAWSMCPService", 8),
        ("Statement[0].Condition.Bool.aws:X", 9),
        ("Statement[0].Condition.Bool.aws:X[1]", 9),
        ("Statement[1]", 11),
        ("Statement[1].Action", 12),
        ("Statement[1].Resource", 11),  # not there: the nearest around it
    ],
)
def test_values_are_found_on_their_lines(place: str, line: int) -> None:
    assert line_of(json_lines(TEXT), place) == line


def test_a_single_statement_stands_without_its_list() -> None:
    lines = json_lines('{\n"Statement": {\n"Action": "x:Y"}}')
    assert line_of(lines, "Statement[0]") == 2
    assert line_of(lines, "Statement[0].Action") == 2
    assert line_of(json_lines("[\n]"), "Statement[0].Action") == 1
