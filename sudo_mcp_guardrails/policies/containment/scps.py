"""The SCPs that contain a class of agents, and all of them: made beforehand, attached when it happens.

They match roles by their path, which nobody but IAM sets, and never by a tag, which a session may bring along. The one
for all also matches whoever works through a managed MCP server, person or agent, by the two keys that the server sets:
as a second net, for agents that nobody registered. Each of those statements has its twin by principal in the same
document, since the keys are gone when a call is made directly or by another role.

The operators are ``Bool`` and ``Null`` and not their ``IfExists`` forms: on a direct call the first key is false or
absent and the second absent, and ``BoolIfExists`` would deny every direct call of everybody, the responders' too. An
SCP binds neither the management account nor service-linked roles.
Sources: Agent Toolkit user guide, "How the AWS MCP Server works with IAM" and "OAuth authentication"; Organizations
user guide, "Service control policies".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import SCP_LIMIT, PolicyDocument, Statement
from sudo_mcp_guardrails.policies.containment.names import ALL, ContainmentPolicyError, principals, scp_name
from sudo_mcp_guardrails.policies.naming import PARTITION
from sudo_mcp_guardrails.policies.organization.reference import ADMIN
from sudo_mcp_guardrails.policies.scenario import decided

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.naming import GuardrailNames

OAUTH: Final = ("signin:AuthorizeOAuth2Access", "signin:CreateOAuth2Token")
"""What mints an OAuth session for a managed MCP server; a refresh is the second with another grant type."""
MCP_SERVERS: Final = f"arn:{PARTITION}:signin:*:*:service-principal/*-mcp.amazonaws.com"
"""What is signed in to. ``aws login`` uses the same actions on another resource, and goes on working."""
_PRINCIPAL: Final = "aws:PrincipalArn"
_CLASS: Final = re.compile(r"[a-z](?:-?[a-z0-9]){0,30}(?:-\*)?")


def class_scp(names: GuardrailNames, agents: str) -> PolicyDocument:
    """Return the SCP that contains a class of agents (K3), or one agent as well.

    Args:
        names: Names of the guardrails' own resources.
        agents: Pattern of their names, such as ``release-*``; not all.

    Raises:
        ContainmentPolicyError: For any other pattern, also that of all agents, which has an SCP of its own.
    """
    if not _CLASS.fullmatch(agents):
        raise ContainmentPolicyError(
            f"pattern {agents[:64]!r} is no class of agents, allowed: a name, or a beginning with '-*' after it"
        )
    return _checked(
        PolicyDocument(
            scp_name(names, agents),
            (
                Statement(
                    sid="ContainedClass",
                    effect="Deny",
                    actions=("*",),
                    resources=("*",),
                    conditions=(("ArnLike", _PRINCIPAL, (principals(names, agents),)),),
                    reason="a class of agents does nothing, in whichever account and session, its resources' roles too",
                ),
            ),
        )
    )


def all_scp(names: GuardrailNames) -> PolicyDocument:
    """Return the SCP that contains all agents (K4).

    Args:
        names: Names of the guardrails' own resources.
    """
    return _checked(
        PolicyDocument(
            scp_name(names, ALL),
            (
                Statement(
                    sid="ContainedAgents",
                    effect="Deny",
                    actions=("*",),
                    resources=("*",),
                    conditions=(("ArnLike", _PRINCIPAL, (principals(names, ALL),)),),
                    reason="no agent does anything; the twin of the next two, which rest on keys that a hop loses",
                ),
                Statement(
                    sid="ContainedViaMcp",
                    effect="Deny",
                    actions=("*",),
                    resources=("*",),
                    conditions=(("Bool", "aws:ViaAWSMCPService", ("true",)),),
                    reason="nobody works through a managed MCP server, agents that nobody registered included",
                ),
                Statement(
                    sid="ContainedCalledViaMcp",
                    effect="Deny",
                    actions=("*",),
                    resources=("*",),
                    conditions=(("Null", "aws:CalledViaAWSMCP", ("false",)),),
                    reason="the same by the server's name, whichever that is, where the first key is not set",
                ),
                Statement(
                    sid="ContainedOAuth",
                    effect="Deny",
                    actions=OAUTH,
                    resources=(MCP_SERVERS,),
                    reason="nobody signs in to a managed MCP server, or refreshes; access tokens end in an hour",
                ),
            ),
        )
    )


def _checked(document: PolicyDocument) -> PolicyDocument:
    document.check_size(SCP_LIMIT)
    return document


_BUCKETS: Final = ("s3:ListAllMyBuckets", "*")
_SIGN_IN: Final = "arn:${AWS::Partition}:signin:${AWS::Region}:${AWS::AccountId}"
_WORKLOAD: Final = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/{names}/agents/{agent}/workloads/worker"
_VIA: Final = {"aws:ViaAWSMCPService": "true"}
_CALLED: Final = {"aws:CalledViaAWSMCP": "new-mcp.amazonaws.com"}

CLASS_SCENARIOS: Final = (
    *(
        decided(
            f"class-{kind}",
            *_BUCKETS,
            "an agent of the class works",
            layer="scp",
            sid="ContainedClass",
            capability=kind,
        )
        for kind in ("read", "plan", "apply", "execution")
    ),
    decided(
        *("class-workload", *_BUCKETS, "a role of the class's resources works"),
        layer="scp",
        sid="ContainedClass",
        principal=_WORKLOAD,
    ),
    decided("class-person", *_BUCKETS, "a person works", layer="scp", principal=ADMIN),
)
"""What shows that the SCP of a class is needed, for the class that the scenarios' agent is of."""
ALL_SCENARIOS: Final = (
    decided("all-agent", *_BUCKETS, "an agent works directly", layer="scp", sid="ContainedAgents", capability="read"),
    decided(
        *("all-via-mcp", *_BUCKETS, "somebody works through an MCP server that names itself not"),
        layer="scp",
        sid="ContainedViaMcp",
        principal=ADMIN,
        context=_VIA,
    ),
    decided(
        *("all-called-via-mcp", *_BUCKETS, "somebody works through an MCP server that AWS added tomorrow"),
        layer="scp",
        sid="ContainedCalledViaMcp",
        principal=ADMIN,
        context=_CALLED,
    ),
    *(
        decided(
            *(f"all-sign-in-{number}", action, f"{_SIGN_IN}:service-principal/aws-mcp.amazonaws.com"),
            "a person's client takes a token for the AWS MCP Server",
            layer="scp",
            sid="ContainedOAuth",
            principal=ADMIN,
        )
        for number, action in enumerate(OAUTH)
    ),
    decided("all-person", *_BUCKETS, "a person works directly", layer="scp", principal=ADMIN),
    decided(
        *("all-person-direct", *_BUCKETS, "a person works directly, and the key says so"),
        layer="scp",
        principal=ADMIN,
        context={"aws:ViaAWSMCPService": "false"},
    ),
    decided(
        *("all-login", "signin:CreateOAuth2Token", f"{_SIGN_IN}:oauth2/public-client/localhost"),
        "a person signs in on a laptop",
        layer="scp",
        principal=ADMIN,
    ),
)
"""What shows that each statement of the SCP for all is needed, and whom it leaves alone."""
