"""The graph of what a plan touches: which change needs which, what breaks with one, and what belongs together.

An edge leads from a change to one that needs it: as the plan says (:attr:`Change.dependent`), and as its values do
(``Ref``, ``Fn::GetAtt``, ``Fn::Sub`` and ``DependsOn`` of a template, or the name or ARN of a resource that is there).
Source: CloudFormation user guide, "Intrinsic function reference" and "DependsOn attribute".
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sudo_mcp_guardrails.approval.plan import Change, Plan

_SUB: Final = re.compile(r"\$\{([^{}!]+)\}")
MAX_VALUES: Final = 2_000_000
"""Values of a plan that are looked at for references; beyond, :attr:`Graph.complete` is False."""
MAX_NODES: Final = 25_000
"""Nodes up to which the dependents of each change are counted by itself."""


class Graph:
    """The changes of a plan and what needs what.

    Args:
        plan: whose changes they are.

    Attributes:
        needed_by: id of a change to the ids of those that need it directly, in order.
        complete: whether every value was looked at.
    """

    def __init__(self, plan: Plan) -> None:
        """Find the edges; takes time in proportion to the plan."""
        ids = {change.id for change in plan.changes}
        names = _names(plan.changes)
        needed_by: dict[str, set[str]] = {each: set() for each in ids}
        budget = MAX_VALUES
        self.complete = True
        for change in plan.changes:
            for each in change.dependent:
                needed_by.setdefault(each, set())
                needed_by[change.id].add(each)
            within = change.id.rpartition("/")[0]
            for found, is_id in (*references(change.after), *_depends_on(change.options)):
                budget -= 1
                needed = _in_stack(found, within, ids) if is_id else names.get(found)
                if needed is not None and needed != change.id:
                    needed_by[needed].add(change.id)
            if budget < 0:
                self.complete = False
                break
        self.needed_by: dict[str, tuple[str, ...]] = {each: tuple(sorted(found)) for each, found in needed_by.items()}
        if len(self.needed_by) > MAX_NODES:
            self.complete = False

    def dependents(self, ids: Iterable[str]) -> frozenset[str]:
        """Return all that needs any of some changes, directly or not, without these."""
        start = set(ids)
        seen, left = set(start), list(start)
        while left:
            for each in self.needed_by.get(left.pop(), ()):
                if each not in seen:
                    seen.add(each)
                    left.append(each)
        return frozenset(seen - start)

    @cached_property
    def counts(self) -> Mapping[str, int]:
        """Id to how many need it, directly or not. Those that need each other are counted as one needs all.

        Empty where the graph is over :data:`MAX_NODES`.
        """
        if len(self.needed_by) > MAX_NODES:
            return {}
        number = {each: place for place, each in enumerate(self.needed_by)}
        reach: dict[int, int] = {}
        counts: dict[str, int] = {}
        # A strong component comes after all that it leads to, so that one pass suffices.
        for members in _components(self.needed_by):
            own = sum(1 << number[each] for each in members)
            below = own
            for each in members:
                for other in self.needed_by[each]:
                    below |= reach.get(number[other], 0)
            for each in members:
                reach[number[each]] = below
                counts[each] = below.bit_count() - 1
        return counts


def references(value: object) -> Iterator[tuple[str, bool]]:
    """Yield what a value may refer to, and whether it is a logical id: those of functions are, other texts are not."""
    left: list[Any] = [value]
    while left:
        found = left.pop()
        if isinstance(found, dict):
            for name in _of_function(found):
                yield name, True
            left.extend(found.values())
        elif isinstance(found, (list, tuple)):
            left.extend(found)
        elif isinstance(found, str) and found:
            yield found, False


def _of_function(found: dict[str, Any]) -> Iterator[str]:
    if len(found) != 1:
        return
    ((name, value),) = found.items()
    first = value[0] if isinstance(value, (list, tuple)) and value else value
    if not isinstance(first, str):
        return
    if name in {"Ref", "Fn::GetAtt"}:
        yield first.split(".", 1)[0]
    elif name == "Fn::Sub":
        for match in _SUB.finditer(first):
            yield match[1].strip().split(".", 1)[0]


def _depends_on(options: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    for place in (options, options.get("AfterAttributes")):
        found = place.get("DependsOn") if isinstance(place, dict) else None
        for name in found if isinstance(found, list) else [found]:
            if isinstance(name, str):
                yield name, True


def _in_stack(name: str, within: str, ids: set[str]) -> str | None:
    """Return the id of what a resource calls by a logical id: in a nested stack, of the same one."""
    full = f"{within}/{name}" if within else name
    return full if full in ids else None


def _names(changes: Iterable[Change]) -> dict[str, str]:
    """Return by what each resource that is there may be referred to: its name or ARN."""
    known: dict[str, str] = {}
    for change in changes:
        for arn in change.resources:
            if "*" not in arn and "?" not in arn:
                known.setdefault(arn, change.id)
    known.update({change.physical_id: change.id for change in changes if change.physical_id})
    return known


def _components(edges: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, ...]]:
    """Yield the strong components, each after those that it leads to (Tarjan 1972, without recursion)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    waiting: set[str] = set()

    def enter(node: str) -> tuple[str, Iterator[str]]:
        order[node] = low[node] = len(order)
        stack.append(node)
        waiting.add(node)
        return node, iter(edges[node])

    for root in edges:
        work = [] if root in order else [enter(root)]
        while work:
            node, left = work[-1]
            other = next(left, None)
            if other is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == order[node]:
                    place = _place(stack, node)
                    members = tuple(stack[place:])
                    del stack[place:]
                    waiting.difference_update(members)
                    yield members
            elif other not in order:
                work.append(enter(other))
            elif other in waiting:
                low[node] = min(low[node], order[other])


def _place(stack: list[str], node: str) -> int:
    """Return where a node stands; it is near the end."""
    place = len(stack) - 1
    while stack[place] != node:
        place -= 1
    return place


def touched(plan: Plan) -> frozenset[str]:
    """Return keys of all that a plan touches, by which two plans are told to be about the same things.

    A resource is known by its name or ARN where it has one, else by its id within what the plan is carried out on; what
    a plan is carried out on (a stack, a workspace) is a key too.
    """
    place = f"{plan.account}/{plan.region}"
    keys = {f"target {place}/{plan.target}"} if plan.target else set()
    for change in plan.changes:
        at = f"{change.account or plan.account}/{change.region or plan.region}"
        if change.physical_id:
            keys.add(f"name {at}/{change.physical_id}")
        elif plan.target:
            keys.add(f"id {at}/{plan.target}/{change.id}")
        keys.update(f"arn {_thing(arn)}" for arn in change.resources if arn not in {"", "*"})
    return frozenset(keys)


def _thing(arn: str) -> str:
    """Return the ARN of the bucket for an object of it: objects are about one thing."""
    return arn.split("/", 1)[0] if arn.split(":", 3)[2:3] == ["s3"] else arn
