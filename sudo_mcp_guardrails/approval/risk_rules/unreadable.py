"""Values that decide who gets in or what may be done, and that a deployment alone can tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.risk_rules.exposure import CLOSES, OPENS
from sudo_mcp_guardrails.approval.risk_rules.policies import documents, statements
from sudo_mcp_guardrails.approval.risk_rules.rule import Found, RiskRule
from sudo_mcp_guardrails.approval.risk_rules.values import UNREAD, as_json, listed, text_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.approval.risk_rules.values import Node
    from sudo_mcp_guardrails.approval.risk_rules.view import Seen

_DECIDING: Final = (
    OPENS
    | CLOSES
    | {
        *(
            "accesscontrol",
            "acl",
            "authtype",
            "authorizationtype",
            "cidr",
            "cidrblock",
            "cidrblocks",
            "cidrip",
            "cidripv6",
        ),
        *("cidripv4", "ipv6cidrblock", "ipv6cidrblocks", "scheme"),
    }
)
"""Properties whose value decides whether there is a way in."""
_RANGES_OF_ONES_OWN: Final = frozenset({"AWS::EC2::VPC", "AWS::EC2::Subnet", "AWS::EC2::RouteTable"})
_POLICIES: Final = ("policy", "policydocument", "policytext", "policystatement", "resourcepolicydocument")
_ELEMENTS: Final = ("Effect", "Principal", "NotPrincipal", "Action", "NotAction")


def _of_change(seen: Seen) -> Iterator[Found]:
    for node in seen.after:
        text = _value(seen, node)
        if text:
            yield Found(RiskClass.R3, text, node.place)
    for node, document in documents(seen):
        for number, statement in enumerate(listed(document["Statement"])):
            if not isinstance(statement, dict) or text_of(statement) is UNREAD:
                yield Found(RiskClass.R3, f"statement {number} of a policy cannot be read", node.place)
        for statement in statements(document):
            for element in _ELEMENTS:
                if element in statement and any(text_of(item) is UNREAD for item in _items(statement[element])):
                    text = f"{element} of a policy is filled in by the deployment, and cannot be read"
                    yield Found(RiskClass.R3, text, node.place)


def _value(seen: Seen, node: Node) -> str:
    """Return what cannot be read about one value, empty where it can be."""
    if text_of(node.value) is not UNREAD:
        broken = node.name in _POLICIES and isinstance(node.value, str) and _broken(node.value)
        return "a policy cannot be read" if broken else ""
    if node.name.endswith(_POLICIES) and as_json(node.value) is None:
        return "a policy is filled in by the deployment, and cannot be read"
    if node.name in _DECIDING and not (seen.like in _RANGES_OF_ONES_OWN and "cidr" in node.name):
        return f"{node.path[-1]} is filled in by the deployment, and cannot be read"
    return ""


def _items(value: Any) -> Iterator[Any]:  # noqa: ANN401 - JSON
    if isinstance(value, dict) and text_of(value) is not UNREAD:
        for item in value.values():
            yield from listed(item)
    else:
        yield from listed(value)


def _broken(text: str) -> bool:
    """Return whether a text should be a policy and is none that can be read."""
    found = as_json(text)
    return text.lstrip().startswith("{") and (not isinstance(found, dict) or "Statement" not in found)


RULE: Final = RiskRule(
    id="unreadable",
    title="A policy, a range of addresses or a flag of public access that a deployment alone can tell: R3.",
    risks=(RiskClass.R3,),
    sources=("unknown means no",),
    of_change=_of_change,
)
