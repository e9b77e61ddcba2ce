"""The curated list of reads that are not harmless, by class, and the statements that deny them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import SensitiveRead
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.scenario import Scenario

if TYPE_CHECKING:
    from collections.abc import Iterable

_DATA: Final = Path(__file__).with_name("sensitive_reads.json")
_SIDS: Final = {
    SensitiveRead.SECRET: "SensitiveSecrets",
    SensitiveRead.CREDENTIAL: "SensitiveCredentials",
    SensitiveRead.BULK_DATA: "SensitiveBulkData",
    SensitiveRead.CONFIGURATION: "SensitiveConfiguration",
    SensitiveRead.LOG: "SensitiveLogs",
}


@cache
def sensitive_actions(kind: SensitiveRead) -> tuple[str, ...]:
    """Return the actions of one class, in order."""
    classes = json.loads(_DATA.read_text(encoding="utf-8"))["classes"]
    return tuple(sorted(classes[kind.value]))


def kept(kinds: Iterable[SensitiveRead]) -> tuple[SensitiveRead, ...]:
    """Return the classes that stay denied when some are opted in."""
    opted = set(kinds)
    return tuple(kind for kind in SensitiveRead if kind not in opted)


@cache
def deny_policy(kind: SensitiveRead) -> PolicyDocument:
    """Return the policy that denies one class. It holds no name of any agent, so that all agents share it."""
    statement = Statement(
        sid=_SIDS[kind],
        effect="Deny",
        actions=sensitive_actions(kind),
        resources=("*",),
        reason=f"reads of class {kind.value} are not harmless; an agent opts in class by class",
    )
    return PolicyDocument(f"sensitive-{kind.value}", (statement,))


def _denied(  # noqa: PLR0917 - rows of a table
    name: str, capability: str, action: str, resource: str, kind: SensitiveRead, title: str
) -> Scenario:
    return Scenario(name, capability, action, resource, allowed=False, sid=_SIDS[kind], title=title)


_HERE: Final = "${AWS::Region}:${AWS::AccountId}"

SCENARIOS: Final = (
    _denied(
        "plan-read-secret",
        "plan",
        "secretsmanager:GetSecretValue",
        f"arn:${{AWS::Partition}}:secretsmanager:{_HERE}:secret:{{prefix}}db-AbCdEf",
        SensitiveRead.SECRET,
        "reads a secret while planning",
    ),
    _denied(
        "read-data-access",
        "read",
        "s3:GetDataAccess",
        f"arn:${{AWS::Partition}}:s3:{_HERE}:access-grants/default",
        SensitiveRead.CREDENTIAL,
        "asks S3 Access Grants for credentials",
    ),
    _denied(
        "read-own-rows",
        "read",
        "dynamodb:Scan",
        f"arn:${{AWS::Partition}}:dynamodb:{_HERE}:table/{{prefix}}orders",
        SensitiveRead.BULK_DATA,
        "reads all rows of its own table",
    ),
    _denied(
        "read-function-environment",
        "read",
        "lambda:GetFunctionConfiguration",
        f"arn:${{AWS::Partition}}:lambda:{_HERE}:function:{{prefix}}worker",
        SensitiveRead.CONFIGURATION,
        "reads the environment variables of its own function",
    ),
    _denied(
        "read-log-lines",
        "read",
        "logs:FilterLogEvents",
        f"arn:${{AWS::Partition}}:logs:{_HERE}:log-group:/aws/lambda/{{prefix}}worker",
        SensitiveRead.LOG,
        "reads log lines",
    ),
)
