"""``mcp-guardrails effective`` on the demo's app, and the heat map."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails import cli
from sudo_mcp_guardrails.cli.heatmap import render
from sudo_mcp_guardrails.cli.remaining import LEVELS, Remaining, remaining
from sudo_mcp_guardrails.iam import Layers, PolicyDocument, Principal, Statement, catalogue
from sudo_mcp_guardrails.iam.facts import Facts
from sudo_mcp_guardrails.iam.properties import Subject

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def everything() -> int:
    return sum(len(catalogue.service_actions(service)) for service in catalogue.services())


def ask(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert cli.main(["effective", *arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def test_counts_what_remains(
    assembly: Path, tmp_path: Path, everything: int, capsys: pytest.CaptureFixture[str]
) -> None:
    html, sarif = tmp_path / "map.html", tmp_path / "e.sarif"
    said = ask(capsys, "release-bot", "-a", str(assembly), "--html", str(html), "--sarif", str(sarif))
    assert said["summary"]["context"] == "direct"
    # No workload: its identity policies are an assumption.
    assert list(said["summary"]["capabilities"]) == ["read", "plan", "apply", "execution"]
    assert {item["capability"] for item in said["items"]} == {"read", "plan", "apply", "execution"}
    for name, total in said["summary"]["capabilities"].items():
        items = [item for item in said["items"] if item["capability"] == name]
        assert total["total"] == everything
        assert total["remaining"] == total["anywhere"] + total["own"] == sum(item["remaining"] for item in items)
        assert total["unknown"] == 0
        assert all(0 < item["remaining"] <= item["total"] for item in items)

    def of(capability: str, service: str, level: str) -> Any:
        key = (capability, service, level)
        return next((i for i in said["items"] if (i["capability"], i["service"], i["level"]) == key), None)

    # Reading changes nothing; applying changes its own alone.
    assert of("read", "s3", "Write") is None
    writes = of("apply", "s3", "Write")
    assert writes["own"] > 0
    assert writes["anywhere"] == 0
    # Nobody needs a permission for this one, so no role can be without it.
    assert of("read", "sts", "Read")["anywhere"] == 1
    page = html.read_text(encoding="utf-8")
    assert "release-bot" in page
    assert "apply, s3, Write: " in page
    assert "workload, " not in page
    results = json.loads(sarif.read_text(encoding="utf-8"))["runs"][0]["results"]
    assert len(results) == len(said["items"])


def subject(*statements: Statement, own: tuple[str, ...] = (), passable: tuple[str, ...] = ()) -> Subject:
    role = Principal("arn:aws:iam::111111111111:role/agent", session="run")
    return Subject(
        agent="bot",
        capability="apply",
        layers=Layers(identity=(PolicyDocument("identity", statements),)),
        facts=Facts(principal=role, resource_policies="none"),
        own=own,
        passable=passable,
    )


def counted(given: Subject) -> dict[tuple[str, str], Remaining]:
    return {(c.service, c.level): c for c in remaining(given, given.facts)}


def test_without_guardrails_everything_remains(everything: int) -> None:
    counts = counted(subject(Statement("All", "Allow", ("*",), resources=("*",))))
    assert sum(c.anywhere for c in counts.values()) == sum(c.total for c in counts.values()) == everything


def test_own_resources_are_told_from_others() -> None:
    counts = counted(
        subject(
            Statement("Own", "Allow", ("sqs:SendMessage",), resources=("arn:aws:sqs:*:111111111111:bot-*",)),
            Statement("Some", "Allow", ("sqs:DeleteQueue",), resources=("arn:aws:sqs:*:111111111111:b*",)),
            Statement("Pass", "Allow", ("iam:PassRole",), resources=("arn:aws:iam::111111111111:role/deployer",)),
            own=("arn:aws:sqs:*:111111111111:bot-*",),
            passable=("arn:aws:iam::111111111111:role/deployer",),
        )
    )
    writes = counts["sqs", "Write"]
    assert (writes.own, writes.anywhere, writes.remaining) == (1, 1, 2)
    assert (counts["iam", "Write"].own, counts["iam", "Write"].anywhere) == (1, 0)
    assert counts["s3", "Read"].remaining == 0
    # It needs no permission.
    assert counts["sts", "Read"].anywhere == 1
    assert {service for (service, _), c in counts.items() if c.remaining} == {"iam", "sqs", "sts"}


def test_text_is_a_table(assembly: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["effective", "data-bot", "-a", str(assembly)]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^secretsmanager|^secret", out, re.MULTILINE)
    assert re.search(r"^read: \d+ of \d+ actions remain, \d+ anywhere, \d+ on own resources alone$", out, re.MULTILINE)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["nobody"], "agent 'nobody' is not in the templates, allowed are data-bot, release-bot"),
        (["data-bot", "--via", "x"], "see mcp-guardrails --help"),
        ([], "see mcp-guardrails --help"),
    ],
)
def test_bad_input_is_two(assembly: Path, arguments: list[str], error: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert error in ask(capsys, *arguments, "-a", str(assembly), code=2)["error"]


class Page(HTMLParser):
    """Collects what a page refers to, its cells, and whether its elements are closed in order."""

    VOID = frozenset({"meta"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.outside: list[str] = []
        self.cells: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        given = dict(attrs)
        self.outside += [str(value) for name, value in attrs if name in {"src", "href"}]
        assert tag != "script"
        if tag == "td" and given.get("title"):
            self.cells[str(given["title"])] = str(given.get("style") or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def shown(*counts: Remaining) -> Page:
    page = Page()
    page.feed(render("<bot>", {"apply": counts}, context="direct", catalogue="1"))
    assert page.open == []
    assert page.outside == []
    return page


@pytest.mark.parametrize(
    ("count", "said", "style"),
    [
        (Remaining("s3", "Read", 10, 10, 0, 0), "10 of 10 actions remain, 10 anywhere, 0 on own", "var(--see5)"),
        (Remaining("s3", "Write", 10, 1, 0, 0), "1 of 10 actions remain, 1 anywhere, 0 on own", "var(--any1)"),
        (Remaining("s3", "Write", 10, 0, 3, 0), "3 of 10 actions remain, 0 anywhere, 3 on own", "var(--own2)"),
        (
            Remaining("s3", "Write", 10, 1, 3, 1),
            "4 of 10 actions remain, 1 anywhere, 3 on own resources alone, 1 could not be told",
            "linear-gradient(90deg,var(--any2) 25%,var(--own2) 25%)",
        ),
        (Remaining("s3", "Write", 100, 1, 0, 0), "1 of 100 actions remain", "var(--any1)"),
    ],
)
def test_a_cell_says_its_numbers_and_shows_them(count: Remaining, said: str, style: str) -> None:
    ((title, found),) = shown(count).cells.items()
    assert title.startswith(f"apply, s3, {count.level}: {said}")
    assert style in found


def test_nothing_remaining_has_no_colour() -> None:
    page = shown(Remaining("s3", "Read", 10, 1, 0, 0), Remaining("s3", "Write", 10, 0, 0, 0))
    assert page.cells["apply, s3, Write: 0 of 10 actions remain"] == ""


def test_rows_begin_with_what_changes_things_anywhere() -> None:
    page = render(
        "bot",
        {
            "apply": [
                Remaining("reads", "Read", 100, 100, 0, 0),
                Remaining("own", "Write", 100, 0, 40, 0),
                Remaining("writes", "Write", 100, 30, 0, 0),
                Remaining("closed", "Write", 100, 0, 0, 0),
                Remaining("permissions", "Permissions management", 100, 2, 0, 0),
            ]
        },
        context="direct",
        catalogue="1",
    )
    assert re.findall(r'<th scope="row">(\w+)</th>', page) == ["permissions", "writes", "own", "reads"]
    assert "1 services of which nothing remains" in page


def test_names_are_escaped() -> None:
    assert "<bot>" not in render("<bot>", {"<x>": [Remaining("s3", "Read", 1, 1, 0, 0)]}, context="c", catalogue="1")


def test_levels_are_those_of_the_catalogue() -> None:
    found = {
        action.level.partition(",")[0]
        for service in catalogue.services()
        for action in catalogue.service_actions(service).values()
    }
    assert found == set(LEVELS)
