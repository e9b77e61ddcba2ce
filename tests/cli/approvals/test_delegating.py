"""Somebody lets another decide in his place, in a terminal."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails import cli
from sudo_mcp_guardrails.approval.moments import moment, written
from sudo_mcp_guardrails.cli.approvals.api import Api

if TYPE_CHECKING:
    from tests.cli.approvals.desk import Desk

ERIN = "erin@example.com"


def tomorrow() -> str:
    return written(int(time.time()) + 86_400)


def lent(desk: Desk) -> list[dict[str, Any]]:
    """What erin may decide under."""
    desk.sits("erin")
    found = desk.run("delegate")
    assert found["summary"]["did"] == "listed"
    assert found["summary"]["delegations"] == len(found["items"])
    items: list[dict[str, Any]] = found["items"]
    return items


def test_what_is_lent_is_listed_decided_under_and_ended(desk: Desk) -> None:
    ends = tomorrow()
    made = desk.run("delegate", ERIN, "--until", ends, "--reason", "on leave")
    (item,) = made["items"]
    name = made["summary"]["delegation"]
    assert (made["summary"]["did"], item["id"], item["ends"], item["groups"]) == ("made", name, ends, [])
    assert item["delegator"] == f"{desk.site.provider.issuer}#alice"
    assert [each["prompt"] for each in desk.browser.asked] == ["login"] * 2
    (mine,) = lent(desk)
    assert mine == item
    approval = desk.site.works.submitted()
    decided = desk.decide("approve", approval, "--on-behalf-of", name)
    assert decided["summary"]["state"] == "approved"
    desk.sits("dave")
    strangers = desk.run("delegate", "--end", name, code=1)["summary"]
    assert (strangers["did"], "none of yours" in strangers["refused"]) == ("refused", True)
    desk.sits("alice")
    assert desk.run("delegate", "--end", name)["summary"]["did"] == "ended"
    assert lent(desk) == []


def test_who_lent_finds_what_he_lent(desk: Desk) -> None:
    now = int(time.time())
    soon = written(now + 2 * 86_400)[:10]
    held = desk.run("delegate", ERIN, "--until", tomorrow(), "--reason", "on leave")["items"][0]
    later = desk.run("delegate", ERIN, "--from", soon, "--until", soon, "--group", "sre", "--reason", "a day off")
    found = desk.run("delegations")
    assert found["summary"] == {"lent": 2, "borrowed": 0}
    assert found["items"] == [
        {"direction": "lent", "holds": True, **held},
        {"direction": "lent", "holds": False, **later["items"][0]},
    ]
    desk.run("delegate", "--end", held["id"])
    assert [item["id"] for item in desk.run("delegations")["items"]] == [later["summary"]["delegation"]]
    desk.sits("erin")
    assert desk.run("delegations")["summary"] == {"lent": 0, "borrowed": 0}
    desk.sits("dave")
    assert desk.run("delegations")["items"] == []


def test_what_was_lent_to_somebody_is_listed_as_such(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    made = desk.run("delegate", ERIN, "--until", tomorrow(), "--reason", "on leave")["items"][0]
    desk.sits("erin")
    assert desk.run("delegations")["items"] == [{"direction": "borrowed", "holds": True, **made}]
    assert cli.main(["approvals", "delegations", *desk.options]) == 0
    told = capsys.readouterr().out
    assert f"{made['id']}: all groups lent by {made['delegator']}, from " in told
    assert f"until {made['ends']}: on leave" in told


def test_a_day_lasts_to_its_end_and_groups_are_bounded(desk: Desk) -> None:
    now = int(time.time())
    first, last = written(now + 86_400)[:10], written(now + 2 * 86_400)[:10]
    what = ("--from", first, "--until", last, "--group", "sre", "--reason", "on leave")
    (item,) = desk.run("delegate", ERIN, *what)["items"]
    assert item["starts"] == f"{first}T00:00:00Z"
    assert moment(item["ends"]) - moment(item["starts"]) == 2 * 86_400
    assert item["groups"] == ["sre"]
    assert lent(desk) == []  # it does not hold yet


def test_a_delegation_takes_two_factors_and_is_what_was_read(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    what = ("delegate", ERIN, "--until", tomorrow(), "--reason", "on leave")
    desk.site.provider.leave_out = frozenset({"amr"})
    assert "proves no second factor" in desk.run(*what, code=2)["error"]
    desk.site.provider.leave_out = frozenset()
    post = Api.post

    def swapping(self: Api, path: str, who: Any, body: Any, page: str) -> dict[str, Any]:
        return post(self, path, who, {**body, "delegate": "dave@example.com"}, page)

    with monkeypatch.context() as patched:
        patched.setattr(Api, "post", swapping)
        assert "something else" in desk.run(*what, code=2)["error"]
    assert lent(desk) == []
    desk.sits("dave")
    assert desk.run("delegate")["items"] == []


def test_the_api_says_why_it_takes_none(desk: Desk) -> None:
    late = written(int(time.time()) + 200 * 86_400)
    assert "allowed" in desk.run("delegate", ERIN, "--until", late, "--reason", "on leave", code=2)["error"]
    unknown = desk.run("delegate", "mallory", "--until", tomorrow(), "--reason", "on leave", code=2)
    assert "'mallory' is nobody that the policy knows" in unknown["error"]


def test_people_read_what_they_lend_before_they_sign_in_for_it(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    ends = tomorrow()
    assert cli.main(["approvals", "delegate", ERIN, "--until", ends, "--reason", "on leave", *desk.options]) == 0
    printed = capsys.readouterr()
    told = f"you lend all of your groups to {ERIN}, from now until {ends}"
    assert 0 <= printed.err.find(told) < printed.err.rfind("sign in here")
    assert "on leave" in printed.out


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ((ERIN,), "--until and --reason"),
        ((ERIN, "--until", "2026-12-01"), "--until and --reason"),
        ((ERIN, "--until", "tomorrow", "--reason", "x"), "'tomorrow' is none"),
        ((ERIN, "--until", "2026-02-30", "--reason", "x"), "is none"),
        ((ERIN, "--until", "2026-12-01", "--reason", "x" * 2001), "2000"),
        ((f"{ERIN}\x1b", "--until", "2026-12-01", "--reason", "x"), "delegate"),
        (("--until", "2026-12-01"), "go with IDENTITY"),
        (("--end", "everything"), "hexadecimal digits"),
        ((ERIN, "--until", "2026-12-01", "--reason", "x", "--end", f"{'a' * 32}.{'b' * 16}"), "goes alone"),
    ],
)
def test_a_delegation_that_is_none_asks_nobody_to_sign_in(desk: Desk, options: tuple[str, ...], reason: str) -> None:
    assert reason in desk.run("delegate", *options, code=2)["error"]
    assert not desk.browser.asked
