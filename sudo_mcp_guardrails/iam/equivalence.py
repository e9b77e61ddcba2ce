"""Do two sets of policies mean the same, whatever the request and whatever the other layers?

Every action and resource falls into a class of those that the same patterns match. In each class a set of policies
is reduced to what its statements still ask for: conditions, principals, and patterns that depend on the request.
These stay opaque; a set means the same where, class by class, its Allows ask for the same and its Denies do. So a
proof is one, while sets that only mean the same by what their conditions say are not proved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.automaton import CapError, like, representatives
from sudo_mcp_guardrails.iam.catalogue import service_actions
from sudo_mcp_guardrails.iam.compiled import completed
from sudo_mcp_guardrails.iam.cover import action_key, conditions, has_variable
from sudo_mcp_guardrails.iam.matching import action_test, any_glob
from sudo_mcp_guardrails.iam.prove import Proof, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement

Term = frozenset[object]
"""What a statement asks for beside action and resource; all of it must hold."""

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
            patterns = dict.fromkeys(p for side in concerned for s in side for p in s.plain)
            for resource in representatives((_EVERYTHING,), tuple(map(like, patterns))):
                for effect in ("Allow", "Deny"):
                    first, second = (_asked(side, effect, resource) for side in concerned)
                    if first != second:
                        reason = f"what {effect} asks for differs: {action} on {resource or 'any other resource'}"
                        return Proof(Verdict.NOT_PROVED, reason=reason)
    except CapError as error:
        return Proof(Verdict.NOT_PROVED, reason=str(error))
    return Proof(Verdict.PROVED, reason="in every class of actions and resources both ask for the same")


class _Compared:
    """A statement, ready to be asked about a class.

    Attributes:
        statement: The statement.
        names: Whether it is about an action, in lower case.
        plain: Its Resource patterns that do not depend on the request.
    """

    def __init__(self, statement: Statement) -> None:
        self.statement = statement
        listed = action_test(statement.actions or statement.not_actions)
        self.names: Callable[[str], bool] = listed if statement.actions else lambda action: not listed(action)
        self.plain = tuple(completed(p) for p in statement.resources if not has_variable(p))
        self._matches = any_glob(self.plain)
        self._term: Term = frozenset(
            {
                *conditions(statement),
                ("Principal", frozenset(statement.principals)),
                ("NotPrincipal", frozenset(statement.not_principals)),
                # What is left out cannot be split into classes where pseudo parameters are not known.
                ("NotResource", frozenset(statement.not_resources)),
            }
        ) - {(element, frozenset()) for element in ("Principal", "NotPrincipal", "NotResource")}

    def terms(self, resource: str) -> Iterable[Term]:
        """Yield what it asks for on a resource; any of it is enough."""
        if not self.statement.resources or self._matches(resource):
            yield self._term
            return
        for pattern in self.statement.resources:
            if has_variable(pattern):
                yield self._term | {("Resource", pattern)}


def _asked(statements: Iterable[_Compared], effect: str, resource: str) -> frozenset[Term]:
    """Return what the statements of an effect ask for, without what asks for more than another: that is unique."""
    found = {term for s in statements if s.statement.effect == effect for term in s.terms(resource)}
    return frozenset(term for term in found if not any(other < term for other in found))


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
