"""What is left of a statement once the action and the facts are known.

Where a policy variable stands for something that is not known, an Allow is taken for wider than it is and a Deny
for narrower. A proof then still holds; a witness found that way is only one if it replays in the evaluator.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.iam.catalogue import takes_several
from sudo_mcp_guardrails.iam.conditions import VARIABLE, Condition, named_variables, substitute, variables
from sudo_mcp_guardrails.iam.operators import comparison, escaped
from sudo_mcp_guardrails.iam.universe import relevant

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.compiled import CompiledStatement
    from sudo_mcp_guardrails.iam.documents import Strings
    from sudo_mcp_guardrails.iam.facts import Facts

ACCOUNT_KEYS = frozenset({"aws:resourceaccount", "s3:resourceaccount"})
"""Keys that follow from the resource and not from the context."""

_TEXT = frozenset({"equals", "like", "arn"})


@dataclass(frozen=True)
class Reduced:
    """A statement that may apply.

    Args:
        sid: Its Sid.
        resources: Patterns of which one must match; None where every resource matches.
        not_resources: Patterns of which none may match.
        conditions: The conditions that the facts leave open.
        approximate: Whether a policy variable was not known.
    """

    sid: str
    resources: Strings | None
    not_resources: Strings
    conditions: tuple[Condition, ...]
    approximate: bool

    def everywhere(self) -> Reduced:
        """Return it where what NotResource excludes is no question."""
        return Reduced(self.sid, self.resources, (), self.conditions, self.approximate)

    @property
    def confined(self) -> bool:
        """Whether it depends on the resource."""
        return self.resources is not None or bool(self.not_resources)

    @property
    def patterns(self) -> Strings:
        """All patterns of resources."""
        return (*(self.resources or ()), *self.not_resources)

    @property
    def settled(self) -> bool:
        """Whether it applies to every request."""
        return self.resources is None and not self.not_resources and not self.conditions and not self.approximate


def reduced(statement: CompiledStatement, formats: Strings, facts: Facts) -> Reduced | None:
    """Return what is left of a statement whose action is the one asked about; None where it can never apply.

    Args:
        statement: The statement.
        formats: ARN formats that the action can be about.
        facts: What is known.
    """
    if not statement.concerns(facts.principal):
        return None
    if statement.unconfined and not statement.conditions:
        return Reduced(statement.sid, None, (), (), approximate=False)
    reducer = _Reducer(statement.deny, facts)
    resources: Strings | None = None
    if statement.resources and "*" not in statement.resources:
        resources = reducer.patterns(statement.resources, formats, negated=False)
        if "*" in resources:
            resources = None
        elif not resources:
            return None
    not_resources = reducer.patterns(statement.not_resources, formats, negated=True) if statement.not_resources else ()
    conditions = [reducer.condition(condition) for condition in statement.conditions]
    if reducer.never or "*" in not_resources:
        return None
    kept = tuple(c for c in (*conditions, *reducer.presence) if c is not None)
    return Reduced(statement.sid, resources, not_resources, kept, reducer.approximate)


class _Reducer:
    """Collects what is left of one statement."""

    def __init__(self, deny: bool, facts: Facts) -> None:  # noqa: FBT001 - one flag
        self._deny = deny
        self._facts = facts
        self.never = False
        self.approximate = False
        self.presence: list[Condition] = []

    def patterns(self, patterns: Strings, formats: Strings, *, negated: bool) -> Strings:
        """Return the patterns of Resource or NotResource that can matter."""
        if any("${" in p for p in patterns):
            if negated and self._unresolved(patterns):
                self.never = True
            texts = [self._resolved(p, negated=negated, exactly=False) for p in patterns]
            patterns = tuple(text for text in texts if text is not None)
        return relevant(patterns, formats, self._facts.partition)

    def condition(self, condition: Condition) -> Condition | None:
        """Return a condition with its variables replaced; None where it is taken to hold."""
        facts = self._facts
        left: Condition | None = condition
        if condition.test is None and condition.comparison != "null":
            left = self._replaced(condition)
        if left is not None and left.key in facts.fixed:
            self.never |= not left.holds(facts.present)
            return None
        return left

    def _unresolved(self, patterns: Strings) -> bool:
        """Return whether a variable in a negated comparison of a Deny has no value, so that the Deny never applies."""
        if not self._deny:
            return False
        fixed, present = self._facts.fixed, self._facts.present
        return any(
            key in fixed and len(present.get(key, ())) != 1 and not default
            for pattern in patterns
            for key, default in named_variables(pattern)
        )

    def _replaced(self, condition: Condition) -> Condition | None:
        """Return a condition without variables; None where it is taken to hold."""
        # An absent key meets the condition, or does not, whatever the values.
        if condition.negated and self._unresolved(condition.wanted):
            self.never = True
        free = any(key not in self._facts.fixed for w in condition.wanted for key in variables(w))
        if free and condition.comparison not in _TEXT:
            self.approximate = True
            self.never |= self._deny
            return None
        widens = free and self._deny == condition.negated
        compared = "like" if widens else condition.comparison
        exactly = widens and condition.comparison == "equals"
        texts = [self._resolved(w, negated=condition.negated, exactly=exactly) for w in condition.wanted]
        known = tuple(text for text in texts if text is not None)
        return replace(condition, wanted=known, comparison=compared, test=comparison(compared, known))

    def _resolved(self, pattern: str, *, negated: bool, exactly: bool) -> str | None:
        """Return a pattern with its variables replaced; None where it is to be left out.

        Args:
            pattern: The pattern.
            negated: Whether what it matches is excluded.
            exactly: Whether its own wildcards are literal.
        """
        free = [key for key in variables(pattern) if key not in self._facts.fixed]
        if not free:
            text = substitute(pattern, self._facts.present)
            return escaped(text) if exactly and text is not None else text
        self.approximate = True
        if self._deny != negated:
            return None
        if negated:
            # Without one value the Deny is taken not to apply at all, so the keys have to be there.
            self.never |= any(map(takes_several, free))
            self.presence += [_present(key) for key in free]
        return _widened(pattern, exactly=exactly)


def _widened(pattern: str, *, exactly: bool) -> str:
    """Return a pattern with a star for each variable."""
    out, place = [], 0
    for match in VARIABLE.finditer(pattern):
        out += [pattern[place : match.start()], "*"]
        place = match.end()
    out.append(pattern[place:])
    return "".join(part if part == "*" or not exactly else escaped(part) for part in out)


def _present(key: str) -> Condition:
    """Return the condition that a key is there."""
    return Condition(key, "", "null", False, False, ("false",), True, None)  # noqa: FBT003
