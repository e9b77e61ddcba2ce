"""Sets of actions as integers: which actions of the catalogue a statement names, and which of them are alike.

Some 22,000 actions fall into a few dozen classes under one principal's policies: those of which the same statements
speak. A question about all actions is a question about one action of each class and kind of resource.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from sudo_mcp_guardrails.iam.catalogue import READS, all_actions
from sudo_mcp_guardrails.iam.matching import glob
from sudo_mcp_guardrails.iam.universe import formats_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.iam.documents import Strings


class Alike(NamedTuple):
    """Actions that are decided alike.

    Args:
        names: The actions, as the catalogue writes them.
        formats: ARN formats of the resources that they can be about.
    """

    names: Strings
    formats: Strings


@cache
def _index() -> tuple[Strings, Strings]:
    """Return all actions in order of their lower case: as the catalogue writes them, and in lower case."""
    names = tuple(sorted((action.name for action in all_actions()), key=str.lower))
    return names, tuple(name.lower() for name in names)


@cache
def everything() -> int:
    """Return the set of all actions."""
    return (1 << len(_index()[0])) - 1


@lru_cache(maxsize=16_384)
def named(patterns: Strings) -> int:
    """Return the actions that patterns cover."""
    found = 0
    for pattern in patterns:
        found |= _covered(pattern.lower())
    return found


@lru_cache(maxsize=65_536)
def _covered(pattern: str) -> int:
    """Return the actions that one pattern covers; those of one beginning stand side by side."""
    if pattern in {"*", "*:*"}:
        return everything()
    lower = _index()[1]
    start = pattern.split("*", 1)[0].split("?", 1)[0]
    low, high = bisect_left(lower, start), bisect_left(lower, start + "\uffff")
    if pattern == start:
        return 1 << low if low < len(lower) and lower[low] == start else 0
    if pattern == start + "*":
        return (1 << high) - (1 << low)
    test = glob(pattern)
    return sum(1 << place for place in range(low, high) if test(lower[place]))


@cache
def writing() -> int:
    """Return the actions that change something."""
    levels = {action.name: action.level for action in all_actions()}
    return sum(1 << place for place, name in enumerate(_index()[0]) if levels[name] not in READS)


@lru_cache(maxsize=512)
def partition(within: int, speaking: frozenset[int]) -> tuple[int, ...]:
    """Return the classes of actions that no statement tells apart.

    Args:
        within: The actions to part.
        speaking: The actions of each statement.
    """
    classes = [within] if within else []
    for actions in speaking:
        parted: list[int] = []
        for found in classes:
            inside = found & actions
            parted += [part for part in (inside, found ^ inside) if part]
        classes = parted
    return tuple(classes)


@lru_cache(maxsize=8192)
def members(actions: int) -> Strings:
    """Return the names of a set of actions."""
    names = _index()[0]
    return tuple(names[place] for place in places(actions))


def as_bytes(actions: int) -> bytes:
    """Return a set of actions as bytes, in which a single place is looked up faster."""
    return actions.to_bytes(everything().bit_length() // 8 + 1, "little")


def name_at(place: int) -> str:
    """Return the name of the action at a place."""
    return _index()[0][place]


def places(bits: int) -> Iterator[int]:
    """Yield the places of the actions of a set."""
    text = bin(bits)[:1:-1]
    place = text.find("1")
    while place >= 0:
        yield place
        place = text.find("1", place + 1)


@lru_cache(maxsize=8192)
def by_resource(actions: int) -> tuple[Alike, ...]:
    """Part a set of actions by the resources that they can be about, and by what AWS treats apart."""
    found: dict[tuple[Strings, object], list[str]] = {}
    for name in members(actions):
        found.setdefault((formats_of(name), _treated(name)), []).append(name)
    return tuple(Alike(tuple(names), formats) for (formats, _), names in found.items())


def _treated(action: str) -> object:
    """Return what distinguishes an action beside its statements and resources: its service, and STS's own rules.

    A service decides whether RCPs apply, whether resources have policies, and which condition keys there are.
    """
    service = action.split(":", 1)[0]
    return action if service == "sts" else service
