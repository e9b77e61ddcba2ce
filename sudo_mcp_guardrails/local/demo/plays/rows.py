"""What the rows of the demo share: names, templates and the row itself."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.local.demo.agents import ACCOUNT, REGION
from sudo_mcp_guardrails.local.demo.play import Play

if TYPE_CHECKING:
    from collections.abc import Mapping

RELEASE: Final = "release-bot"
DATA: Final = "data-bot"
ROLES: Final = f"arn:aws:iam::{ACCOUNT}:role"
AGENT_ROLES: Final = f"{ROLES}/mcp-guardrails/agents"


def role_arn(agent: str, kind: str) -> str:
    """Return the ARN of one of the demo's agent roles."""
    return f"{AGENT_ROLES}/{agent}/mcp-guardrails-{agent}-{kind}"


EXECUTION: Final = role_arn(RELEASE, "execution")
APPLY: Final = role_arn(RELEASE, "apply")
APPLY_NAME: Final = f"mcp-guardrails-{RELEASE}-apply"
STACKS: Final = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack"
TABLES: Final = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table"
ITEM: Final = {"id": {"S": "1"}}

TABLE_TEMPLATE: Final = json.dumps(
    {
        "Resources": {
            "Orders": {
                "Type": "AWS::DynamoDB::Table",
                "Properties": {
                    "TableName": "release-bot-orders",
                    "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
                    "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
                },
            }
        }
    }
)
ROLE_TEMPLATE: Final = json.dumps(
    {
        "Resources": {
            "Helper": {
                "Type": "AWS::IAM::Role",
                "Properties": {
                    "Path": "/mcp-guardrails/agents/release-bot/workloads/",
                    "RoleName": "helper",
                    "AssumeRolePolicyDocument": {
                        "Version": "2012-10-17",
                        "Statement": [
                            {
                                "Effect": "Allow",
                                "Principal": {"Service": "lambda.amazonaws.com"},
                                "Action": "sts:AssumeRole",
                            }
                        ],
                    },
                },
            }
        }
    }
)


def change_set(name: str, stack: str, template: str, role: str | None) -> dict[str, Any]:
    """Return the parameters of CreateChangeSet for a new stack."""
    made = {"StackName": stack, "ChangeSetName": name, "ChangeSetType": "CREATE", "TemplateBody": template}
    made["Capabilities"] = ["CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]  # type: ignore[assignment]
    return {**made, "RoleARN": role} if role else made


def play(  # noqa: PLR0917 - rows of a table
    id: str,
    agent: str,
    capability: str,
    verdict: str,
    action: str,
    resource: str,
    call: str,
    params: Mapping[str, Any] | None = None,
    title: str = "",
    **more: Any,  # noqa: ANN401 - the rest of Play's fields
) -> Play:
    """Make one row; ``verdict`` is allow or deny, ``call`` is ``client.method``."""
    service, _, method = call.partition(".")
    return Play(
        id, agent, capability, action, resource, verdict == "allow", service, method, params or {}, title=title, **more
    )
