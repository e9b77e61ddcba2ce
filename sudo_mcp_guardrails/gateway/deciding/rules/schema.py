"""The schema that rules are validated against: of the pinned tools, and of what the guard knows of a call."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.agents import Capability, RiskClass, TrustTier
from sudo_mcp_guardrails.gateway.deciding.errors import RuleError
from sudo_mcp_guardrails.gateway.deciding.rules.types import BOOL, LONG, STRING, TEXTS, Type, record, type_of
from sudo_mcp_guardrails.gateway.meaning import Effect

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sudo_mcp_guardrails.gateway.pins.lock import Lock

NAMESPACE: Final = "AgentCore"
PRINCIPALS: Final = ("OAuthUser", "IamEntity")
GROUPS: Final = ("CallTool", "Mcp")
_NOTHING: Final = Type("Record")


def _one_of(values: Iterable[str]) -> Type:
    return Type("String", values=frozenset(values))


OWN: Final[Mapping[str, Type]] = {
    "approved": BOOL,
    "labels": TEXTS,
    "meaning": record(
        actions=TEXTS,
        decidable=BOOL,
        effect=_one_of(each.value for each in Effect),
        level=LONG,
        regions=TEXTS,
        resources=TEXTS,
        risk=_one_of(each.value for each in RiskClass),
        services=TEXTS,
    ),
    "provenance": record(unknown=TEXTS, untrusted=TEXTS),
    "session": record(
        agent=STRING,
        capability=_one_of(each.value for each in Capability),
        environment=STRING,
        production=BOOL,
        sop=STRING,
        tier=_one_of(each.value for each in TrustTier),
    ),
    "tool": record(effect=_one_of(("read", "write")), reviewed=BOOL, server=STRING),
}
"""What the guard tells rules beside ``context.input``; AgentCore knows none of it."""


@dataclass(frozen=True)
class Action:
    """One tool as an action.

    Attributes:
        id: ``Target___tool``.
        target: Name of the target.
        server: Name of the server, as the guard knows it.
        tool: Name of the tool.
        input: Type of its arguments; what Cedar cannot express is left out.
    """

    id: str
    target: str
    server: str
    tool: str
    input: Type

    @cached_property
    def context(self) -> Type:
        """Type of the whole context."""
        attributes = {"input": self.input, **OWN}
        return Type("Record", None, attributes, frozenset(attributes))

    @property
    def groups(self) -> frozenset[str]:
        """Ids that ``action in`` matches it by."""
        return frozenset({self.id, self.target, *GROUPS})


@dataclass(frozen=True)
class ToolSchema:
    """All tools.

    Attributes:
        actions: By server and tool.
        principal: Type of who calls: ``IamEntity``, whose id is the role's ARN, or ``OAuthUser``.
    """

    actions: Mapping[tuple[str, str], Action]
    principal: str = "IamEntity"

    def document(self) -> dict[str, Any]:
        """Return Cedar's schema, as JSON."""
        who: dict[str, Any] = {"shape": {"type": "Record", "attributes": {"id": {"type": "String"}}}}
        if self.principal == "OAuthUser":
            who["tags"] = {"type": "String"}
        actions: dict[str, Any] = {"Mcp": {}, "CallTool": {"memberOf": [{"id": "Mcp"}]}}
        for each in self.actions.values():
            actions.setdefault(each.target, {})
            actions[each.id] = {
                "memberOf": [{"id": each.target}, {"id": "CallTool"}],
                "appliesTo": {
                    "principalTypes": [self.principal],
                    "resourceTypes": ["Gateway"],
                    "context": each.context.document(),
                },
            }
        return {NAMESPACE: {"entityTypes": {self.principal: who, "Gateway": {}}, "actions": actions}}


def tool_schema(lock: Lock, targets: Mapping[str, str] | None = None, principal: str = "IamEntity") -> ToolSchema:
    """Return the schema of all pinned tools.

    Args:
        lock: What a person accepted.
        targets: Server to the name of its target at AgentCore. Default: the server's name.
        principal: Of :data:`PRINCIPALS`.

    Raises:
        RuleError: Two tools get one id, or the principal is none.
    """
    if principal not in PRINCIPALS:
        raise RuleError("rules", 0, f"principal {principal!r} is not known, expected {' or '.join(PRINCIPALS)}")
    actions: dict[tuple[str, str], Action] = {}
    taken: dict[str, str] = {}
    names = {server: (targets or {}).get(server, server) for server in lock.servers}
    for server, pin in lock.servers.items():
        for tool, each in pin.lists.get("tools", {}).items():
            id_ = f"{names[server]}___{tool}"
            if id_ in taken or id_ in {*GROUPS, *names.values()}:
                raise RuleError("rules", 0, f"action {id_!r} stands for two tools; give the servers other targets")
            taken[id_] = server
            inputs = [type_of(definition.get("inputSchema")) for definition in each.definitions.values()]
            actions[server, tool] = Action(id_, names[server], server, tool, _common(inputs))
    return ToolSchema(actions, principal)


def _common(inputs: list[Type | None]) -> Type:
    """Return what all forms of a tool's input have in common, since a rule holds for each of them."""
    first, *others = [each if each is not None and each.name == "Record" else _NOTHING for each in inputs]
    attributes = dict(first.attributes)
    required = first.required
    for each in others:
        attributes = {name: kind for name, kind in attributes.items() if each.attributes.get(name) == kind}
        required &= each.required
    return Type("Record", None, attributes, required & set(attributes))
