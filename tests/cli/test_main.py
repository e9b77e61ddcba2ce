from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Annotated

import pytest
import typer

from sudo_mcp_guardrails import __version__, cli
from sudo_mcp_guardrails.cli import approvals, commands, trail
from sudo_mcp_guardrails.cli.commands import Command
from sudo_mcp_guardrails.cli.output import (
    Answer,
    JsonOption,  # noqa: TC001 - typer reads it at run time
    answering,
)
from sudo_mcp_guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    from pathlib import Path


def probe(how: str, *, as_json: JsonOption = False, count: Annotated[int, typer.Option()] = 0) -> None:
    """A command that ends in the way that is asked for."""
    with answering(as_json=as_json) as answer:
        answer.report("working")
        if how == "refuse":
            raise GuardrailsError("agent name 'X'\nis not allowed")
        if how == "interrupt":
            raise KeyboardInterrupt
        if how == "bug":
            raise ZeroDivisionError("oops")
        answer.text.print("for people")
        answer.finish(ok=how == "ok", summary={"count": count}, items=[{"id": "é"}])


GROUP = (
    Command("probe", f"{__name__}:probe", "Probe in a group."),
    Command("broken", "no_such_module:command", "In a group and never imported."),
)


@pytest.fixture(autouse=True)
def _table(monkeypatch: pytest.MonkeyPatch) -> None:
    table = (
        Command("probe", f"{__name__}:probe", "Probe."),
        Command("broken", "no_such_module:command", "Never imported, unless asked for."),
        Command("group", f"{__name__}:GROUP", "Probes."),
    )
    monkeypatch.setitem(sys.modules, __name__, sys.modules[probe.__module__])
    monkeypatch.setattr(commands.build_app, "__defaults__", (table,))


@pytest.mark.parametrize(("how", "code"), [("ok", 0), ("found", 1)])
def test_json_is_one_object_on_stdout(how: str, code: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["probe", how, "--json", "--count", "3"]) == code
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"ok": code == 0, "summary": {"count": 3}, "items": [{"id": "é"}]}
    assert "working" in captured.err


def test_without_json_stdout_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["probe", "ok"]) == 0
    assert capsys.readouterr().out == "for people\n"


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (["probe", "refuse"], 2, "agent name 'X' is not allowed"),
        (["probe", "interrupt"], 130, "stopped"),
        (["probe", "bug"], 2, "internal error: ZeroDivisionError: oops"),
        (["broken"], 2, "internal error: ModuleNotFoundError: No module named 'no_such_module'"),
    ],
)
def test_error_is_one_line_and_in_the_object(
    arguments: list[str], code: int, error: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*arguments, "--json"]) == code
    captured = capsys.readouterr()
    assert json.loads(captured.out) == {"ok": False, "summary": {}, "items": [], "error": error}
    assert f"error: {error}\n" in captured.err


@pytest.mark.parametrize("arguments", [["unknown"], ["--bogus"], ["probe"], ["probe", "ok", "--count", "many"]])
def test_bad_usage_is_two_and_named(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([*arguments, "--json"]) == 2
    captured = capsys.readouterr()
    assert "see mcp-guardrails --help" in json.loads(captured.out)["error"]
    assert captured.err.count("\n") == 1


def test_refusal_has_no_trace(capsys: pytest.CaptureFixture[str]) -> None:
    cli.main(["probe", "refuse"])
    captured = capsys.readouterr()
    assert captured.err == "working\nerror: agent name 'X' is not allowed\n"
    assert captured.out == ""


@pytest.mark.parametrize("arguments", [[], ["--help"], ["-h"]])
def test_help_lists_commands_without_importing_them(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments) == 0
    assert "Never imported, unless asked for." in capsys.readouterr().out


@pytest.mark.parametrize(("arguments", "code"), [(["group"], 2), (["group", "--help"], 0)])
def test_a_group_lists_its_commands_without_importing_them(
    arguments: list[str], code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments) == code
    captured = capsys.readouterr()
    assert "In a group and never imported." in captured.out
    assert captured.err == ("error: no command was given; see mcp-guardrails --help\n" if code else "")


def test_a_group_runs_the_command_that_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["group", "probe", "ok"]) == 0
    assert capsys.readouterr().out == "for people\n"


def test_a_command_that_its_group_has_not_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["group", "unknown"]) == 2
    assert capsys.readouterr().err == "error: No such command 'unknown'; see mcp-guardrails --help\n"


@pytest.mark.parametrize("group", [trail.COMMANDS, approvals.COMMANDS])
def test_every_command_of_a_group_says_in_the_table_what_it_says_itself(group: tuple[Command, ...]) -> None:
    for command in group:
        loaded = command.load()
        assert loaded.__doc__ == command.summary, command.name


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out == f"mcp-guardrails {__version__}\n"


def test_a_command_without_a_result_is_a_bug() -> None:
    with pytest.raises(RuntimeError, match="without a result"), answering(as_json=False):
        pass


def test_a_second_result_is_a_bug() -> None:
    answer = Answer(as_json=False)
    answer.finish(ok=True, summary={})
    with pytest.raises(RuntimeError, match="stated it already"):
        answer.finish(ok=False, summary={})


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_run_the_clean_up(number: signal.Signals, tmp_path: Path) -> None:
    module = tmp_path / "sleeper.py"
    module.write_text(
        "import time\n"
        "from sudo_mcp_guardrails.cli.output import answering\n"
        "def command():\n"
        "    with answering(as_json=True):\n"
        "        try:\n"
        "            print('started', flush=True)\n"
        "            time.sleep(30)\n"
        "        finally:\n"
        "            print('cleaned', flush=True)\n",
        encoding="utf-8",
    )
    code = (
        "import sys; from sudo_mcp_guardrails import cli; from sudo_mcp_guardrails.cli import commands\n"
        "commands.build_app.__defaults__ = ((commands.Command('sleep', 'sleeper:command', ''),),)\n"
        "sys.exit(cli.main(['sleep']))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        started = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
    assert time.monotonic() - started < 10
    assert process.returncode == 130
    assert out.startswith("cleaned\n")
    assert json.loads(out.removeprefix("cleaned\n"))["error"] == "stopped"
    assert err == "error: stopped\n"
