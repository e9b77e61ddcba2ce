"""Lists by capability, and settings that do not go together."""

from __future__ import annotations

from typing import Any

import pytest

from sudo_mcp_guardrails.agents import AgentEnvironment, Capability, RiskClass, TrustTier
from sudo_mcp_guardrails.gateway.deciding.errors import DecidingError
from sudo_mcp_guardrails.gateway.deciding.manifest import Manifest
from sudo_mcp_guardrails.gateway.deciding.settings import Prices
from tests.gateway.deciding.making import LIVE, deciding, role, session, settings

AWS = ("aws___run_script", "aws___search_documentation", "aws___get_presigned_url", "aws___new_tool", "call_aws")
MAIL = ("read", "send", "purge", "mystery")
LISTS: tuple[tuple[str, dict[str, Any], tuple[str, ...], tuple[str, ...]], ...] = (
    ("read", {}, ("aws___run_script", "aws___search_documentation", "call_aws"), ("read",)),
    (
        "apply",
        {"capability": Capability.APPLY},
        ("aws___run_script", "aws___search_documentation", "call_aws"),
        ("read", "send", "purge"),
    ),
    (
        "apply-at-T0",
        {"capability": Capability.APPLY, "tier": TrustTier.T0},
        ("aws___run_script", "aws___search_documentation", "call_aws"),
        ("read",),
    ),
    ("no-role", {"role": None}, ("aws___search_documentation",), ("read",)),
)


@pytest.mark.parametrize(("given", "aws", "mail"), [each[1:] for each in LISTS], ids=[each[0] for each in LISTS])
def test_lists(given: dict[str, Any], aws: tuple[str, ...], mail: tuple[str, ...]) -> None:
    """Read agents keep scripts, and see no tool that they may never call; annotations count for nothing."""
    check = deciding(**given)
    hints = {"annotations": {"readOnlyHint": True}}
    for server, names, expected in (("aws", AWS, aws), ("mail", MAIL, mail)):
        tools = [{"name": name, **hints} for name in names]
        found = check.listed(session(), server, tools)
        assert tuple(tool["name"] for tool in found) == expected
        assert all(any(tool is each for each in tools) for tool in found)
    assert check.listed(session(), "aws", [{"description": "nameless"}]) == []


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "client-answers-R3": ({"askable": frozenset({RiskClass.R3})}, "R3"),
    "client-answers-R4": ({"askable": frozenset({RiskClass.R1, RiskClass.R4})}, "R4"),
    "unknown-way": ({"aws": {"aws": "telepathy"}}, "telepathy"),
    "two-ways": ({"aws": {"aws": "aws-mcp", "cli": "direct"}}, "one way"),
    "class-of-aws": ({"risks": {("aws", "aws___run_script"): RiskClass.R1}}, "outside AWS"),
    "harmless-write": ({"risks": {("mail", "send"): RiskClass.R0}}, "R0"),
    "role-of-another": ({"role": role(Capability.APPLY)}, "apply"),
}


@pytest.mark.parametrize("name", WRONG)
def test_refused(name: str) -> None:
    """Bad settings stop the guard, and say what is allowed."""
    given, says = WRONG[name]
    with pytest.raises(DecidingError, match=says):
        settings(**given)


def test_prices_and_manifests_are_checked() -> None:
    """So are their parts."""
    with pytest.raises(DecidingError, match="price"):
        Prices({"s3:PutObject": -1})
    for action in ("PutObject", "*:PutObject", "s3:"):
        with pytest.raises(DecidingError, match="service:Action"):
            Manifest((action,))
    with pytest.raises(DecidingError, match="server/tool"):
        Manifest(tools=("send",))


def test_a_manifest_of_nothing_takes_nothing() -> None:
    """Unknown resources take a manifest of all of them."""
    assert not Manifest().takes("s3:ListBucket", "*")
    assert not Manifest(("s3:*",), ("arn:aws:s3:::a",)).takes("s3:ListBucket", None)
    assert Manifest(("s3:*",), ("*",)).takes("s3:ListBucket", None)


def test_production_is_asked_nothing_by_default() -> None:
    """Who answers for the client may be anybody."""
    assert not settings(environment=LIVE).client_answers
    assert settings().client_answers == {RiskClass.R1, RiskClass.R2}


def test_digest_follows_what_decides() -> None:
    """An approval under other rules is none."""
    digests = {
        deciding().digest,
        deciding(tier=TrustTier.T2).digest,
        deciding("permit(principal, action, resource);").digest,
        deciding(environment=AgentEnvironment.sandbox("111111111111")).digest,
    }
    assert len(digests) == 4
    assert deciding().digest in digests
