"""Does a session reach anything beyond what its plan needs? The project's own prover answers, for all requests.

Asked is the complement of what :func:`~sudo_mcp_guardrails.approval.session.grants.grants` says: another action; the
same action on another resource; the same action and resource with a condition broken. Where several grants are about
one action, a request must break each of them, by its resource or by one of its conditions.

The apply role itself, and every resource of any account, is taken to allow everything, so that the session policy is
the only wall. What a resource's own
policy grants to the session by name no session policy limits (IAM user guide, "Session policies"); that is for the
policies of those resources, and not looked at here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from sudo_mcp_guardrails.approval.session.grants import grants
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.iam.evaluate import ALWAYS_ALLOWED
from sudo_mcp_guardrails.iam.facts import Facts
from sudo_mcp_guardrails.iam.layers import Layers
from sudo_mcp_guardrails.iam.prove import Prover
from sudo_mcp_guardrails.iam.request import Principal
from sudo_mcp_guardrails.iam.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sudo_mcp_guardrails.approval.plan import Plan
    from sudo_mcp_guardrails.approval.session.grants import ApplySettings, Grant
    from sudo_mcp_guardrails.approval.session_policy import SessionPolicy
    from sudo_mcp_guardrails.iam.documents import Conditions
    from sudo_mcp_guardrails.iam.request import Request

MAX_QUESTIONS: Final = 4096
"""Ways to break all grants of one action that are asked about."""
_ACCOUNT: Final = "123456789012"
_NEGATED: Final = {
    "StringEquals": "StringNotEquals",
    "StringLike": "StringNotLike",
    "ArnLike": "ArnNotLike",
    "ForAllValues:StringEquals": "ForAnyValue:StringNotEquals",
}
_MERGED: Final = frozenset({"StringNotEquals", "StringNotLike", "ArnNotLike"})
"""Operators of which two on one key say as much as one with the values of both."""


@dataclass(frozen=True)
class Witness:
    """What a session reaches beyond its plan.

    Attributes:
        request: That is allowed; None where it could not be shown that there is none, which counts as one.
        reason: In words.
    """

    request: Request | None
    reason: str


class _Break(NamedTuple):
    """One way not to be what a grant allows: another resource, or a condition that does not hold."""

    not_resources: tuple[str, ...]
    condition: tuple[str, str, tuple[str, ...]] | None


def reach_beyond(
    session: SessionPolicy, plan: Plan, settings: ApplySettings, *, account: str = _ACCOUNT
) -> Witness | None:
    """Return a request that a session allows and its plan does not need; None where it is proved that there is none.

    Args:
        session: The session; what counts of the plan are the changes that it names.
        plan: The plan.
        settings: With what the plan is carried out.
        account: Of the apply role.
    """
    wanted = [grant for grant in grants(plan, settings) if set(grant.changes) & set(session.changes)]
    everything = Statement("Everything", "Allow", actions=("*",), resources=("*",))
    role = Principal(f"arn:{settings.partition}:iam::{plan.account or account}:role/apply", session="apply")
    # As a policy that scopes down, which no resource's policy goes around: then the document alone decides.
    layers = Layers(identity=(PolicyDocument("apply", (everything,)),), scope_down=(session.document,))
    prover = Prover(layers, Facts(role, partition=settings.partition))
    for question in _questions(wanted):
        if question is None:
            reason = f"a condition has no opposite, or there are more than {MAX_QUESTIONS} ways to break them"
            return Witness(None, reason)
        proof = prover.prove((question,))
        if proof.verdict is not Verdict.PROVED:
            request = proof.requests[0] if proof.requests else None
            return Witness(request, proof.reason)
    return None


def _questions(wanted: Sequence[Grant]) -> Iterator[Statement | None]:
    """Yield what must not be allowed; None where it cannot be asked."""
    by_action: dict[str, list[Grant]] = {}
    for grant in wanted:
        for action in grant.actions:
            by_action.setdefault(action, []).append(grant)
    yield Statement("OtherActions", "Allow", not_actions=(*by_action, *sorted(ALWAYS_ALLOWED)), resources=("*",))
    for action, found in by_action.items():
        ways = [_breaks(grant) for grant in found]
        if any(each is None for each in ways):
            yield None
            return
        unique = list(dict.fromkeys(each for each in ways if each is not None))
        for count, chosen in enumerate(_hitting(unique), start=1):
            question = None if count > MAX_QUESTIONS else _question(action, chosen)
            yield question
            if question is None:
                return


def _breaks(grant: Grant) -> tuple[_Break, ...] | None:
    """Return the ways not to be what a grant allows; None where a condition cannot be turned into its opposite."""
    found = [] if "*" in grant.resources else [_Break(grant.resources, None)]
    for operator, key, values in grant.conditions:
        if operator == "Null":
            found.append(_Break((), ("Null", key, ("false" if values == ("true",) else "true",))))
        elif operator in _NEGATED:
            found.append(_Break((), (_NEGATED[operator], key, values)))
        else:
            return None
    return tuple(found)


def _hitting(ways: Sequence[tuple[_Break, ...]]) -> Iterator[tuple[_Break, ...]]:
    """Yield choices of breaks of which each grant has one: what breaks several grants at once is chosen once."""
    seen: set[frozenset[_Break]] = set()
    left: list[tuple[int, tuple[_Break, ...]]] = [(0, ())]
    while left:
        number, chosen = left.pop()
        while number < len(ways) and set(ways[number]) & set(chosen):
            number += 1
        if number == len(ways):
            if frozenset(chosen) not in seen:
                seen.add(frozenset(chosen))
                yield chosen
            continue
        left += [(number + 1, (*chosen, each)) for each in reversed(ways[number])]


def _question(action: str, chosen: Sequence[_Break]) -> Statement:
    """Return a request of an action that breaks all that is chosen."""
    conditions: dict[tuple[str, str, tuple[str, ...]], None] = {}
    merged: dict[tuple[str, str], tuple[str, ...]] = {}
    resources: tuple[str, ...] = ()
    for each in chosen:
        resources += each.not_resources
        if each.condition is not None:
            operator, key, values = each.condition
            if operator in _MERGED:
                merged[operator, key] = tuple(dict.fromkeys((*merged.get((operator, key), ()), *values)))
            else:
                # Each must hold by itself. JSON has no form for two of one operator and key, a question needs none.
                conditions[each.condition] = None
    listed: Conditions = (*((operator, key, values) for (operator, key), values in merged.items()), *conditions)
    asked = Statement("Beyond", "Allow", actions=(action,), resources=("*",), conditions=listed)
    return replace(asked, resources=(), not_resources=tuple(dict.fromkeys(resources))) if resources else asked
