"""``trace`` and ``query``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails import cli
from tests.cli.trail.conftest import put
from tests.trail.made import RUN, SIGN_IN, event
from tests.trail.trace.traced import oauth_session

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.trail.conftest import Run

SUMMARY = {
    "asked",
    "by",
    "events",
    "people",
    "sessions",
    "tool_calls",
    "api_calls",
    "denied",
    "unknown",
    "regions",
    "accounts",
    "first_time",
    "last_time",
    "complete",
    "html",
}


def titles(said: Any, kind: str) -> list[str]:
    return [item["title"] for item in said["items"] if item["kind"] == kind]


@pytest.mark.parametrize("asked", [RUN, "made", "r-call"])
def test_a_run_in_a_store(asked: str, store: Path, run: Run) -> None:
    said = run("trace", asked, "--store", store)
    assert set(said["summary"]) == SUMMARY
    assert (said["summary"]["events"], said["summary"]["tool_calls"], said["summary"]["api_calls"]) == (4, 1, 2)
    assert titles(said, "grant") == ["minted by the broker"]
    (tool,) = [number for number, item in enumerate(said["items"]) if item["kind"] == "tool-call"]
    (made,) = [item for item in said["items"] if item["event_id"] == "made"]
    assert made["parent"] == tool


def test_a_session_in_files_with_a_timeline(tmp_path: Path, run: Run) -> None:
    put(tmp_path / "files", "20261120T1000Z", *oauth_session())
    page = tmp_path / "trace.html"
    said = run("trace", SIGN_IN, "--from", tmp_path / "files", "--html", page)
    assert said["summary"]["html"] == str(page)
    assert titles(said, "api-call") == ["s3:PutBucketPolicy", "cloudtrail:StopLogging"]
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_a_tree_for_people(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert cli.main(["trail", "trace", "call", "--store", str(store)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "event call"
    assert printed[1].startswith("└── person ")
    assert any("tool call call_aws 2026-11-20T10:00:05Z [asked for]" in line for line in printed)
    assert printed[-1].startswith("4 events, 1 session, 1 tool call, 2 API calls, 0 denied, ")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["nothing", "--store", "STORE"], "nothing in the trail is known by 'nothing'"),
        (["", "--store", "STORE"], "is no id"),
        (["x"], "trace needs one of --store, --url and --from"),
        (["x", "--store", "STORE", "--from", "FILES"], "trace needs one of --store, --url and --from"),
        (["x", "--url", "http://127.0.0.1:9", "--prefix", "No"], "index prefix 'No'"),
        (["x", "--store", "FILES"], "expected a directory that 'trail ingest' made"),
        (["x", "--store", "STORE", "--client", "arn:x=a"], "go with --from"),
        (["x", "--store", "STORE", "--broker", "arn:x"], "go with --from"),
        (["x", "--from", "/nowhere"], "source '/nowhere' is not there"),
        (["call", "--store", "STORE", "--html", "/nowhere/x.html"], "timeline '/nowhere/x.html' cannot be written"),
    ],
)
def test_bad_options(arguments: list[str], error: str, files: Path, store: Path, run: Run) -> None:
    named = {"FILES": files, "STORE": store}
    assert error in run("trace", *(named.get(each, each) for each in arguments), code=2)["error"]


def test_a_query_is_answered(store: Path, run: Run) -> None:
    said = run("query", "SELECT day, count(*) AS n FROM trail WHERE attributed GROUP BY day", "--store", store)
    assert said["summary"] == {"rows": 1, "columns": ["day", "n"], "limited": False}
    assert said["items"] == [{"day": "2026-11-20", "n": 4}]


def test_rows_are_bounded(store: Path, run: Run) -> None:
    said = run("query", "SELECT event_id FROM trail", "--store", store, "--limit", "3")
    assert (said["summary"]["rows"], said["summary"]["limited"]) == (3, True)
    said = run("query", "SELECT event_id FROM trail", "--store", store, "--limit", "7")
    assert (said["summary"]["rows"], said["summary"]["limited"]) == (7, False)


def test_values_that_json_has_not_are_texts(store: Path, run: Run) -> None:
    sql = (
        "SELECT 1 AS a, 2 AS a, NULL AS n, 1.5::DECIMAL(4,1) AS d, 'inf'::DOUBLE AS i, 'x'::BLOB AS b, "
        "TIMESTAMP '2026-11-20 10:00:00' AS t, [1, 2] AS l, {'k': DATE '2026-11-20'} AS s, true AS y"
    )
    (row,) = run("query", sql, "--store", store)["items"]
    assert row == {
        "a": 1,
        "a_2": 2,
        "n": None,
        "d": "1.5",
        "i": "inf",
        "b": "x",
        "t": "2026-11-20 10:00:00",
        "l": [1, 2],
        "s": {"k": "2026-11-20"},
        "y": True,
    }


@pytest.mark.parametrize(
    ("sql", "error"),
    [
        ("SELEC 1", "is no SQL"),
        ("SELECT nothing FROM trail", "failed"),
        ("DELETE FROM events", "allowed: one SELECT"),
        ("SELECT 1; SELECT 2", "allowed: one SELECT"),
        ("SELECT * FROM read_text('/etc/hostname')", "failed"),
        ("COPY trail TO '/tmp/x'", "allowed: one SELECT"),
        ("ATTACH '/tmp/x.db'", "allowed: one SELECT"),
    ],
)
def test_what_is_no_question_is_refused(sql: str, error: str, store: Path, run: Run) -> None:
    assert error in run("query", sql, "--store", store, code=2)["error"]


def test_a_table_for_people_shows_no_control_characters(
    tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    put(tmp_path / "files", "20261120T1000Z", event("x", userAgent="\x1b[2J[red]hidden[/red]"))
    run("ingest", tmp_path / "files", "--store", tmp_path / "store")
    capsys.readouterr()
    sql = "SELECT user_agent FROM trail"
    assert cli.main(["trail", "query", sql, "--store", str(tmp_path / "store")]) == 0
    printed = capsys.readouterr().out
    assert "\\u001b[2J[red]hidden[/red]" in printed
    assert "\x1b" not in printed


def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["trail", "--help"]) == 0
    printed = capsys.readouterr().out
    for command in ("ingest", "trace", "query", "reconcile", "backfill", "verify", "publish"):
        assert command in printed
