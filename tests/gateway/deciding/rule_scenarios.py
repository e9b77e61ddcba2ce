"""The team's own rules."""

from __future__ import annotations

from tests.gateway.deciding.making import call
from tests.gateway.deciding.scenario import ALLOW, APPLYING, AS_APPLY, ASK, DENY, LOOK, MAIL, NOBODY, PUT, Scenario

PERMITS = "permit(principal, action, resource);"


def forbids(condition: str, tool: str = "", start: str = "") -> str:
    """Return rules that permit all, and forbid what a condition holds for."""
    scope = f'action == AgentCore::Action::"{tool}"' if tool else "action"
    end = f" when {{ {condition} }}" if condition else ""
    return f"{PERMITS}{start}forbid(principal, {scope}, resource){end};"


RULES = (
    # The team's rules.
    Scenario("rules-permit", ALLOW, "", call(LOOK), rules=PERMITS),
    Scenario(
        "rules-default-deny",
        DENY,
        "rules.not-permitted",
        call(LOOK),
        rules='permit(principal, action == AgentCore::Action::"mail___read", resource);',
    ),
    Scenario(
        "rules-forbid",
        DENY,
        "rules.forbidden",
        call(LOOK),
        "no-scripts",
        rules=forbids('context.input.code like "*call_boto3*"', "aws___aws___run_script", '@id("no-scripts") '),
    ),
    Scenario(
        "rules-by-meaning",
        DENY,
        "rules.forbidden",
        call(LOOK),
        rules=forbids('context.meaning.actions.contains("dynamodb:DescribeTable")'),
    ),
    Scenario(
        "rules-by-labels",
        DENY,
        "rules.forbidden",
        call(LOOK),
        session={"state": {"labels": {"web"}}},
        rules=forbids('context.labels.contains("web")'),
    ),
    Scenario(
        "rules-by-provenance",
        DENY,
        "rules.forbidden",
        call({"id": "1"}, "read", "mail"),
        rules=forbids('context.provenance.unknown.contains("id")'),
    ),
    Scenario(
        "rules-known-provenance",
        ALLOW,
        "",
        call({"id": "1"}, "read", "mail"),
        session={"state": {"provenance.unknown": set()}},
        rules=forbids('context.provenance.unknown.contains("id")'),
    ),
    Scenario(
        "rules-by-approval",
        DENY,
        "rules.forbidden",
        call(PUT),
        given=NOBODY,
        session=APPLYING,
        rules=forbids('context.meaning.effect == "write" } unless { context.approved'),
    ),
    Scenario("rules-unpinned", DENY, "rules.unknown-tool", call({"q": ""}, "aws___recommend"), rules=PERMITS),
    Scenario(
        "rules-unfit",
        DENY,
        "rules.unfit",
        call({**MAIL, "to": 7}, "send", "mail"),
        given=AS_APPLY,
        session=APPLYING,
        rules=forbids('context.input.to like "*@evil.example"', "mail___send"),
    ),
    Scenario(
        "rules-ask",
        ASK,
        "decision.ask",
        call(MAIL, "send", "mail"),
        "careful",
        given=NOBODY,
        session=APPLYING,
        rules=forbids("", "mail___send", '@id("careful") @verdict("ask") '),
    ),
    Scenario(
        "rules-ask-needs-a-permit",
        DENY,
        "rules.forbidden",
        call(MAIL, "send", "mail"),
        given=NOBODY,
        session=APPLYING,
        rules='@verdict("ask") forbid(principal, action == AgentCore::Action::"mail___send", resource);',
    ),
    Scenario(
        "rules-overflow",
        DENY,
        "rules.failed",
        call({**MAIL, "copies": 2**62}, "send", "mail"),
        given=NOBODY,
        session=APPLYING,
        rules=forbids("context.input has copies && context.input.copies * 4 > 100", "mail___send"),
    ),
)
