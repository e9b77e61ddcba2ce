"""The configuration of a gateway: read whole, or not started at all."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails import cli
from sudo_mcp_guardrails.cli.gateway.configuration import configured
from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.gateway.call import Verdict
from tests.gateway.deciding.making import LOOKS, call, lock, session

if TYPE_CHECKING:
    from pathlib import Path

RULES = (
    'permit(principal, action, resource);\nforbid(principal, action, resource) when { context.labels.contains("x") };\n'
)
FULL: dict[str, Any] = {
    "agent": "bot",
    "capability": "read",
    "tier": "T1",
    "environment": {"name": "box", "accounts": ["111111111111"], "regions": ["eu-west-1"], "production": False},
    "lock": "mcp-guardrails.lock.json",
    "aws": {"aws": "aws-mcp"},
    "tools": {"mail/send": "R1"},
    "rules": {"file": "rules.cedar", "principal": "iam", "gateway": "local", "targets": {"mail": "post"}},
    "budgets": [{"what": "calls", "most": 2, "seconds": 60, "per": "agent"}],
    "budgetFile": "budgets.sqlite",
    "prices": {"cents": {"ec2:RunInstances": 400}, "others": 1},
    "freezes": [{"start": "2026-12-20T00:00:00+00:00", "end": "2027-01-03T00:00:00+00:00", "reason": "holidays"}],
    "killSwitch": {"file": "switch.json"},
    "sops": {"tidy": {"actions": ["s3:ListBucket"], "resources": ["*"], "tools": ["mail/read"]}},
    "askable": ["R1"],
}


def _written(folder: Path, document: Any, rules: str = RULES) -> Path:
    (folder / "mcp-guardrails.lock.json").write_text(lock().text())
    (folder / "rules.cedar").write_text(rules)
    (folder / "switch.json").write_text('{"switches": []}')
    path = folder / "gateway.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


def test_it_sets_up_the_decision(tmp_path: Path) -> None:
    """All of it is in force: lists, rules, budgets, the switch."""
    found = configured(_written(tmp_path, FULL), lambda _: None).decision
    own = session()
    for number, verdict in enumerate((Verdict.ALLOW, Verdict.ALLOW, Verdict.DENY), start=1):
        asked = call({"id": "1"}, "read", "mail", number=number)
        outcome = found.before(own, asked)
        found.decided(own, asked, outcome)
        assert outcome.verdict is verdict
    assert found.before(session(state={"labels": {"x"}}), asked).reasons[0].id == "rules.forbidden"
    # Without the app's templates no role is known, and so no call of AWS's API passes.
    assert "decision.no-role" in [each.id for each in found.before(own, call(LOOKS)).reasons]
    (tmp_path / "switch.json").unlink()
    again = configured(tmp_path / "gateway.json", lambda _: None).decision
    assert again.before(own, asked).reasons[0].id == "decision.contained"


BROKEN: dict[str, tuple[Any, str]] = {
    "no-json": ("{", "no JSON"),
    "twice": ('{"agent": "a", "agent": "b"}', "twice"),
    "no-object": ("[]", "object"),
    "unknown-field": ({**FULL, "teir": "T1"}, "teir"),
    "unknown-inner": ({**FULL, "environment": {**FULL["environment"], "prod": True}}, "prod"),
    "unknown-budget": ({**FULL, "budgets": [{**FULL["budgets"][0], "window": 1}]}, "window"),
    "no-agent": ({k: v for k, v in FULL.items() if k != "agent"}, "agent is missing"),
    "tier": ({**FULL, "tier": "T9"}, "T9"),
    "number-as-text": ({**FULL, "budgets": [{**FULL["budgets"][0], "most": "2"}]}, "whole number"),
    "truth-as-number": ({**FULL, "budgets": [{**FULL["budgets"][0], "most": True}]}, "whole number"),
    "askable": ({**FULL, "askable": ["R3"]}, "R3"),
    "askable-none": ({**FULL, "askable": ["R9"]}, "R9"),
    "class": ({**FULL, "tools": {"mail/send": "R7"}}, "R7"),
    "tool-without-server": ({**FULL, "tools": {"send": "R1"}}, "server/tool"),
    "kill-switch-left-out": ({k: v for k, v in FULL.items() if k != "killSwitch"}, "exactly one"),
    "two-kill-switches": ({**FULL, "killSwitch": {"file": "a", "none": True}}, "exactly one"),
    "function": ({**FULL, "killSwitch": {"function": "nowhere:read"}}, "MODULE:NAME"),
    "freeze": ({**FULL, "freezes": [{**FULL["freezes"][0], "start": "tomorrow"}]}, "tomorrow"),
    "freeze-without-zone": (
        {**FULL, "freezes": [{**FULL["freezes"][0], "start": "2026-12-20T00:00:00"}]},
        "2026-12-20",
    ),
    "lock": ({**FULL, "lock": "none.json"}, "lock file"),
    "rules": ({**FULL, "rules": {"file": "none.cedar"}}, "rules"),
    "principal": ({**FULL, "rules": {"file": "rules.cedar", "principal": "saml"}}, "saml"),
    "server-of-nobody": ({**FULL, "aws": {"aws-mcp": "aws-mcp"}}, "lock file"),
    "sop": ({**FULL, "sops": {"tidy": {"actions": ["*"]}}}, "service:Action"),
    "app": ({**FULL, "app": "nowhere"}, "assembly"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_mistake_stops_the_guard(name: str, tmp_path: Path) -> None:
    """Whatever is wrong is named, and nothing starts."""
    document, says = BROKEN[name]
    with pytest.raises(GuardrailsError, match=says):
        configured(_written(tmp_path, document), lambda _: None)


def test_a_rule_with_an_error_stops_the_gateway(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The command refuses to start, and names the line."""
    path = _written(
        tmp_path, FULL, RULES + '\nforbid(principal, action, resource) when { context.meaning.efect == "x" };'
    )
    command = ["gateway", "run", "--agent", "bot", "--config", str(path), "--", "/bin/false"]
    assert cli.main(command) == 2
    assert "line 4" in capsys.readouterr().err


def test_the_agent_must_be_the_configurations(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A session of another agent would be denied all the time, so it never starts."""
    path = _written(tmp_path, FULL)
    assert cli.main(["gateway", "run", "--agent", "cat", "--config", str(path), "--", "/bin/false"]) == 2
    assert "'bot'" in capsys.readouterr().err
