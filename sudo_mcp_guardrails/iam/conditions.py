"""IAM's conditions: quantifiers, ``IfExists``, ``Null`` and policy variables around the operators.

Sources: IAM user guide, "IAM JSON policy elements: Condition operators", "Multivalued context keys" and
"IAM policy elements: Variables and tags".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import PolicyError
from sudo_mcp_guardrails.iam.matching import ARN_PARTS
from sudo_mcp_guardrails.iam.operators import OPERATORS, WILD, comparison, escaped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sudo_mcp_guardrails.iam.documents import Conditions, Strings
    from sudo_mcp_guardrails.iam.operators import Test

VARIABLE: Final = re.compile(r"\$\{(\$|[^${}]*)\}")
_LITERAL: Final = {"*": WILD["*"], "?": WILD["?"], "$": "$"}

UNRESOLVED: Final = "a variable that cannot be resolved stands in a negated comparison, and AWS does not say what holds"
SHORT_ARN: Final = "an ARN operator compares with less than an ARN, and AWS does not say what holds"
SEVERAL: Final = "a key with several values meets an operator for one, and AWS does not say what holds"


def named_variables(pattern: str) -> Iterator[tuple[str, str]]:
    """Yield (key in lower case, default) of each variable in a pattern."""
    for match in VARIABLE.finditer(pattern):
        name, _, default = match[1].partition(",")
        if name.strip() not in _LITERAL:
            yield name.strip().lower(), default.strip()


def variables(pattern: str) -> tuple[str, ...]:
    """Return the keys that a pattern's variables stand for, in lower case."""
    return tuple(key for key, _ in named_variables(pattern))


def substitute(pattern: str, keys: Mapping[str, Strings]) -> str | None:
    """Replace policy variables, ``${key}`` and ``${key, 'default'}``.

    Returns:
        The pattern, or None where a variable cannot be resolved: such a pattern matches nothing.
    """
    if "${" not in pattern:
        return pattern
    missing = False

    def replace(match: re.Match[str]) -> str:
        nonlocal missing
        name, _, default = match[1].partition(",")
        if name in _LITERAL:
            return _LITERAL[name]
        values = keys.get(name.strip().lower(), ())
        if len(values) == 1:
            return escaped(values[0])
        if default.strip():
            return default.strip().strip("'")
        missing = True
        return ""

    replaced = VARIABLE.sub(replace, pattern)
    return None if missing else replaced


@dataclass(frozen=True)
class Condition:
    """One condition, ready to be decided.

    Args:
        key: The context key in lower case.
        quantifier: ``""``, ``"foranyvalue"`` or ``"forallvalues"``.
        comparison: A comparison of :data:`~sudo_mcp_guardrails.iam.operators.OPERATORS`, or ``"null"``.
        negated: Whether the operator is negated.
        if_exists: Whether an absent key meets it.
        wanted: The values.
        deny: Whether its statement denies.
        test: The test of one value; None where a variable has to be replaced first.
        unclear: Whether an ARN operator compares with something that is no ARN, such as ``*``.
    """

    key: str
    quantifier: str
    comparison: str
    negated: bool
    if_exists: bool
    wanted: Strings
    deny: bool
    test: Test | None
    unclear: bool = False

    def holds(self, keys: Mapping[str, Strings]) -> bool:
        """Decide it on a request's keys, which are in lower case.

        Where AWS does not say what holds, the worse case for the defender is taken: a Deny does not apply, an
        Allow does. So it is for a value that is not of the operator's kind, such as a tag compared as a number: it
        meets no comparison, and of a negated one AWS does not say.
        """
        given = keys.get(self.key)
        if not given or self.comparison == "null":
            return self._holds_for_presence(present=bool(given))
        test = self.test or self._resolved(keys)
        if test is None:
            return False
        if len(given) == 1:
            hit = test(given[0])
            return self._of_another_kind() if hit is None else hit is not self.negated
        hits = [self._of_another_kind() if hit is None else hit is not self.negated for hit in map(test, given)]
        if self.quantifier == "foranyvalue" or (not self.quantifier and not self.deny):
            return any(hits)
        return all(hits)

    def _of_another_kind(self) -> bool:
        """Decide it for a value that is not of the operator's kind."""
        return self.negated and not self.deny

    def _holds_for_presence(self, *, present: bool) -> bool:
        """Decide it where the key has no value, or where nothing but that counts."""
        if self.comparison == "null":
            return present is not (self.wanted[0].lower() == "true")
        if self.if_exists or self.quantifier == "forallvalues":
            return True
        # A negated operator holds for an absent key; ForAnyValue needs a value, negated or not.
        return self.negated and self.quantifier != "foranyvalue"

    def _resolved(self, keys: Mapping[str, Strings]) -> Test | None:
        """Return the test with its variables replaced.

        A value that cannot be resolved matches nothing. In a negated comparison AWS does not say what that means: an
        Allow is taken to exclude only what the other values do, a Deny not to hold at all (None).
        """
        patterns = tuple(p for p in (substitute(w, keys) for w in self.wanted) if p is not None)
        if self.negated and self.deny and len(patterns) < len(self.wanted):
            return None
        return comparison(self.comparison, patterns)

    def doubt(self, keys: Mapping[str, Strings]) -> str:
        """Return why AWS's decision is not established here, or nothing."""
        given = keys.get(self.key)
        if self.comparison == "null" or not given:
            return ""
        if not self.quantifier and len(given) > 1:
            return SEVERAL
        if self.unclear:
            return SHORT_ARN
        if self.test is None and self.negated and any(substitute(w, keys) is None for w in self.wanted):
            return UNRESOLVED
        return ""


@lru_cache(maxsize=65_536)
def compiled(operator: str, key: str, wanted: Strings, *, deny: bool) -> Condition:
    """Return one condition, ready to be decided.

    Raises:
        PolicyError: For an operator that IAM does not have.
    """
    quantifier, name, if_exists = parse_operator(operator)
    if name == "null":
        return Condition(key.lower(), quantifier, "null", False, if_exists, wanted, deny, None)  # noqa: FBT003
    compared, negated, _ = OPERATORS[name]
    short = {w for w in wanted if compared == "arn" and "${" not in w and w.count(":") < ARN_PARTS - 1}
    if short:
        # The worse case for the defender: everything is matched where that lets more through, else nothing.
        kept = tuple(w for w in wanted if w not in short)
        wanted = ("*",) if deny == negated else kept
    test = None if any("${" in w for w in wanted) else comparison(compared, wanted)
    return Condition(key.lower(), quantifier, compared, negated, if_exists, wanted, deny, test, bool(short))


def conditions_hold(conditions: Conditions, keys: Mapping[str, Strings], *, deny: bool) -> bool:
    """Return whether every condition of a statement holds.

    Args:
        conditions: (operator, key, values).
        keys: The request's keys, in lower case.
        deny: Whether the statement denies.

    Raises:
        PolicyError: For an operator that IAM does not have.
    """
    return all(compiled(operator, key, values, deny=deny).holds(keys) for operator, key, values in conditions)


@lru_cache(maxsize=1024)
def parse_operator(operator: str) -> tuple[str, str, bool]:
    """Split an operator into its quantifier, its name in lower case, and IfExists.

    Raises:
        PolicyError: For an operator that IAM does not have.
    """
    quantifier, _, rest = operator.lower().rpartition(":")
    if_exists = rest.endswith("ifexists")
    name = rest[: -len("ifexists")] if if_exists else rest
    if quantifier not in {"", "foranyvalue", "forallvalues"} or (name not in OPERATORS and name != "null"):
        known = ", ".join(sorted(OPERATORS))
        raise PolicyError(f"condition operator {operator!r} is not known, expected Null or one of {known}")
    return quantifier, name, if_exists
