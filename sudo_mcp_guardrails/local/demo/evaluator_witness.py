"""What the evaluator says about a play: the request is decided on the policies as data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.iam.evaluate import Layers, evaluate
from sudo_mcp_guardrails.iam.request import Principal, Request
from sudo_mcp_guardrails.local.approvals.people import HOST_ROLE as CHANGE_HOST_ROLE
from sudo_mcp_guardrails.local.demo.agents import (
    ACCOUNT,
    AGENTS,
    APPROVAL_ROLE,
    CHANGE_BOT,
    CHANGE_NAMES,
    HOST_ROLE,
    REGION,
)
from sudo_mcp_guardrails.policies import trust
from sudo_mcp_guardrails.policies.bundle import FULL_ACCESS, AgentPolicies
from sudo_mcp_guardrails.policies.organization.packs import agent_scps
from sudo_mcp_guardrails.policies.scope import AgentScope

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.evaluate import Decision
    from sudo_mcp_guardrails.local.demo.play import Play

VALUES: Final = {"Partition": "aws", "AccountId": ACCOUNT, "Region": REGION}
_SCOPES: Final = {
    **{agent.name: AgentScope(agent, ACCOUNT) for agent in AGENTS},
    CHANGE_BOT.name: AgentScope(CHANGE_BOT, ACCOUNT, CHANGE_NAMES, proposes=True),
}
"""Agents whose plans go to an approval workflow may call its intake."""
_RUN: Final = "run-01JDEM0000000000000000000A"


def decide(play: Play) -> tuple[str | None, str]:
    """Decide a play.

    Returns:
        ``allow`` or ``deny``, None where the play is not for the evaluator; and the explanation.
    """
    if not play.action:
        return None, ""
    decision = _outside(play) if play.capability in {"host", "approval"} else _agent(play)
    return ("allow" if decision.allowed else "deny"), str(decision)


def _agent(play: Play) -> Decision:
    """Decide a request of one of the agent's own sessions."""
    scope = _SCOPES[play.agent]
    layers = AgentPolicies(scope).layers(play.capability, VALUES, scps=agent_scps())
    name = scope.names.role_name(play.agent, play.capability)
    principal = Principal(
        arn=f"arn:aws:iam::{ACCOUNT}:role{scope.names.role_path(play.agent)}{name}",
        session=_RUN,
        tags={"agent": play.agent, "run": _RUN, "capability": play.capability},
        source_identity=_RUN,
    )
    return evaluate(_request(play, principal), layers)


def _outside(play: Play) -> Decision:
    """Decide who may assume a role of the agent: its trust policy, and what the caller's own policies grant."""
    scope = _SCOPES[play.agent]
    names, kind = scope.names, play.resource.rsplit("-", 1)[1]
    applying = f"{names.prefix}/{names.prefix}-approval-broker" if scope.proposes else APPROVAL_ROLE
    trusted = {
        "read": f"arn:aws:iam::{ACCOUNT}:role/{names.prefix}/{names.prefix}-session-broker",
        "apply": f"arn:aws:iam::{ACCOUNT}:role/{applying}",
    }[kind]
    host = CHANGE_HOST_ROLE if scope.proposes else HOST_ROLE
    role = host if play.capability == "host" else APPROVAL_ROLE
    principal = Principal(arn=f"arn:aws:iam::{ACCOUNT}:role/{role}", session="demo")
    grants = PolicyDocument(
        "none", (Statement(sid="Nothing", effect="Deny", actions=("none:none",), resources=("*",)),)
    )
    layers = Layers(
        identity=(grants,),
        scps=((FULL_ACCESS, *(document.resolve(VALUES) for document in agent_scps())),),
        resource=trust.trust_policy(*trust.minted(play.agent, kind, trusted)).resolve(VALUES),
    )
    return evaluate(_request(play, principal), layers)


def _request(play: Play, principal: Principal) -> Request:
    return Request(
        action=play.action, resource=play.resource, principal=principal, context=play.context, region=play.region
    )
