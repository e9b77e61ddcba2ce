"""Tools outside AWS, preparing, SOPs, freezes, approvals and budgets."""

from __future__ import annotations

from sudo_mcp_guardrails.gateway.deciding.budgets import Amount, Budget
from sudo_mcp_guardrails.gateway.deciding.settings import Prices
from tests.gateway.deciding.making import ACCOUNT, LIVE, call, script
from tests.gateway.deciding.scenario import (
    ALLOW,
    APPLYING,
    AS_APPLY,
    AS_PLAN,
    ASK,
    DENY,
    ENDLESS,
    FREEZE,
    HOUR,
    LOOK,
    LOOP,
    MAIL,
    NO,
    NOBODY,
    PLAN,
    PUT,
    YES,
    Scenario,
    Stands,
)

LIMITS = (
    # Tools outside AWS.
    Scenario("mail-by-read-agent", DENY, "decision.capability", call(MAIL, "send", "mail")),
    Scenario("mail", ASK, "decision.ask", call(MAIL, "send", "mail"), given=AS_APPLY, session=APPLYING),
    Scenario(
        "mail-R3",
        DENY,
        "decision.approval",
        call(MAIL, "purge", "mail"),
        "outside AWS",
        given=AS_APPLY,
        session=APPLYING,
    ),
    # Preparing.
    Scenario(
        "prepares",
        ALLOW,
        "",
        call(
            script(
                "cloudformation",
                "CreateChangeSet",
                StackName="bot-app",
                ChangeSetName="c",
                TemplateBody="{}",
                RoleARN=f"arn:aws:iam::{ACCOUNT}:role/mcp-guardrails/agents/bot/mcp-guardrails-bot-execution",
            )
        ),
        **AS_PLAN,
    ),
    Scenario(
        "prepares-as-another-role",
        DENY,
        "decision.policy",
        call(
            script(
                "cloudformation",
                "CreateChangeSet",
                StackName="bot-app",
                ChangeSetName="c",
                TemplateBody="{}",
                RoleARN=f"arn:aws:iam::{ACCOUNT}:role/admin",
            )
        ),
        **AS_PLAN,
    ),
    Scenario(
        "executes",
        DENY,
        "decision.policy",
        call(script("cloudformation", "ExecuteChangeSet", StackName="bot-app", ChangeSetName="c")),
        **AS_PLAN,
    ),
    # The SOP.
    Scenario("in-manifest", ALLOW, "", call(LOOK), session={"sop": "tidy"}),
    Scenario("tool-in-manifest", ALLOW, "", call({}, "read", "mail"), session={"sop": "tidy"}),
    Scenario(
        "action-not-in-manifest",
        DENY,
        "decision.manifest",
        call(script("s3", "ListBuckets")),
        "s3:ListAllMyBuckets",
        session={"sop": "tidy"},
    ),
    Scenario(
        "resource-not-in-manifest",
        DENY,
        "decision.manifest",
        call(script("dynamodb", "DescribeTable", TableName="bot-u")),
        "bot-u",
        session={"sop": "tidy"},
    ),
    Scenario(
        "tool-not-in-manifest",
        DENY,
        "decision.manifest",
        call(MAIL, "send", "mail"),
        given=AS_APPLY,
        session={**APPLYING, "sop": "tidy"},
    ),
    Scenario("unknown-sop", DENY, "decision.unknown-sop", call(LOOK), session={"sop": "other"}),
    # Freezes.
    Scenario(
        "frozen", DENY, "decision.frozen", call(PUT), "quarter", given={**NOBODY, "calendar": FREEZE}, session=APPLYING
    ),
    Scenario("frozen-reads", ALLOW, "", call(LOOK), given={"calendar": FREEZE}),
    # Approvals.
    Scenario("approved", ALLOW, "", call(PUT), given={**AS_APPLY, "approvals": Stands(YES)}, session=APPLYING),
    Scenario(
        "approved-in-production",
        ALLOW,
        "",
        call(PUT),
        given={**AS_APPLY, "environment": LIVE, "approvals": Stands(YES)},
        session=APPLYING,
    ),
    Scenario(
        "not-approved",
        ASK,
        "decision.ask",
        call(PUT),
        given={**AS_APPLY, "approvals": Stands(NO)},
        session=APPLYING,
    ),
    Scenario(
        "approvals-say-more-than-yes",
        ASK,
        "decision.ask",
        call(PUT),
        given={**AS_APPLY, "approvals": Stands("yes")},
        session=APPLYING,
    ),
    Scenario(
        "approvals-lost",
        DENY,
        "decision.approvals-lost",
        call(PUT),
        given={**AS_APPLY, "approvals": Stands(OSError())},
        session=APPLYING,
    ),
    Scenario("approvals-lost-reads", ALLOW, "", call(LOOK), given={"approvals": Stands(OSError())}),
    Scenario(
        "approval-lifts-no-policy",
        DENY,
        "decision.policy",
        call(PUT),
        given={"capability": PLAN, "approvals": Stands(YES)},
        session={"capability": "plan"},
    ),
    # Budgets.
    Scenario(
        "budget-calls",
        DENY,
        "decision.budget",
        call(LOOK, number=3),
        "fits in",
        given={"budgets": (Budget(Amount.CALLS, 2, HOUR),)},
        before=(call(LOOK), call(LOOK, number=2)),
    ),
    Scenario(
        "budget-fits",
        ALLOW,
        "",
        call(LOOK, number=2),
        given={"budgets": (Budget(Amount.CALLS, 2, HOUR),)},
        before=(call(LOOK),),
    ),
    Scenario(
        "budget-writes",
        DENY,
        "decision.budget",
        call(LOOP),
        "2 writes",
        given={**NOBODY, "budgets": (Budget(Amount.WRITES, 2, HOUR),)},
        session=APPLYING,
    ),
    Scenario(
        "budget-writes-fit",
        ALLOW,
        "",
        call(LOOP),
        given={**NOBODY, "budgets": (Budget(Amount.WRITES, 3, HOUR),)},
        session=APPLYING,
    ),
    Scenario(
        "budget-cents",
        DENY,
        "decision.budget",
        call(PUT),
        "cents",
        given={**NOBODY, "budgets": (Budget(Amount.CENTS, 5, HOUR),), "prices": Prices({"dynamodb:PutItem": 6}, 0)},
        session=APPLYING,
    ),
    Scenario(
        "budget-unknown",
        DENY,
        "decision.budget-unknown",
        call(ENDLESS),
        "writes",
        given={**NOBODY, "budgets": (Budget(Amount.WRITES, 100, HOUR),)},
        session=APPLYING,
    ),
)
