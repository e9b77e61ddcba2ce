from __future__ import annotations

import base64
import json
import subprocess
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.deciding.policy import ApprovalPolicy
from sudo_mcp_guardrails.local.approvals import people
from sudo_mcp_guardrails.local.approvals.page import Answer, Page
from sudo_mcp_guardrails.local.approvals.site import SiteError
from sudo_mcp_guardrails.local.demo import evaluator_witness
from sudo_mcp_guardrails.local.demo.approvals.part import settings_of
from sudo_mcp_guardrails.local.demo.approvals.quorums import LATE_SECONDS, QUORUMS
from sudo_mcp_guardrails.local.demo.approvals.result import ApprovalsResult
from sudo_mcp_guardrails.local.demo.approvals.rows import PLAYS
from sudo_mcp_guardrails.local.demo.approvals.scenes import Scenes
from sudo_mcp_guardrails.local.demo.play import Outcome, Play
from sudo_mcp_guardrails.local.demo.plays import PLAYS as OTHERS
from sudo_mcp_guardrails.local.demo.report import render
from sudo_mcp_guardrails.local.demo.run import DemoResult
from sudo_mcp_guardrails.local.oidc import Client, OidcProvider

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ISSUER = "http://127.0.0.1:1"


def test_rows_have_names_of_their_own_and_someone_to_ask() -> None:
    rows = [*OTHERS, *PLAYS]
    assert len({row.id for row in rows}) == len(rows)
    assert all(row.service for row in PLAYS)
    assert [row.id for row in PLAYS if row.allowed] == ["approval-propose", "approval-carried-out"]


@pytest.mark.parametrize("play", [play for play in PLAYS if play.action], ids=lambda play: play.id)
def test_evaluator_decides_as_expected(play: Play) -> None:
    decision, why = evaluator_witness.decide(play)
    assert decision == ("allow" if play.allowed else "deny"), why


def test_the_agents_without_a_workflow_propose_nothing() -> None:
    [row] = [row for row in PLAYS if row.id == "approval-propose"]
    other = Play(**{**vars(row), "agent": "release-bot"})
    assert evaluator_witness.decide(other)[0] == "deny"


def test_the_policy_is_one_and_the_requester_is_known_by_his_session_too() -> None:
    policy = people.policy(ISSUER, "111111111111", quorums=QUORUMS)
    assert ApprovalPolicy.from_document(policy.document()) == policy
    session = f"arn:aws:sts::111111111111:assumed-role/{people.HOST_ROLE}/{people.REQUESTER}"
    assert policy.people.of(session) == policy.people.of(f"{ISSUER}#{people.REQUESTER}") == people.REQUESTER
    assert policy.people.of(f"arn:aws:sts::111111111111:assumed-role/{people.HOST_ROLE}/alice") is None
    assert {person.username for person in people.people()} == set(people.GROUPS)


def test_the_demo_is_nowhere_weaker_than_usual() -> None:
    policy = people.policy(ISSUER, "111111111111", quorums=QUORUMS)
    assert policy.weaknesses() == ()
    lives = {quorum.risk: quorum.expires_after for quorum in QUORUMS if not quorum.production}
    assert lives[RiskClass.R3] == LATE_SECONDS


class FakeSite:
    """A site with one chain, and a page that refuses."""

    def __init__(self, *records: tuple[str, str], codes: tuple[str, ...] = ()) -> None:
        self.chain = [SimpleNamespace(kind=kind, who=who, number=n) for n, (kind, who) in enumerate(records, 1)]
        self.codes = codes
        self.provider = SimpleNamespace(people={"rita": None, "alice": None})
        self.page = SimpleNamespace(decide=lambda *_: Answer(403, {"error": "no"}), begin=self.begin)

    def records(self, _: str) -> list[Any]:
        return self.chain

    def begin(self, *_: Any) -> Answer:
        return Answer(410, {"error": "expired"})

    def session(self, *_: Any) -> None:
        return None

    def proposed(self, *_: Any) -> str:
        return "apr-1"

    def of(self, service: str, _: Any = None) -> Any:
        event = {"errorCode": "AccessDenied", "userIdentity": {"arn": "arn:x/run-1"}}
        found = {"Events": [{"CloudTrailEvent": json.dumps({**event, "errorCode": code})} for code in self.codes]}
        clients = {
            "cloudtrail": SimpleNamespace(lookup_events=lambda **_: found),
            "sts": SimpleNamespace(get_caller_identity=lambda: {"Arn": "arn:x/run-1"}),
        }
        return clients[service]


def scenes(site: FakeSite) -> Scenes:
    made: Any = Scenes(site, {"swapped": "apr-1"})  # type: ignore[arg-type]
    return made  # type: ignore[no-any-return]


def test_a_refusal_that_is_not_recorded_tells_nothing() -> None:
    own = next(row for row in PLAYS if row.id == "approval-own-request")
    seen = scenes(FakeSite(("request", "classify"), ("decision", "x#rita"))).play(own)
    assert (seen.said, seen.detail) == ("deny", "403: no")
    assert "decision 2 of rita" in seen.recorded
    seen = scenes(FakeSite(("request", "classify"), ("decision", "x#alice"))).play(own)
    assert (seen.said, seen.recorded) == (None, "")
    assert not Outcome(own, seen.said, None, "", seen.detail, seen.recorded).agreed


def refusal(code: str) -> Callable[[], None]:
    from botocore.exceptions import ClientError

    def call() -> None:
        if code:
            raise ClientError({"Error": {"Code": code, "Message": "no"}}, "GetExecutionHistory")

    return call


@pytest.mark.parametrize(
    ("code", "codes", "said"),
    [
        ("AccessDeniedException", ("AccessDenied",), "deny"),
        ("AccessDeniedException", ("ThrottlingException",), None),
        ("AccessDeniedException", (), None),
        ("ThrottlingException", ("ThrottlingException",), None),
        ("", ("AccessDenied",), "allow"),
    ],
)
def test_a_denial_counts_where_the_trail_has_it_too(
    code: str, codes: tuple[str, ...], said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sudo_mcp_guardrails.local.demo.approvals.stage._TRAIL_SECONDS", 0.2)
    seen = scenes(FakeSite(codes=codes))._denied(None, refusal(code), "GetExecutionHistory")
    assert seen.said == said


def test_a_machine_that_is_too_slow_to_begin_is_said() -> None:
    made: Any = scenes(FakeSite())
    assert made._begin_late("demo-late-0") is False
    assert made._late is None
    seen = made.play(next(row for row in PLAYS if row.id == "approval-late"))
    assert seen.said is None


def test_a_page_that_shows_nothing_stops_a_decision() -> None:
    with OidcProvider(people.people()) as provider:
        page = Page("http://127.0.0.1:1", "http://approvals.localhost:1", provider)
        provider.register(Client(people.AUDIENCE, (page.redirect,)))
        token = page.token(provider.people["alice"], "a" * 64)
        assert json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))["nonce"] == "a" * 64
        with pytest.raises(OSError, match="refused"):
            page.look(token, "apr-1")


_WITHOUT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "cryptography":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
from sudo_mcp_guardrails.local.demo import run
run.importlib.util.find_spec = lambda name: None
print(run._provider(print))
"""


def test_without_the_extra_the_demo_goes_without_approvals() -> None:
    done = subprocess.run([sys.executable, "-c", _WITHOUT], capture_output=True, text=True, timeout=60, check=False)
    said, result = done.stdout.splitlines()
    assert "no approvals: cryptography is not installed" in said
    assert result == "None"


def test_settings_are_those_of_the_stack_and_not_of_an_earlier_run(tmp_path: Path) -> None:
    for name in ("asset.old", "asset.new", "asset.other"):
        (tmp_path / name).mkdir()
    for name in ("asset.old", "asset.new"):
        (tmp_path / name / "approval_settings.json").write_text("{}", encoding="utf-8")
    listed = {name: {"source": {"path": f"asset.{name}"}} for name in ("new", "other")}
    file = tmp_path / "Approvals.assets.json"
    file.write_text(json.dumps({"files": listed}), encoding="utf-8")
    assert settings_of(tmp_path) == tmp_path / "asset.new" / "approval_settings.json"
    file.write_text(json.dumps({"files": {"other": listed["other"]}}), encoding="utf-8")
    with pytest.raises(SiteError, match="0 files"):
        settings_of(tmp_path)


def result(**changes: Any) -> ApprovalsResult:
    fine = {"served": True, "records": 9, "chains": 2, "states": {"executed": 1}, "verified": True}
    return ApprovalsResult(**{"page": "http://page.localhost:1/", **fine, **changes})


def test_a_result_without_problems() -> None:
    made = result()
    assert (made.problems, made.to_dict()["ok"]) == ([], True)
    assert any("9 records in 2 chains, 0 broken" in line and "1 executed" in line for line in made.lines())
    assert any("http://page.localhost:1/" in line and "approvals serve" in line for line in made.lines())


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"served": False}, "not served"),
        ({"records": 0}, "no approval was recorded"),
        ({"states": {}}, "no approval was recorded"),
        ({"broken": 2, "verified": False, "findings": ["a gap"]}, "a gap"),
        ({"verified": False}, "could not be verified"),
    ],
)
def test_what_is_not_as_it_must_be_is_a_problem(changes: dict[str, Any], problem: str) -> None:
    made = result(**changes)
    assert [each for each in made.problems if problem in each]
    assert made.to_dict()["ok"] is False
    assert any(line.startswith("PROBLEM") and problem in line for line in made.lines())


def test_what_was_recorded_is_in_the_item_and_in_the_report() -> None:
    outcome = Outcome(PLAYS[1], "deny", None, "", "403: <no>", "chain apr-1: decision 2")
    assert outcome.to_dict()["recorded"] == "chain apr-1: decision 2"
    html = render(DemoResult([outcome], [("x", 1.0)], approvals=result()))
    assert "403: &lt;no&gt;; recorded: chain apr-1: decision 2" in html
    assert "<h2>Approvals</h2>" in html
