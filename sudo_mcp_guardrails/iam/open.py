"""What is open about a request: its resource and its context keys, each with candidates for every way it can matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.automaton import CapError
from sudo_mcp_guardrails.iam.catalogue import key_type, takes_several
from sudo_mcp_guardrails.iam.classes import kind_of, sets, values
from sudo_mcp_guardrails.iam.matching import ACCOUNT_PART
from sudo_mcp_guardrails.iam.operators import ADDRESS_KIND, DATE_KIND, NUMBER_KIND
from sudo_mcp_guardrails.iam.reduce import ACCOUNT_KEYS
from sudo_mcp_guardrails.iam.resources import classified
from sudo_mcp_guardrails.iam.search import Candidate, Name, Target, Variable
from sudo_mcp_guardrails.iam.universe import ACCOUNT_DIGITS

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    from sudo_mcp_guardrails.iam.conditions import Condition
    from sudo_mcp_guardrails.iam.documents import Strings
    from sudo_mcp_guardrails.iam.facts import Facts, Values
    from sudo_mcp_guardrails.iam.reduce import Reduced
    from sudo_mcp_guardrails.iam.routes import Asked

_NO_VALUE: Final = "neither"
"""Text that is no number, no date, no address and no truth value."""
_TYPES: Final = {NUMBER_KIND: "Numeric", DATE_KIND: "Date", ADDRESS_KIND: "IPAddress", "bool": "Bool"}
"""Kind of a comparison to the type of the keys that only ever hold such values."""
_ACCOUNT: Final = "aws:resourceaccount"
_S3_ACCOUNT: Final = "s3:resourceaccount"


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

    def excluded(self, resource: str, *, is_own: bool) -> int:
        """Return the bits that a resource does not have."""
        if not is_own:
            return self.own | self.policed
        return self.other | (self.policed if resource == "*" else 0)


def resource_variable(step: int, asked: Asked, bits: Sequence[Bit], sides: Sides | None, facts: Facts) -> Variable:
    """Return the resource of a step.

    Raises:
        CapError: Where the patterns are too many to tell apart, or an account is compared with a pattern.
    """
    s3 = asked.action[:3].lower() == "s3:"
    accounts = [(bit, c) for bit in bits for c in bit.reduced.conditions if c.key in ACCOUNT_KEYS]
    own = facts.principal.account
    named = tuple(sorted({own, *(wanted for _, condition in accounts for wanted in condition.wanted)}))
    if any("*" in account or "?" in account for account in named):
        raise CapError(f"the account of a resource is compared with a pattern: {', '.join(named)}")
    confined = [bit for bit in bits if bit.reduced.confined]
    dropped = 0
    if asked.anything:
        # Every Allow is taken to be about the resource and no Deny that depends on it: an upper bound, to begin with.
        dropped = sum(bit.mask for bit in confined if bit.deny)
        confined = []
        s3_only = [(bit, c) for bit, c in accounts if c.key == _S3_ACCOUNT]
        dropped |= sum({bit.mask for bit, _ in s3_only if bit.deny})
        accounts = [pair for pair in accounts if pair not in s3_only]
    patterns = tuple(sorted({p for bit in confined for p in bit.reduced.patterns}))
    tests = [(bit.mask, *_masks(bit.reduced, patterns)) for bit in confined]
    found: dict[int, Candidate] = {}
    known: dict[str, list[tuple[bool, int]]] = {}
    for text, matched in classified(asked.formats, facts.partition, patterns, named):
        mask = ~dropped
        for bit_mask, inside, outside in tests:
            if matched & outside or (inside and not matched & inside):
                mask &= ~bit_mask
        for owner in _owners(text, own, named):
            owned = mask if sides is None else mask & ~sides.excluded(text, is_own=owner == own)
            for told, cleared in known.get(owner) or known.setdefault(owner, _cleared(accounts, owner, s3=s3)):
                left = owned & ~cleared
                found.setdefault(left, Candidate(left, Target(text, owner, told)))
    return _variable(Name(step, ""), found.values())


def _cleared(accounts: Sequence[tuple[Bit, Condition]], owner: str, *, s3: bool) -> list[tuple[bool, int]]:
    """Return the statements that an owner excludes, where the request tells the owner and where it does not."""
    if not accounts:
        return [(True, 0)]
    told = {_ACCOUNT: (owner,), **({_S3_ACCOUNT: (owner,)} if s3 else {})}
    out = []
    for tells, keys in ((True, told), (False, {})):
        mask = 0
        for bit, condition in accounts:
            if not condition.holds(keys):
                mask |= bit.mask
        out.append((tells, mask))
    return out


def _masks(reduced: Reduced, patterns: Strings) -> tuple[int, int]:
    """Return which patterns a statement needs one of, 0 for none, and of which it may have none."""
    inside = sum(1 << patterns.index(p) for p in dict.fromkeys(reduced.resources or ()))
    return inside, sum(1 << patterns.index(p) for p in reduced.not_resources)


def _owners(resource: str, own: str, named: Strings) -> tuple[str, ...]:
    """Return the accounts that may own a resource."""
    parts = resource.split(":", ACCOUNT_PART + 1)
    if len(parts) > ACCOUNT_PART and parts[ACCOUNT_PART].isdigit():
        return (parts[ACCOUNT_PART],)
    if resource == "*":
        return (own,)
    strange = next(d * ACCOUNT_DIGITS for d in "9876543210" if d * ACCOUNT_DIGITS not in named)
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
    return [key_variable(name, found, facts.alternatives) for name, found in conditions.items()]


def key_variable(
    name: Name, conditions: Sequence[tuple[int, Condition]], alternatives: Mapping[str, tuple[Values, ...]]
) -> Variable:
    """Return one key with its candidates: absent, each class of values, and sets of these where it can have several.

    Args:
        name: Of the key.
        conditions: (mask of the statement, condition) of all that mention it.
        alternatives: Keys with the values that they can have, where that is known.

    Raises:
        CapError: Where it has too many classes of values.
    """
    options: Iterable[tuple[str, ...]]
    given = alternatives.get(name.key)
    if given is not None:
        options = given
    else:
        compared = frozenset(
            (c.comparison, wanted) for _, c in conditions if c.comparison != "null" for wanted in c.wanted
        )
        # What is compared as a number may hold anything, unless it is known to be one: a tag, say.
        held = key_type(name.key)
        strange = any(_TYPES.get(c if c == "bool" else kind_of(c), held) != held for c, _ in compared)
        singles = (*values(compared), *((_NO_VALUE,) if strange else ()))
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
