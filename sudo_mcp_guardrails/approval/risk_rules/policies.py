"""Policies of resources, and whom they let in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.risk_rules.rule import Found, RiskRule, cut
from sudo_mcp_guardrails.approval.risk_rules.values import UNREAD, as_json, listed, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.approval.risk_rules.values import Node
    from sudo_mcp_guardrails.approval.risk_rules.view import Seen

_SERVICE_NEEDS: Final = ("aws:sourceaccount", "aws:sourcearn", "aws:sourceorgid", "aws:sourceorgpaths")
_OF_PERMISSION: Final = ("sourceaccount", "sourcearn", "principalorgid")


def documents(seen: Seen) -> Iterator[tuple[Node, dict[str, Any]]]:
    """Yield every policy document of a change, also one that is written as text, with where it stands."""
    for node in seen.after:
        found = node.value if isinstance(node.value, dict) else as_json(node.value)
        if isinstance(found, dict) and "Statement" in found:
            yield node, found


def statements(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the statements of a document, in as much as they are any."""
    for statement in listed(document["Statement"]):
        if isinstance(statement, dict):
            yield statement


def _of_change(seen: Seen) -> Iterator[Found]:
    if "policy" in seen.traits:
        if seen.ends:
            yield Found(RiskClass.R3, "a policy is gone, with all that it denies")
        else:
            yield Found(RiskClass.R2, f"{seen.change.type} lets somebody in, or keeps somebody out")
        if not seen.ends and "principal" in seen.then and not isinstance(seen.then["principal"], dict):
            bound = any(seen.then.get(name) for name in _OF_PERMISSION)
            yield from _principal(seen, "Principal", text_of(seen.then["principal"]), bound=bound)
    for node, document in documents(seen):
        for statement in statements(document):
            if text_of(statement.get("Effect")) != "Allow":
                continue
            if "NotPrincipal" in statement:
                yield Found(RiskClass.R3, "a policy lets in everybody but some", node.place)
            elif "Principal" in statement:
                yield from _principals(seen, node, statement)


def _principals(seen: Seen, node: Node, statement: dict[str, Any]) -> Iterator[Found]:
    conditions = statement.get("Condition")
    keys = {key.lower() for found in _dicts(conditions) for key in found if isinstance(key, str)}
    bound = bool(keys.intersection(_SERVICE_NEEDS))
    principal = statement["Principal"]
    named = principal.items() if isinstance(principal, dict) else (("AWS", principal),)
    for kind, values in named:
        for value in listed(values):
            text = text_of(value)
            if kind == "Federated":
                yield Found(RiskClass.R3, f"a policy lets in who signs in by {cut(text)}", node.place)
            elif text == "*":
                under = ", under conditions" if keys else ""
                yield Found(RiskClass.R3, f"a policy lets in everybody{under}", node.place)
            elif isinstance(text, str):
                yield from _principal(seen, node.place, text, bound=bound, kind=kind)


def _principal(seen: Seen, place: str, text: object, *, bound: bool, kind: str = "AWS") -> Iterator[Found]:
    """Yield what one principal comes to; one that cannot be read is another rule's."""
    if text is UNREAD or not isinstance(text, str):
        return
    if text == "*":
        yield Found(RiskClass.R3, "a policy lets in everybody", place)
    elif kind == "Service" or text.endswith((".amazonaws.com", ".amazonaws.com.cn")):
        risk = RiskClass.R2 if bound else RiskClass.R3
        whose = "" if bound else ", whoever it works for"
        yield Found(risk, f"a policy lets in service {cut(text)}{whose}", place)
    elif _account(text) in {"${AWS::AccountId}", *(a for e in seen.context.environments for a in e.accounts)}:
        yield Found(RiskClass.R2, f"a policy lets in {cut(text)}", place)
    else:
        yield Found(RiskClass.R3, f"a policy lets in {cut(text)}, which is in none of the agent's accounts", place)


def _account(text: str) -> str:
    """Return the account of a principal, which may hold a pseudo parameter with colons of its own."""
    if text.startswith("arn:"):
        parts = text.replace("${AWS::", "${AWS.").split(":")
        text = parts[4] if len(parts) > 4 else ""  # noqa: PLR2004 - the fifth part of an ARN is its account
    return text.replace("${AWS.", "${AWS::")


def _dicts(value: object) -> Iterator[dict[Any, Any]]:
    if isinstance(value, dict):
        for item in value.values():
            if isinstance(item, dict):
                yield item


RULE: Final = RiskRule(
    id="resource-policy",
    title="A policy that lets in everybody, another account, a federation, or a service whoever it works for: R3; any "
    "other policy of a resource: R2.",
    risks=(RiskClass.R2, RiskClass.R3),
    sources=("IAM user guide, Principal; The confused deputy problem",),
    of_change=_of_change,
)
