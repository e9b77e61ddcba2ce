from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import Any

import pytest

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.authentication.freshness import Freshness, Issuer
from sudo_mcp_guardrails.approval.deciding.calendar import Calendar, Freeze, Window
from sudo_mcp_guardrails.approval.deciding.decision import FactorKind
from sudo_mcp_guardrails.approval.deciding.delegation import DelegationRules
from sudo_mcp_guardrails.approval.deciding.people import People, Person, plain
from sudo_mcp_guardrails.approval.deciding.policy import ApprovalPolicy, BreakGlass, Group, Step
from sudo_mcp_guardrails.approval.deciding.quorum import QUORUMS
from sudo_mcp_guardrails.approval.deciding.request import Requester
from sudo_mcp_guardrails.approval.errors import DecisionError
from tests.approval.made import IDP, MINUTE, POLICY, REQUESTER, START, asked

CHANGES: dict[str, Any] = {
    "people": People(directory=f"{IDP}#"),
    "groups": (*POLICY.groups, Group("more")),
    "escalation": (Step(0, ("sre",)),),
    "freshness": Freshness((Issuer(FactorKind.JWT, "https://other.example.com"),)),
    "nonproduction": ("sandbox", "staging"),
    "quorums": tuple(replace(one, expires_after=60) for one in QUORUMS),
    "delegation": DelegationRules(max_days=1),
    "calendar": Calendar((Window(("mon",), "09:00", "12:00", "Europe/Berlin"),), (Freeze(5, 6, "launch"),)),
    "break_glass": BreakGlass(),
    "owner_team_decides": True,
}


def test_every_part_of_a_policy_is_part_of_its_version() -> None:
    assert set(CHANGES) == {field.name for field in fields(ApprovalPolicy)}
    versions = {replace(POLICY, **{name: value}).version for name, value in CHANGES.items()}
    assert len(versions | {POLICY.version}) == len(CHANGES) + 1


@pytest.mark.parametrize("name", CHANGES)
def test_a_policy_is_read_as_it_is_written(name: str) -> None:
    policy = replace(POLICY, **{name: CHANGES[name]})
    again = ApprovalPolicy.from_document(json.loads(json.dumps(policy.document())))
    assert again == policy
    assert again.version == policy.version


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"escalation": ()}, "escalation after \\[\\] seconds"),
        ({"escalation": (Step(60, ("sre",)),)}, "escalation after \\[60\\] seconds"),
        ({"escalation": (Step(0, ("sre",)), Step(0, ("security",)))}, "allowed: 0 first, then ever later"),
        ({"escalation": (Step(0, ("nobody",)),)}, "group 'nobody' is not known, allowed are managers"),
        ({"break_glass": BreakGlass(("heroes",))}, "group 'heroes' is not known"),
        ({"groups": (Group("sre"), Group("sre"))}, "groups has an item twice"),
        ({"quorums": QUORUMS[1:]}, "not one for each class"),
        ({"quorums": (*QUORUMS, QUORUMS[0])}, "not one for each class"),
    ],
)
def test_what_is_no_policy_is_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(DecisionError, match=reason):
        replace(POLICY, **changes)


def test_steps_have_groups_and_come_before_the_end() -> None:
    for after, groups in ((-1, ("sre",)), (4 * 3600, ("sre",)), (0, ())):
        with pytest.raises(DecisionError, match="a step after"):
            Step(after, groups)


def test_who_decides_from_when() -> None:
    request = asked()
    assert POLICY.deciding(request, START) == ("sre", "security")
    assert POLICY.deciding(request, START + 30 * MINUTE - 1) == ("sre", "security")
    assert POLICY.deciding(request, START + 30 * MINUTE) == ("sre", "security", "managers")
    assert POLICY.breaking(request) == ("security",)


def test_what_is_weaker_than_by_default_is_said_aloud() -> None:
    assert POLICY.weaknesses() == ()
    # Without rules it is stricter, which is nothing to be said.
    weak = tuple(
        replace(one, people=1, groups=0) if one.risk is RiskClass.R3 else replace(one, rule=False) for one in QUORUMS
    )
    freshness = replace(POLICY.freshness, amr=("mfa", "sms"))
    policy = replace(POLICY, quorums=weak, owner_team_decides=True, freshness=freshness)
    assert policy.weaknesses() == (
        "quorum of R3 outside production is weaker than by default",
        "quorum of R3 in production is weaker than by default",
        "members of the team that owns an agent decide about it",
        "a sign-in by another method than by default counts",
    )


def test_who_stands_behind_a_request() -> None:
    people, teams = POLICY.excluded(REQUESTER)
    assert {"rita", "owen", "release-bot", "run-1"} <= people
    assert teams == frozenset()
    people, teams = POLICY.excluded(Requester("bot", "run-1", f"{IDP}#rita", "PLATFORM@example.com"))
    assert teams == {"platform"}
    with pytest.raises(DecisionError, match="owner 'nobody' of the agent is nobody that the policy knows"):
        POLICY.excluded(Requester("bot", "run-1", f"{IDP}#rita", "nobody"))
    with pytest.raises(DecisionError, match="person 'nobody' behind the request"):
        POLICY.excluded(Requester("bot", "run-1", "nobody", "sre"))


def test_identities_are_compared_without_case_and_forms() -> None:
    assert plain("Alice@Example.COM") == plain("alice@example.com")
    assert plain("\uff21lice") == "alice"  # a full-width A
    assert plain("stra\u00dfe") == plain("STRASSE")
    assert plain("e\u0301") == plain("\u00e9")
    assert plain("alice") != plain("alice1")


def test_a_directory_in_which_everybody_is_once_needs_no_list() -> None:
    people = People((Person("alice", (f"{IDP}#1", "arn:aws:iam::111111111111:user/alice")),), directory=f"{IDP}#")
    assert people.of(f"{IDP}#1") == people.of("ARN:aws:iam::111111111111:user/ALICE") == "alice"
    assert people.of(f"{IDP}#2") == f"{IDP}#2"
    assert people.of(f"{IDP}#2") != people.of(f"{IDP}#3")
    assert people.of("https://idp.example.com.evil#2") is None
    assert People().of("alice") is None


def test_an_identity_of_two_people_is_of_nobody() -> None:
    with pytest.raises(DecisionError, match=r"identity 'a@example\.com' is one of 'alice' and of 'bob'"):
        People((Person("alice", ("a@example.com",)), Person("bob", ("A@example.com",))))
    with pytest.raises(DecisionError, match="identity 'bob' is one of"):
        People((Person("alice", ("bob",)), Person("Bob")))
