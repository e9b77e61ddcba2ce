"""Plans to judge, in as few words as they take."""

from __future__ import annotations

from typing import Any, Final

from sudo_mcp_guardrails.agents import AgentEnvironment
from sudo_mcp_guardrails.approval.plan import Change, Form, Operation, Plan
from sudo_mcp_guardrails.approval.risk import RiskContext

SANDBOX: Final = "111111111111"
PRODUCTION: Final = "222222222222"
REGION: Final = "eu-central-1"
ENVIRONMENTS: Final = (
    AgentEnvironment.sandbox(SANDBOX, regions=[REGION], prefixes=["bot-"]),
    AgentEnvironment.production(PRODUCTION, regions=[REGION], prefixes=["bot-"]),
)
CONTEXT: Final = RiskContext(ENVIRONMENTS)


def made(type_: str, after: dict[str, Any] | None = None, **rest: Any) -> Change:
    """Return a resource that is made."""
    return Change(Operation.CREATE, type_, rest.pop("id", "It"), after=after or {}, **rest)


def updated(type_: str, before: dict[str, Any], after: dict[str, Any], **rest: Any) -> Change:
    """Return a resource that changes."""
    return Change(Operation.UPDATE, type_, rest.pop("id", "It"), before=before, after=after, **rest)


def deleted(type_: str, before: dict[str, Any] | None = None, **rest: Any) -> Change:
    """Return a resource that is deleted."""
    return Change(Operation.DELETE, type_, rest.pop("id", "It"), before=before or {}, **rest)


def replaced(type_: str, **rest: Any) -> Change:
    """Return a resource that is replaced."""
    return Change(Operation.REPLACE, type_, rest.pop("id", "It"), before={}, after={}, **rest)


def call(action: str, *resources: str, **rest: Any) -> Change:
    """Return an API call."""
    return Change(
        Operation.CALL,
        rest.pop("type", action),
        rest.pop("id", "1"),
        after=rest.pop("after", {}),
        actions=rest.pop("actions", (action,)),
        resources=resources,
        **rest,
    )


def plan(*changes: Change, account: str = SANDBOX, **rest: Any) -> Plan:
    """Return a plan: a change set, or calls where there is one."""
    calls = any(change.operation is Operation.CALL for change in changes)
    form = Form.API_CALLS if calls else Form.CHANGE_SET
    return Plan(
        rest.pop("form", form), rest.pop("target", "bot-app"), account, rest.pop("region", REGION), changes, **rest
    )
