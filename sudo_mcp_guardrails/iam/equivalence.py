"""Do two sets of policies mean the same, whatever the request and whatever the other layers?

A set is taken apart into items: for one action, an effect on one resource pattern, with what must hold beside it
(conditions, principals, patterns that depend on the request), which stays opaque. Two sets mean the same where, for
each class of actions, every item of one is covered by those items of the other that ask for no more. So a proof is
one, while sets that only mean the same by what their conditions say are not proved.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from sudo_mcp_guardrails.iam.automaton import CapError, like, representatives
from sudo_mcp_guardrails.iam.catalogue import service_actions
from sudo_mcp_guardrails.iam.compiled import completed
from sudo_mcp_guardrails.iam.cover import action_key, conditions, has_variable
from sudo_mcp_guardrails.iam.matching import action_test, any_glob
from sudo_mcp_guardrails.iam.verdict import Proof, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement

_WILDCARD: Final = re.compile(r"[*?]")
_EVERYTHING: Final = like("*")


def same_meaning(
    before: Sequence[PolicyDocument], after: Sequence[PolicyDocument], *, closed: Collection[str] = ()
) -> Proof:
    """Compare two sets of policies, each of one layer in which any Allow counts.

    Args:
        before: One set.
        after: The other.
        closed: Service prefixes of which only the catalogue's actions are compared. Default: for all services, also
            actions that do not exist yet.

    Returns:
        ``PROVED``, or ``NOT PROVED`` with the action and resource that may differ, or the cap that was hit.

    Raises:
        UnknownActionError: For a closed service that the catalogue does not have.
    """
    sides = [[_Compared(s) for policy in side for s in policy.statements] for side in (before, after)]
    both = [statement for side in sides for statement in side]
    if any("${AWS::" in p for s in both for p in s.plain) and any("?" in p for s in both for p in s.plain):
        return Proof(Verdict.NOT_PROVED, reason="a pseudo parameter is of unknown length, and '?' counts characters")
    try:
        seen: set[frozenset[int]] = set()
        for action in _actions([s.statement for s in both], closed):
            concerned = [[s for s in side if s.names(action)] for side in sides]
            group = frozenset(id(s) for side in concerned for s in side)
            if group in seen:
                continue
            seen.add(group)
            first, second = (frozenset(item for s in side for item in s.items) for side in concerned)
            for one, other in ((first, second), (second, first)):
                for item in sorted(one - other, key=lambda item: (item.effect, item.resource)):
                    left = _uncovered(item, other)
                    if left is not None:
                        reason = f"only one has this {item.effect}: {action} on {left or 'any other resource'}"
                        return Proof(Verdict.NOT_PROVED, reason=reason)
    except CapError as error:
        return Proof(Verdict.NOT_PROVED, reason=str(error))
    return Proof(Verdict.PROVED, reason="for every action, what one allows or denies the other does too")


class _Item(NamedTuple):
    """What a statement does to one action: an effect on a resource pattern where all of a term holds."""

    effect: str
    resource: str
    term: frozenset[object]


class _Compared:
    """A statement, ready to be asked about a class of actions.

    Attributes:
        statement: The statement.
        names: Whether it is about an action, in lower case.
        plain: Its Resource patterns that do not depend on the request.
        items: What it does to an action that it is about.
    """

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        listed = action_test(statement.actions or statement.not_actions)
        self.names: Callable[[str], bool] = listed if statement.actions else lambda action: not listed(action)
        self.plain = tuple(completed(p) for p in statement.resources if not has_variable(p))
        elements = {
            "Principal": statement.principals,
            "NotPrincipal": statement.not_principals,
            # What is left out cannot be told apart where pseudo parameters are not known, and so stays whole.
            "NotResource": statement.not_resources,
        }
        term: frozenset[object] = frozenset(
            {*conditions(statement), *((name, frozenset(values)) for name, values in elements.items() if values)}
        )
        effect = statement.effect
        self.items = (
            *(_Item(effect, pattern, term) for pattern in (self.plain if statement.resources else ("*",))),
            *(_Item(effect, "*", term | {("Resource", p)}) for p in statement.resources if has_variable(p)),
        )


def _uncovered(item: _Item, others: Iterable[_Item]) -> str | None:
    """Return a resource on which no other item does what this one does, or None."""
    patterns = tuple(o.resource for o in others if o.effect == item.effect and o.term <= item.term)
    if "*" in patterns or item.resource in patterns:
        return None
    head = _WILDCARD.split(item.resource, maxsplit=1)[0]
    near = tuple(p for p in patterns if _compatible(head, _WILDCARD.split(p, maxsplit=1)[0]))
    covered = any_glob(near)
    resources = representatives((like(item.resource),), tuple(map(like, sorted(near))))
    return next((resource for resource in resources if not covered(resource)), None)


def _compatible(one: str, other: str) -> bool:
    """Return whether strings can begin with both."""
    return one.startswith(other) or other.startswith(one)


def _actions(statements: Iterable[Statement], closed: Collection[str]) -> tuple[str, ...]:
    """Return an action of each class, in lower case."""
    patterns = {action_key(p) for s in statements for p in (*s.actions, *s.not_actions)}
    # Where a service is not named in full, its pattern can match in any service.
    anywhere = {p for p in patterns if "*" in (service := p.partition(":")[0]) or "?" in service or ":" not in p}
    found = dict.fromkeys(representatives((_EVERYTHING,), tuple(map(like, sorted(anywhere)))))
    for service in sorted({p.partition(":")[0] for p in patterns - anywhere}):
        if service in closed:
            found.update(dict.fromkeys(name.lower() for name in service_actions(service)))
        else:
            own = sorted(anywhere | {p for p in patterns if p.startswith(f"{service}:")})
            found.update(dict.fromkeys(representatives((like(f"{service}:*"),), tuple(map(like, own)))))
    return tuple(found)
