"""Fewer statements that mean the same: merged where the result is exact, dropped where another one covers them."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.catalogue import UnknownActionError, compact, service_actions
from sudo_mcp_guardrails.iam.compiled import completed
from sudo_mcp_guardrails.iam.cover import MAX_WORK, action_key, conditions, covers_statement, who, without_covered

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement, Strings

_NAMELESS: Final = re.compile(r"#\d+")


@dataclass(frozen=True)
class Piece:
    """A statement with what it stands for."""

    statement: Statement
    sources: Strings

    def with_(self, other: Piece, statement: Statement) -> Piece:
        """Return a statement that stands for both."""
        reasons = dict.fromkeys(r for r in (self.statement.reason, other.statement.reason) if r)
        return Piece(replace(statement, reason="; ".join(reasons)), self.sources + other.sources)


def named(documents: Sequence[PolicyDocument]) -> list[Piece]:
    """Return all statements, each with a Sid of its own among all of them."""
    pieces: list[Piece] = []
    taken = {statement.sid for document in documents for statement in document.statements}
    used: set[str] = set()
    for document in documents:
        for statement in document.statements:
            sid = statement.sid
            if not sid or _NAMELESS.fullmatch(sid):
                sid = f"#{len(pieces)}"
            elif sid in used:
                # Letters and digits alone, which is all that IAM takes.
                number = 2
                while f"{sid}{number}" in taken:
                    number += 1
                sid = f"{sid}{number}"
                taken.add(sid)
            used.add(sid)
            pieces.append(Piece(replace(statement, sid=sid), (f"{document.name}:{statement.sid}",)))
    return pieces


def known_services(pieces: Iterable[Piece]) -> frozenset[str]:
    """Return the services of the actions that the catalogue knows."""
    found = set()
    for service in {action.partition(":")[0] for p in pieces for action in p.statement.actions if ":" in action}:
        try:
            service_actions(service)
        except UnknownActionError:
            continue
        found.add(service)
    return frozenset(found)


def shortened(statement: Statement, services: Iterable[str]) -> Statement:
    """Write the catalogue's actions in fewer characters; patterns and other actions stay."""
    left = dict.fromkeys(statement.actions)
    short: list[str] = []
    for service in sorted(services):
        known = [action for action in service_actions(service) if action in left]
        short += compact(service, known)
        left = {action: None for action in left if action not in set(known)}
    return replace(statement, actions=(*left, *short))


def merged(pieces: list[Piece], room: int) -> list[Piece]:
    """Merge until nothing changes; each round that goes on has fewer statements."""
    while True:
        before = len(pieces)
        pieces = _united(pieces, "actions", room)
        pieces = _united(pieces, "resources", room)
        pieces = _without_covered(pieces)
        if len(pieces) == before:
            return pieces


def _united(pieces: Iterable[Piece], element: str, room: int) -> list[Piece]:
    """Merge statements that differ in one element alone, whose values are alternatives, where the result fits."""
    out: list[Piece] = []
    places: dict[object, int] = {}
    for new in pieces:
        piece = replace(new, statement=_tidied(new.statement))
        statement = piece.statement
        values = statement.actions if element == "actions" else statement.resources
        shape = _shape(statement, element)
        place = places.get(shape) if values else None
        if place is not None:
            first = out[place]
            both = _tidied(_with(first.statement, element, values))
            if both.size() <= room:
                out[place] = first.with_(piece, both)
                continue
        if values:
            places[shape] = len(out)
        out.append(piece)
    return out


def _tidied(statement: Statement) -> Statement:
    """Return a statement without patterns that others of the same list cover."""
    return replace(
        statement,
        actions=without_covered(statement.actions, action_key),
        not_actions=without_covered(statement.not_actions, action_key),
        resources=without_covered(statement.resources, completed),
    )


def _with(statement: Statement, element: str, values: Strings) -> Statement:
    """Return a statement with more actions or resources."""
    if element == "actions":
        return replace(statement, actions=statement.actions + values)
    return replace(statement, resources=statement.resources + values)


def _shape(statement: Statement, element: str) -> tuple[object, ...]:
    """Return what else makes two statements the same: order does not count, nor the case of actions."""
    return (
        *who(statement),
        conditions(statement),
        frozenset(statement.resources if element == "actions" else map(action_key, statement.actions)),
        frozenset(map(action_key, statement.not_actions)),
        frozenset(statement.not_resources),
    )


def _without_covered(pieces: list[Piece]) -> list[Piece]:
    """Drop statements that others cover; of two that mean the same the first stays."""
    if len(pieces) ** 2 > MAX_WORK:
        return pieces
    kept: list[Piece] = []
    for piece in pieces:
        place = next((i for i, k in enumerate(kept) if covers_statement(k.statement, piece.statement)), None)
        if place is not None:
            kept[place] = kept[place].with_(piece, kept[place].statement)
            continue
        wide, left = piece, []
        for k in kept:
            if covers_statement(piece.statement, k.statement):
                wide = wide.with_(k, wide.statement)
            else:
                left.append(k)
        kept = [*left, wide]
    return kept
