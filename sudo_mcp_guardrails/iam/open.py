"""What is open about a request: its resource and its context keys, each with candidates for every way it can matter."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.automaton import CapError, like, representatives
from sudo_mcp_guardrails.iam.catalogue import takes_several
from sudo_mcp_guardrails.iam.classes import arn_tokens, sets, values
from sudo_mcp_guardrails.iam.operators import like as like_test
from sudo_mcp_guardrails.iam.reduce import ACCOUNT_KEYS
from sudo_mcp_guardrails.iam.search import Candidate, Name, Target, Variable
from sudo_mcp_guardrails.iam.universe import ANYTHING, tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Sequence

    from sudo_mcp_guardrails.iam.conditions import Condition
    from sudo_mcp_guardrails.iam.documents import Strings
    from sudo_mcp_guardrails.iam.facts import Facts
    from sudo_mcp_guardrails.iam.question import Asked
    from sudo_mcp_guardrails.iam.reduce import Reduced

_ACCOUNT_PART: Final = 4
_ACCOUNT_DIGITS: Final = 12


@dataclass(frozen=True)
class Bit:
    """A statement of one layer that may apply to one step, and its bit in the masks."""

    mask: int
    step: int
    layer: str
    deny: bool
    reduced: Reduced


@dataclass(frozen=True)
class Sides:
    """Bits that stand for whose resource it is.

    Args:
        own: It is of the principal's own account.
        other: It is of another account.
        policed: It is of the principal's own account, and is a resource, which can have a policy.
    """

    own: int
    other: int
    policed: int


def resource_variable(step: int, asked: Asked, bits: Sequence[Bit], sides: Sides | None, facts: Facts) -> Variable:
    """Return the resource of a step.

    Raises:
        CapError: Where the patterns are too many to tell apart, or an account is compared with a pattern.
    """
    about = [(bit, _resource_test(bit.reduced)) for bit in bits]
    if asked.anything and any(c.key == "s3:resourceaccount" for bit in bits for c in bit.reduced.conditions):
        raise CapError("a condition on s3:ResourceAccount concerns some actions of the class alone")
    account_key = "s3:resourceaccount" if asked.action.lower().startswith("s3:") else ""
    accounts = [
        (bit.mask, condition) for bit in bits for condition in bit.reduced.conditions if condition.key in ACCOUNT_KEYS
    ]
    patterns = tuple(sorted({p for bit in bits for p in (*(bit.reduced.resources or ()), *bit.reduced.not_resources)}))
    own = facts.principal.account
    named = tuple(sorted({own, *(wanted for _, c in accounts for wanted in c.wanted)}))
    if any("*" in account or "?" in account for account in named):
        raise CapError(f"the account of a resource is compared with a pattern: {', '.join(named)}")
    found: dict[int, Candidate] = {}
    for text in _resources(asked.formats, facts.partition, patterns, named):
        mask = -1
        for bit, test in about:
            if test is not None and not test(text):
                mask &= ~bit.mask
        for owner in _owners(text, own, named):
            keys = {"aws:resourceaccount": (owner,), account_key: (owner,)}
            owned = mask
            if sides is not None:
                owned &= ~(sides.other if owner == own else sides.own | sides.policed)
                if text == "*":
                    owned &= ~sides.policed
            for cleared, condition in accounts:
                if not condition.holds(keys):
                    owned &= ~cleared
            found.setdefault(owned, Candidate(owned, Target(text, owner)))
    return _variable(Name(step, ""), found.values())


def _resource_test(reduced: Reduced) -> Callable[[str], bool] | None:
    """Return the test of a statement's resource elements; None where every resource passes."""
    inside = None if reduced.resources is None else like_test(reduced.resources)
    outside = like_test(reduced.not_resources) if reduced.not_resources else None
    if outside is None:
        return inside
    if inside is None:
        return lambda text: not outside(text)
    return lambda text: inside(text) and not outside(text)


@lru_cache(maxsize=65_536)
def _resources(formats: Strings, partition: str, patterns: Strings, accounts: Strings) -> Strings:
    """Return a resource for each way in which the patterns can match, and for each account that is named."""
    universes = tuple(tokens(arn_format, partition) for arn_format in formats)
    by_account = any("${Account}" in f or f == ANYTHING for f in formats)
    told_apart = (
        *(like(pattern) for pattern in patterns),
        *((arn_tokens(f"*:*:*:*:{account}:*") for account in accounts) if by_account else ()),
    )
    return representatives(universes, told_apart)


def _owners(resource: str, own: str, named: Strings) -> tuple[str, ...]:
    """Return the accounts that may own a resource."""
    parts = resource.split(":", _ACCOUNT_PART + 1)
    if len(parts) > _ACCOUNT_PART and parts[_ACCOUNT_PART].isdigit():
        return (parts[_ACCOUNT_PART],)
    if resource == "*":
        return (own,)
    strange = next(d * _ACCOUNT_DIGITS for d in "9876543210" if d * _ACCOUNT_DIGITS not in named)
    return tuple(dict.fromkeys((own, *named, strange)))


def key_variables(bits: Sequence[Bit], facts: Facts, shared: Container[str]) -> list[Variable]:
    """Return the context keys that are open.

    Args:
        bits: The statements of all steps.
        facts: What is known.
        shared: Keys that have one value for all steps.

    Raises:
        CapError: Where a key has too many classes of values.
    """
    conditions: dict[Name, list[tuple[int, Condition]]] = {}
    for bit in bits:
        for condition in bit.reduced.conditions:
            if condition.key not in ACCOUNT_KEYS:
                name = Name(None if condition.key in shared else bit.step, condition.key)
                conditions.setdefault(name, []).append((bit.mask, condition))
    return [_key_variable(name, found, facts) for name, found in conditions.items()]


def _key_variable(name: Name, conditions: Sequence[tuple[int, Condition]], facts: Facts) -> Variable:
    """Return one key with its candidates: absent, each class of values, and sets of these where it can have several."""
    options: Iterable[tuple[str, ...]]
    given = facts.alternatives.get(name.key)
    if given is not None:
        options = given
    else:
        compared = frozenset(
            (c.comparison, wanted) for _, c in conditions if c.comparison != "null" for wanted in c.wanted
        )
        singles = values(compared)
        several = any(c.quantifier for _, c in conditions) or takes_several(name.key)
        options = [(), *(sets(singles) if several else ((single,) for single in singles))]
    found: dict[int, Candidate] = {}
    for option in options:
        keys = {name.key: option} if option else {}
        mask = -1
        for bit, condition in conditions:
            if not condition.holds(keys):
                mask &= ~bit
        found.setdefault(mask, Candidate(mask, option))
    return _variable(name, found.values())


def _variable(name: Name, candidates: Iterable[Candidate]) -> Variable:
    """Return a variable with the bits on which its candidates differ."""
    listed = tuple(candidates)
    concerned = 0
    for candidate in listed:
        concerned |= ~candidate.mask
    return Variable(name, listed, concerned)
