"""Looking at rules as trees: what of a call they mention, which tools they are about, what they name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sudo_mcp_guardrails.gateway.deciding.rules.schema import Action
    from sudo_mcp_guardrails.gateway.deciding.rules.text import Rule

Path = tuple[str, ...]
ACTION: Final = "AgentCore::Action"
GATEWAY: Final = "AgentCore::Gateway"


def path_of(tree: object) -> Path | None:
    """Return the path of ``context.a.b`` as ``("a", "b")``; None for anything else."""
    names: list[str] = []
    while isinstance(tree, dict) and set(tree) == {"."}:
        names.append(tree["."]["attr"])
        tree = tree["."]["left"]
    return tuple(reversed(names)) if tree == {"Var": "context"} else None


def literal_of(tree: object) -> str | int | bool | None:
    """Return a literal's value; None for anything else."""
    if isinstance(tree, dict) and set(tree) == {"Value"} and isinstance(tree["Value"], (str, int, bool)):
        return tree["Value"]
    return None


def mentioned(rule: Rule) -> frozenset[Path]:
    """Return what a rule mentions of the context; ``()`` where it takes the context as a whole."""
    return frozenset(path for condition in rule.tree["conditions"] for path in _mentioned(condition["body"]))


def _mentioned(tree: object) -> Iterator[Path]:
    path = path_of(tree)
    if path is not None:
        yield path
    elif isinstance(tree, dict):
        has = tree.get("has")
        if isinstance(has, dict) and (held := path_of(has["left"])) is not None:
            yield (*held, str(has["attr"]))
            return
        for each in tree.values():
            yield from _mentioned(each)
    elif isinstance(tree, list):
        for each in tree:
            yield from _mentioned(each)


def scope_ids(rule: Rule) -> tuple[str, ...] | None:
    """Return the actions that a rule's scope names; None where it names none, which is all."""
    scope = rule.tree["action"]
    if scope["op"] == "All":
        return None
    entities = scope.get("entities") or [scope["entity"]]
    return tuple(entity["id"] if entity["type"] == ACTION else "" for entity in entities)


def is_about(rule: Rule, action: Action) -> bool:
    """Return whether a rule's scope has room for a tool; what is not understood has."""
    ids = scope_ids(rule)
    if ids is None:
        return True
    if rule.tree["action"]["op"] == "==":
        return action.id in ids
    return not action.groups.isdisjoint(ids)


def gateway_of(rule: Rule) -> str | None:
    """Return the gateway that a rule's scope names; None where it names none."""
    scope: Mapping[str, Any] = rule.tree["resource"]
    return str(scope["entity"]["id"]) if scope["op"] == "==" and "entity" in scope else None
