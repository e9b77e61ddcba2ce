"""Decisions in a terminal, against the real handler, with sign-ins at the local provider."""

from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails import cli
from sudo_mcp_guardrails.approval.deciding.decision import FactorKind
from sudo_mcp_guardrails.cli.approvals import signin
from sudo_mcp_guardrails.cli.approvals.api import Api, ApiError, checked_url

if TYPE_CHECKING:
    from tests.cli.approvals.conftest import Run
    from tests.cli.approvals.desk import Desk

pytest.importorskip("cryptography", reason="the extra is not installed")


@pytest.fixture
def approval(desk: Desk) -> str:
    return desk.site.works.submitted(environment="production", account="333333333333", region="eu-central-1")


def test_what_is_open_is_listed_and_shown_on_record(desk: Desk, approval: str) -> None:
    listed = desk.run("list")
    assert [each["approval"] for each in listed["items"]] == [approval]
    assert listed["summary"] == {"approvals": 1, "state": "open", "more": False}
    shown = desk.run("show", approval)
    assert shown["summary"]["approval_digest"] == desk.digest(approval)
    assert {each["kind"] for each in shown["items"]} >= {"reason", "change", "record"}
    assert [each.kind for each in desk.site.works.case(approval).records] == ["request", "view"]


def test_an_approval_is_bound_to_a_sign_in_for_just_it(desk: Desk, approval: str) -> None:
    found = desk.decide("approve", approval, "--comment", "read it")
    assert found["summary"]["state"] == "approved"
    assert (found["summary"]["counted"], found["summary"]["refused"]) == (True, "")
    case = desk.site.works.case(approval)
    (decision,) = case.of_kind("decision")
    factor = decision.body["factor"]
    nonce = desk.browser.asked[-1]["nonce"]
    assert (factor["kind"], factor["boundDigest"]) == ("jwt", nonce)
    assert decision.body["statement"]["comment"] == "read it"
    assert [(each["max_age"], each["prompt"]) for each in desk.browser.asked] == [("0", "login")] * 2
    again = desk.decide("approve", approval, code=1)
    assert "has approved already" in again["summary"]["refused"]


def test_a_refusal_ends_it(desk: Desk, approval: str) -> None:
    assert desk.decide("refuse", approval, "--comment", "no")["summary"]["state"] == "refused"
    found = desk.decide("approve", approval, code=1)
    assert found["summary"]["refused"].startswith("it is refused")
    assert len(desk.site.works.case(approval).of_kind("decision")) == 1


def test_the_requester_and_somebody_of_no_group_decide_nothing(desk: Desk, approval: str) -> None:
    desk.sits("rita")
    assert desk.decide("approve", approval, code=1)["summary"]["counted"] is False
    assert (
        desk.site.works.case(approval).status(desk.site.works.settings.policy, desk.site.works.place.now()).state.value
        == "pending"
    )


def test_another_digest_decides_nothing(desk: Desk, approval: str) -> None:
    other = desk.run("approve", approval, "--digest", "0" * 64, code=2)
    assert "nothing was decided" in other["error"]
    assert "expected --digest" in desk.run("approve", approval, code=2)["error"]
    assert "64 hexadecimal digits" in desk.run("approve", approval, "--digest", "abc", code=2)["error"]
    assert "--comment" in desk.decide("approve", approval, "--break-glass", code=2)["error"]
    assert not desk.site.works.case(approval).of_kind("decision")


def test_somebody_else_at_the_second_sign_in_decides_nothing(desk: Desk, approval: str) -> None:
    desk.sits("alice", "bob")
    assert "expected" in desk.decide("approve", approval, code=2)["error"]
    assert not desk.site.works.case(approval).of_kind("decision")


def test_a_page_that_sends_the_browser_to_the_redirect_is_told_nothing(desk: Desk, approval: str) -> None:
    desk.browser.lure = True
    assert desk.decide("approve", approval)["summary"]["counted"] is True
    assert desk.browser.lured == [400, 400]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("typed", "code", "state"), [("last", 0, "approved"), ("00000000", 2, "pending")])
def test_the_last_digits_are_asked_at_a_terminal(  # noqa: PLR0917 - fixtures and parameters
    desk: Desk,
    approval: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    typed: str,
    code: int,
    state: str,
) -> None:
    digest = desk.digest(approval)
    monkeypatch.setattr(sys, "stdin", Terminal((digest[-8:] if typed == "last" else typed) + "\n"))
    assert cli.main(["approvals", "approve", approval, *desk.options]) == code
    printed = capsys.readouterr()
    assert digest in printed.out
    works = desk.site.works
    assert works.case(approval).status(works.settings.policy, works.place.now()).state.value == state


def test_no_token_is_printed_and_no_plan_moves_the_cursor(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "release-bot-\x1b[2J\x1b]0;owned\x07\u202eevil"
    calls = [{"service": "sqs", "operation": "CreateQueue", "parameters": {"QueueName": name}}]
    approval = desk.site.works.submitted(data=calls)
    tokens: list[str] = []
    fresh = signin.SignIn.fresh

    def kept(self: signin.SignIn, nonce: str = "", who: str = "") -> signin.Session:
        made = fresh(self, nonce, who)
        tokens.append(made.token)
        assert made.token not in repr(made)
        return made

    monkeypatch.setattr(signin.SignIn, "fresh", kept)
    code = cli.main(["approvals", "approve", approval, "--digest", desk.digest(approval), *desk.options])
    printed = capsys.readouterr()
    text = printed.out + printed.err
    assert code == 0, text
    assert tokens
    assert not [each for each in tokens if each in text]
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_a_provider_that_does_not_say_how_sends_to_the_page(
    desk: Desk, approval: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As Cognito: the passkey on the page decides, and the terminal waits for its record."""
    desk.site.provider.leave_out = frozenset({"amr"})
    works = desk.site.works
    asked: list[float] = []

    def pause(seconds: float) -> None:
        asked.append(seconds)
        if len(asked) == 2:
            issuer = desk.site.provider.issuer
            monkeypatch.setattr("tests.handlers.approval.works.IDP", issuer)
            factor = works_factor(issuer, works.time)
            monkeypatch.setattr("tests.handlers.approval.works.jwt", lambda _: factor)
            works.decide(approval, "alice")

    monkeypatch.setattr("sudo_mcp_guardrails.cli.approvals.deciding.time.sleep", pause)
    digest = desk.digest(approval)
    arguments = ["approvals", "approve", approval, "--digest", digest, "--json", *desk.options]
    assert cli.main(arguments) == 0
    printed = capsys.readouterr()
    assert desk.site.link(approval) in printed.err.replace("\n", "")
    assert json.loads(printed.out)["summary"]["state"] == "approved"
    assert len(asked) == 2
    assert len(desk.browser.asked) == 1


def works_factor(issuer: str, now: float) -> Any:
    from tests.approval.made import jwt

    return replace(jwt(int(now) - 5), issuer=issuer, kind=FactorKind.JWT)


def test_a_server_that_shows_another_request_is_refused(
    desk: Desk, approval: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    get = Api.get

    def lying(self: Api, path: str, who: Any) -> dict[str, Any]:
        found = get(self, path, who)
        if "request" in found:
            found["request"]["environment"] = "sandbox"
        return found

    monkeypatch.setattr(Api, "get", lying)
    assert "another digest than it says" in desk.decide("approve", approval, code=2)["error"]


def test_a_challenge_of_something_else_is_signed_by_nobody(
    desk: Desk, approval: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = Api.post

    def lying(self: Api, path: str, who: Any, body: Any, page: str) -> dict[str, Any]:
        return {**post(self, path, who, body, page), "challenge": "ab" * 32}

    monkeypatch.setattr(Api, "post", lying)
    assert "something else" in desk.decide("approve", approval, code=2)["error"]
    assert len(desk.browser.asked) == 1


@pytest.mark.parametrize("url", ["http://approvals.example.com/", "ftp://x/", "https://a@b/", "approvals", ""])
def test_a_token_is_sent_over_tls_or_to_this_machine(url: str) -> None:
    with pytest.raises(ApiError):
        checked_url("--url", url)


def test_a_deployment_that_does_not_answer_is_told(run: Run) -> None:
    assert "does not answer" in run("list", "--url", "http://127.0.0.1:9/", code=2)["error"]
    assert "MCP_GUARDRAILS_APPROVALS_URL" in run("list", code=2)["error"]
