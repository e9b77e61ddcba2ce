"""Who may become an agent, decided on the trust policies themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.iam import Layers, Principal, Request, evaluate
from sudo_mcp_guardrails.iam.documents import TRUST_POLICY_LIMIT
from sudo_mcp_guardrails.policies import trust
from sudo_mcp_guardrails.policies.bundle import FULL_ACCESS

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam import PolicyDocument

ACCOUNT = "111111111111"
BROKER = f"arn:aws:iam::{ACCOUNT}:role/mcp-guardrails/mcp-guardrails-session-broker"
TARGET = f"arn:aws:iam::{ACCOUNT}:role/mcp-guardrails/agents/bot/mcp-guardrails-bot-read"
RUN = "run-01ARZ3NDEKTSV4RRFFQ69G5FAV"
VALUES = {"Partition": "aws", "AccountId": ACCOUNT, "Region": "us-east-1"}
TAGS = {"agent": "bot", "run": RUN, "ticket": "OPS-1", "capability": "read", "plan-digest": "none", "caller": "host"}


def allowed(
    document: PolicyDocument,
    caller: str = BROKER,
    *,
    tags: dict[str, str] | None = None,
    identity: str | None = RUN,
    mfa_age: int | None = None,
) -> bool:
    """Whether every action that one AssumeRole call needs is allowed."""
    tags = TAGS if tags is None else tags
    context: dict[str, str | tuple[str, ...]] = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    context["aws:TagKeys"] = tuple(tags)
    actions = ["sts:AssumeRole", *(["sts:TagSession"] if tags else [])]
    if identity is not None:
        context["sts:SourceIdentity"] = identity
        actions.append("sts:SetSourceIdentity")
    principal = Principal(caller, session=None if ":user/" in caller else "s", mfa_age=mfa_age)
    layers = Layers(identity=(FULL_ACCESS,), resource=document.resolve(VALUES))
    return all(evaluate(Request(action, TARGET, principal, context), layers).allowed for action in actions)


def minted(kind: str = "read") -> PolicyDocument:
    return trust.trust_policy(*trust.minted("bot", kind, BROKER))


def test_the_broker_mints() -> None:
    assert allowed(minted())


@pytest.mark.parametrize("caller", [f"{BROKER}-2", f"arn:aws:iam::{ACCOUNT}:role/admin", TARGET])
def test_nobody_else_mints(caller: str) -> None:
    assert not allowed(minted(), caller)


@pytest.mark.parametrize("identity", [None, "", "me", "run-short", f"{RUN}X", "direct-me"])
def test_source_identity_is_a_run_id(identity: str | None) -> None:
    assert not allowed(minted(), identity=identity)


@pytest.mark.parametrize("key", sorted(TAGS))
def test_every_tag_is_required(key: str) -> None:
    assert not allowed(minted(), tags={k: v for k, v in TAGS.items() if k != key})


@pytest.mark.parametrize(
    "changed",
    [
        {"agent": "other"},
        {"capability": "apply"},
        {"run": "mine"},
        {"ticket": ""},
        {"plan-digest": "sha256-00"},
        {"tier": "T3"},
        {},
    ],
)
def test_tags_are_pinned_and_no_other_is_allowed(changed: dict[str, str]) -> None:
    assert allowed(minted(), tags={**TAGS, **changed}) == (not changed)


def test_apply_needs_the_digest_of_a_plan() -> None:
    tags = {**TAGS, "capability": "apply"}
    assert not allowed(minted("apply"), tags=tags)
    assert allowed(minted("apply"), tags={**tags, "plan-digest": "sha256-00ff"})


def test_direct_sessions_of_users_are_marked_untagged_and_need_a_second_factor() -> None:
    person = f"arn:aws:iam::{ACCOUNT}:user/oncall"
    document = trust.trust_policy(*trust.minted("bot", "read", BROKER), *trust.direct((person,)))
    assert allowed(document, person, tags={}, identity="direct-ann", mfa_age=60)
    assert not allowed(document, person, tags={}, identity="direct-ann")
    assert not allowed(document, person, tags={}, identity=RUN, mfa_age=60)
    assert not allowed(document, person, tags={}, identity=None, mfa_age=60)
    assert not allowed(document, person, identity="direct-ann", mfa_age=60)
    assert allowed(document)


def test_direct_sessions_of_roles_need_no_factor_that_iam_can_see() -> None:
    person = f"arn:aws:iam::{ACCOUNT}:role/oncall"
    document = trust.trust_policy(*trust.direct((person,)))
    assert allowed(document, person, tags={}, identity="direct-ann")


def test_nobody() -> None:
    assert not allowed(trust.trust_policy(trust.nobody()))


@pytest.mark.parametrize(
    ("service", "source", "expected"),
    [
        ("cloudformation.amazonaws.com", {"aws:SourceAccount": ACCOUNT}, True),
        ("cloudformation.amazonaws.com", {}, True),
        ("cloudformation.amazonaws.com", {"aws:SourceAccount": "999999999999"}, False),
        ("lambda.amazonaws.com", {"aws:SourceAccount": ACCOUNT}, False),
        (BROKER, {"aws:SourceAccount": ACCOUNT}, False),
    ],
)
def test_execution_is_for_cloudformation(service: str, source: dict[str, str], *, expected: bool) -> None:
    layers = Layers(identity=(FULL_ACCESS,), resource=trust.trust_policy(trust.cloudformation()).resolve(VALUES))
    assert evaluate(Request("sts:AssumeRole", TARGET, Principal(service), source), layers).allowed == expected


def test_trust_policies_fit() -> None:
    people = tuple(f"arn:aws:iam::{ACCOUNT}:role/oncall-{n}" for n in range(5))
    statements = trust.minted("a" * 32, "read", BROKER)
    document = trust.trust_policy(*statements, *trust.direct(people))
    assert 0 < document.check_size(TRUST_POLICY_LIMIT) <= TRUST_POLICY_LIMIT
