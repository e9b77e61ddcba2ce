"""The prover's question as a formula: is there any request that a stack of policies allows? Answered by z3.

An encoding of its own: it shares with the prover the policy documents, the action catalogue and the ARN formats'
rules, and neither patterns, classes, masks nor search. It has words for strings, ARNs, booleans, numbers and
absence, for one action, and for the layers identity, boundary, session and SCPs without a resource policy.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import z3

from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.iam.catalogue import resource_arns, service_actions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
    from sudo_mcp_guardrails.iam.evaluate import Layers
    from sudo_mcp_guardrails.iam.request import Principal

Formula = Any
"""A z3 expression; z3 has no types."""

TIMEOUT_MS: Final = 20_000
_FREE: Final = ("aws:securetransport", "aws:viaawsmcpservice")
"""Keys that the sender of a request decides on, though an ordinary request has a usual value."""
_COMPARISONS: Final = {
    "numericequals": lambda a, b: a == b,
    "numericlessthan": lambda a, b: a < b,
    "numericlessthanequals": lambda a, b: a <= b,
    "numericgreaterthan": lambda a, b: a > b,
    "numericgreaterthanequals": lambda a, b: a >= b,
}


class EncodingError(GuardrailsError):
    """A policy holds something that the encoding has no words for."""


def _char(but: str = "") -> Formula:
    """Return any one printable character, but for some; ranges are what z3 is quick with."""
    ends = [" ", *sorted(but), "~"]
    spans = [
        (chr(ord(low) + (place > 0)), chr(ord(high) - (place < len(ends) - 2)))
        for place, (low, high) in enumerate(pairwise(ends))
    ]
    ranges = [z3.Range(low, high) for low, high in spans if low <= high]
    return z3.Union(*ranges) if len(ranges) > 1 else ranges[0]


def _concat(parts: Sequence[Formula]) -> Formula:
    return z3.Concat(*parts) if len(parts) > 1 else parts[0] if parts else z3.Re("")


def _either_case(char: str) -> Formula:
    return z3.Union(z3.Re(char.lower()), z3.Re(char.upper())) if char.isalpha() else z3.Re(char)


def _regex(pattern: str, *, within: str = "") -> Formula:
    """Return the expression of a pattern with ``*`` and ``?``; ``within`` is a character that these do not match."""
    char = _char(within)
    parts = []
    for piece in re.findall(r"[*?]|[^*?]+", pattern):
        if piece == "*":
            parts.append(z3.Star(char))
        elif piece == "?":
            parts.append(char)
        else:
            parts.append(z3.Re(piece))
    return _concat(parts)


def _arn_regex(pattern: str) -> Formula:
    """Return the expression of an ARN as ArnLike reads it: six parts, and only the last may hold a colon."""
    parts = pattern.split(":", 5)
    if len(parts) < 6:  # noqa: PLR2004 - the parts of an ARN
        raise EncodingError(f"ARN pattern {pattern!r} is not encoded, expected six parts")
    expressions = [_regex(part, within=":") for part in parts[:5]]
    joined = [e for expression in expressions for e in (expression, z3.Re(":"))]
    return _concat([*joined, _regex(parts[5])])


def _any(expressions: Sequence[Formula]) -> Formula:
    """Return the union, since z3 is much quicker with one membership than with a choice of several.

    A string that nothing printable is keeps z3 from making an equation of a lone literal, with the negation of
    which it may not end.
    """
    return z3.Union(*expressions, z3.Re("\x01"))


_EXPRESSIONS: Final[dict[str, Callable[[str], Formula]]] = {
    "arnequals": _arn_regex,
    "arnlike": _arn_regex,
    "bool": z3.Re,
    "stringequals": z3.Re,
    "stringequalsignorecase": lambda wanted: _concat([_either_case(char) for char in wanted]),
    "stringlike": _regex,
}


class Encoding:
    """One action through one stack.

    Args:
        action: ``"service:Action"``.
        principal: Who calls.
        layers: Identity, boundary, session and SCPs.

    Raises:
        EncodingError: For what it has no words for.
    """

    def __init__(self, action: str, principal: Principal, layers: Layers) -> None:
        self._action = action
        free = _FREE if principal.mfa_age is not None else (*_FREE, "aws:multifactorauth")
        self._known: Mapping[str, tuple[str, ...]] = {
            key: values for key, values in principal.keys.items() if not key.startswith(free)
        }
        self._resource = z3.String("resource")
        self._account = principal.account
        self._layers = layers
        self._constraints: dict[str, Formula] = {"resource": self._universe()}
        if layers.resource is not None:
            raise EncodingError("a resource policy is not encoded")

    def allowed(self) -> bool | None:
        """Return whether any request is allowed; None where z3 does not know in time."""
        layers = self._layers
        levels: list[Sequence[PolicyDocument]] = [layers.identity, *layers.scps]
        levels += [(layers.boundary,)] if layers.boundary is not None else []
        levels += [layers.session] if layers.session is not None else []
        allows = [z3.Or([self._applies(s) for s in _statements(level, "Allow")] or [False]) for level in levels]
        denies = [z3.Not(self._applies(s)) for level in levels for s in _statements(level, "Deny")]
        solver = z3.Solver()
        solver.set("timeout", TIMEOUT_MS)
        solver.add(*allows, *denies)
        solver.add(*self._constraints.values())  # last: what the statements mention is known now
        answer = solver.check()
        return None if answer == z3.unknown else answer == z3.sat

    def _universe(self) -> Formula:
        """Return that the resource is one of the caller's account that the action can be about."""
        service = self._action.split(":")[0]
        types = service_actions(service)[self._action].resources
        if not types:
            return self._resource == "*"
        formats = resource_arns(service)
        return z3.And(
            z3.InRe(self._resource, z3.Star(_char())),
            z3.InRe(self._resource, _any([self._format(formats[name]) for name in types if name in formats])),
        )

    def _format(self, arn: str) -> Formula:
        """Return one format: of the caller's account, or of nobody's, as AWS writes what it owns.

        No variable holds a colon but names of S3 objects and paths of IAM at the end, and the qualifier of a function.
        """
        fixed = {"Partition": z3.Re("aws"), "Account": _any([z3.Re(a) for a in (self._account, "", "aws")])}
        segment = ("Region", "BucketName", "TableName")
        parts = []
        for piece in re.findall(r"\$\{\w+\}|[^$]+", arn):
            name = piece[2:-1]
            if not piece.startswith("${"):
                parts.append(_regex(piece))
            elif name in fixed:
                parts.append(fixed[name])
            elif name in segment:
                parts.append(z3.Plus(_char(":/")))
            elif name == "FunctionName":
                qualifier = z3.Concat(z3.Re(":"), z3.Plus(_char(":")))
                parts.append(z3.Concat(z3.Plus(_char(":")), z3.Option(qualifier)))
            else:
                anything = arn.endswith(piece) and (name == "ObjectName" or name.endswith("WithPath"))
                parts.append(z3.Plus(_char("" if anything else ":")))
        return _concat(parts)

    def _applies(self, statement: Statement) -> Formula:
        """Return that a statement applies."""
        names = statement.actions or statement.not_actions
        named = any(re.fullmatch(_expression(name), self._action, re.IGNORECASE) for name in names)
        if named is not bool(statement.actions):
            return z3.BoolVal(False)  # noqa: FBT003 - z3's signature
        parts = [self._condition(*condition) for condition in statement.conditions]
        if statement.resources:
            parts.append(self._is_one_of(statement.resources))
        if statement.not_resources:
            parts.append(z3.Not(self._is_one_of(statement.not_resources)))
        return z3.And(parts)

    def _is_one_of(self, patterns: Sequence[str]) -> Formula:
        """Return that the resource matches one of some patterns."""
        if "*" in patterns:
            return z3.BoolVal(True)  # noqa: FBT003 - z3's signature
        return z3.InRe(self._resource, _any([_regex(_full(pattern)) for pattern in patterns]))

    def _condition(self, operator: str, name: str, wanted: tuple[str, ...]) -> Formula:
        """Return that a condition holds."""
        key, test = name.lower(), operator.lower()
        if ":" in test or any("${" in w for w in wanted):
            raise EncodingError(
                f"condition {operator} on {name} is not encoded, expected no quantifier and no variable"
            )
        present = z3.BoolVal(bool(self._known[key])) if key in self._known else z3.Bool(f"{key} is there")
        if test == "null":
            return z3.Not(present) if wanted[0] == "true" else present
        if_exists = test.endswith("ifexists")
        test = test.removesuffix("ifexists")
        negated = "not" in test
        hit = self._compare(key, test.replace("not", ""), wanted)
        if if_exists or negated:
            return z3.Or(z3.Not(present), z3.Not(hit) if negated else hit)
        return z3.And(present, hit)

    def _compare(self, key: str, test: str, wanted: tuple[str, ...]) -> Formula:
        """Return that the key's value compares with one of a policy's values."""
        if test in _COMPARISONS:
            number = z3.RealVal(self._known[key][0]) if key in self._known else z3.Real(f"{key} as a number")
            return z3.Or([_COMPARISONS[test](number, z3.RealVal(value)) for value in wanted])
        if test not in _EXPRESSIONS:
            raise EncodingError(f"condition operator {test!r} is not encoded, expected {', '.join(_EXPRESSIONS)}")
        text = z3.StringVal(self._known[key][0]) if key in self._known else z3.String(key)
        if key not in self._known:
            # Values are printable, as the characters are that wildcards stand for; those of booleans are two.
            values = z3.Union(z3.Re("true"), z3.Re("false")) if test == "bool" else z3.Star(_char())
            self._constraints[key] = z3.InRe(text, values)
        return z3.InRe(text, _any([_EXPRESSIONS[test](value) for value in wanted]))


def _statements(policies: Iterable[PolicyDocument], effect: str) -> list[Statement]:
    return [s for policy in policies for s in policy.statements if s.effect == effect]


def _expression(pattern: str) -> str:
    """Return an action pattern as a regular expression."""
    if pattern == "*:*":
        return ".*"
    return "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern)


def _full(pattern: str) -> str:
    """Return a shortened ARN with the parts that AWS takes for ``*``."""
    return pattern + ":*" * (5 - pattern.count(":")) if pattern.startswith("arn:") else pattern
