"""The auditor's export: the rows, no formula for a spreadsheet, and a page that needs nothing else."""

from __future__ import annotations

import csv
import io
import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.approval.chain.rows import AuditRow
from sudo_mcp_guardrails.cli.approvals.rows import ExportRow, cell, write

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.approvals.conftest import Evidence, Run

BAD = "<script>alert(1)</script><img src=https://evil.example/x onerror=alert(1)>\u202egnp.exe"


def row(**changes: str) -> AuditRow:
    texts = dict.fromkeys(("when", "who", "kind", "what", "why", "on_behalf_of", "proof", "digest", "key_id"), "x")
    return AuditRow(chain="apr-1", number=1, **{**texts, **changes})


def written(path: Path, kind: str, *rows: AuditRow) -> str:
    write(path, kind, [ExportRow(each, "yes") for each in rows], now=0, checked=True)
    return path.read_bytes().decode()


def test_rows_answer_who_what_when_why_and_on_which_proof(run: Run, evidence: Evidence, tmp_path: Path) -> None:
    file = tmp_path / "out.csv"
    found = run("export", evidence.bucket, *evidence.keys, "-o", file)
    rows = list(csv.DictReader(io.StringIO(file.read_text())))
    assert len(rows) == found["summary"]["records"]
    assert {each["chain_whole"] for each in rows} == {"yes"}
    decision = next(each for each in rows if each["kind"] == "decision")
    assert decision["who"] == "https://idp.example.com#alice"
    assert decision["what"].startswith("verdict=approve; ")
    assert decision["why"] == "comment=seen"
    assert "kind=jwt" in decision["proof"]
    assert decision["when"].endswith("Z")
    request = next(each for each in rows if (each["kind"], each["chain"]) == ("request", evidence.done))
    assert "person=arn:aws:iam::111111111111:user/Rita" in request["on_behalf_of"]
    as_json = tmp_path / "out.json"
    run("export", evidence.bucket, *evidence.keys, "--format", "json", "-o", as_json)
    documents = json.loads(as_json.read_text())
    assert [{name: str(value) for name, value in each.items()} for each in documents] == rows


def test_a_chain_that_is_not_whole_is_exported_and_said(run: Run, evidence: Evidence, tmp_path: Path) -> None:
    evidence.put(evidence.done, 3, {**evidence.record(evidence.done, 3), "who": "somebody"})
    file = tmp_path / "out.json"
    found = run("export", evidence.bucket, *evidence.keys, "--format", "json", "-o", file, code=1)
    whole = {each["chain"]: each["chain_whole"] for each in json.loads(file.read_text())}
    assert whole == {evidence.done: "no", evidence.refused: "yes", "trust/release-bot": "yes"}
    assert found["summary"]["broken"] > 0
    run("export", evidence.bucket, "--format", "json", "-o", file, "--chain", evidence.done)
    assert {each["chain_whole"] for each in json.loads(file.read_text())} == {"not checked"}
    assert "--chain 'none'" in run("export", evidence.bucket, "-o", file, "--chain", "none", code=2)["error"]


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r", " =", "\n="])
def test_no_cell_is_a_formula(tmp_path: Path, begin: str) -> None:
    text = begin + 'HYPERLINK("https://evil.example","x")'
    file = tmp_path / "out.csv"
    written(file, "csv", row(why=text, who="alice@example.com"))
    with file.open(newline="") as stream:
        (found,) = csv.DictReader(stream)
    assert found["why"] == "'" + text
    assert found["who"] == "alice@example.com"
    assert cell("2026-11-24T10:00:00Z") == "2026-11-24T10:00:00Z"


class Tags(HTMLParser):
    """The elements of a page, with their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, attrs))


def test_the_page_shows_text_and_refers_to_nothing(tmp_path: Path) -> None:
    text = written(tmp_path / "out.html", "html", row(why=BAD, who=BAD, digest="ab" * 32))
    page = Tags()
    page.feed(text)
    assert {tag for tag, _ in page.tags}.isdisjoint({"script", "img", "link", "a", "iframe", "form", "object"})
    names = {name for _, attributes in page.tags for name, _ in attributes}
    assert names.isdisjoint({"src", "href", "onerror", "onclick", "action"})
    assert "\u202e" not in text
    assert "&lt;script&gt;" in text
    assert re.search(r"default-src 'none'", text)


def test_a_file_that_cannot_be_written_leaves_the_old_one(run: Run, evidence: Evidence, tmp_path: Path) -> None:
    assert "cannot be written" in run("export", evidence.bucket, "-o", tmp_path / "no" / "out.csv", code=2)["error"]
    file = tmp_path / "out.csv"
    file.write_text("before")
    evidence.file(evidence.done, 1).write_bytes(b"x" * 10)
    run("export", evidence.bucket, "-o", file, code=1)
    assert file.read_text() != "before"
    assert [each.name for each in tmp_path.glob(".out*")] == []
