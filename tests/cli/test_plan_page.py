"""The page about plans: its commands print what it says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from sudo_mcp_guardrails import cli
from sudo_mcp_guardrails.approval.plan import Form

PAGE = (Path(__file__).parents[2] / "docs" / "plan.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^```console\n\$ mcp-guardrails (.*?)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize(("command", "expected"), COMMANDS)
def test_commands_print_what_the_page_says(
    command: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (template,) = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    (tmp_path / "template.json").write_text(template, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    assert cli.main(shlex.split(command)) == 0
    assert lines(capsys.readouterr().out) == lines(expected)


def test_the_page_has_its_commands_and_every_form() -> None:
    assert len(COMMANDS) == 2
    assert [form.value for form in Form if f"| `{form.value}` |" not in PAGE] == []
