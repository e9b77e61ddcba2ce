"""The IAM policy language as values: statements, documents, their JSON and their size."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    from collections.abc import Mapping

Strings = tuple[str, ...]
Conditions = tuple[tuple[str, str, Strings], ...]
"""(operator, key, values) in order."""

MANAGED_POLICY_LIMIT: Final = 6144
"""Characters of a managed policy, white space not counted (IAM quotas page)."""
SCP_LIMIT: Final = 10_240
"""Characters of an SCP since 2026-05-15, all counted (Organizations quotas page)."""
TRUST_POLICY_LIMIT: Final = 2048
"""Characters of a trust policy by default (IAM quotas page)."""

_PLACED: Final = re.compile(r"#\d+")
"""What the parser calls a statement that has no Sid."""
_PLACEHOLDER: Final = re.compile(r"\$\{AWS::(Partition|AccountId|Region)\}")
_LONGEST: Final = {"Partition": "aws-us-gov", "AccountId": "0" * 12, "Region": "ap-southeast-1"}


class PolicyError(GuardrailsError):
    """A policy document is malformed; the message has the JSON path, the value and what is allowed."""


class PolicySizeError(PolicyError):
    """A policy document is over its size limit; the message has the size, the limit and the largest statements."""


@dataclass(frozen=True)
class Statement:
    """One statement. Exactly one of actions and not_actions is given; likewise for resources.

    Args:
        sid: Letters and digits, unique in the library, so that a decision can name its guardrail.
        effect: ``"Allow"`` or ``"Deny"``.
        actions: ``service:Action`` patterns.
        not_actions: The complement of these.
        resources: ARN patterns. Empty in trust policies.
        not_resources: The complement of these.
        principals: (type, value) pairs, as ("AWS", arn), for resource and trust policies.
        not_principals: The complement of these.
        conditions: (operator, key, values), all of which must hold.
        reason: Why the statement is there; not rendered, but shown in reports and used as the reason where a
            rule pack asks for one.
    """

    sid: str
    effect: str
    actions: Strings = ()
    not_actions: Strings = ()
    resources: Strings = ()
    not_resources: Strings = ()
    principals: tuple[tuple[str, str], ...] = ()
    not_principals: tuple[tuple[str, str], ...] = ()
    conditions: Conditions = ()
    reason: str = field(default="", compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Return the statement as IAM's JSON, with single values unwrapped and lists in the order given."""
        out: dict[str, Any] = {}
        if self.sid and not _PLACED.fullmatch(self.sid):
            out["Sid"] = self.sid
        out["Effect"] = self.effect
        for element, pairs in (("Principal", self.principals), ("NotPrincipal", self.not_principals)):
            if pairs:
                out[element] = _principal_json(pairs)
        for element, values in (
            ("Action", self.actions),
            ("NotAction", self.not_actions),
            ("Resource", self.resources),
            ("NotResource", self.not_resources),
        ):
            if values:
                out[element] = _unwrap(values)
        if self.conditions:
            condition: dict[str, dict[str, Any]] = {}
            for operator, key, values in self.conditions:
                if key in condition.setdefault(operator, {}):
                    raise PolicyError(f"statement {self.sid!r} has two conditions {operator} on {key!r}, expected one")
                condition[operator][key] = _unwrap(values)
            out["Condition"] = condition
        return out

    def size(self) -> int:
        """Return the characters of the statement's minified JSON.

        Pseudo parameters are counted at their longest: ``aws-us-gov``, 12 digits, 14 characters of a Region.
        """
        return len(minified(resolve(self.to_dict(), _LONGEST)))

    def resolve(self, values: Mapping[str, str]) -> Statement:
        """Return the statement with CloudFormation's pseudo parameters replaced, as in a document's ``resolve``."""
        return replace(
            self,
            resources=_resolved(self.resources, values),
            not_resources=_resolved(self.not_resources, values),
            principals=tuple((kind, resolve(value, values)) for kind, value in self.principals),
            not_principals=tuple((kind, resolve(value, values)) for kind, value in self.not_principals),
            conditions=tuple(
                (name, resolve(key, values), _resolved(wanted, values)) for name, key, wanted in self.conditions
            ),
        )


@dataclass(frozen=True)
class PolicyDocument:
    """A policy document.

    Args:
        name: What it is called in reports and in decisions, such as ``"boundary"``.
        statements: The statements in order.
    """

    name: str
    statements: tuple[Statement, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the document as IAM's JSON."""
        return {"Version": "2012-10-17", "Statement": [statement.to_dict() for statement in self.statements]}

    def to_json(self) -> str:
        """Return the document as minified JSON."""
        return minified(self.to_dict())

    def without(self, sid: str) -> PolicyDocument:
        """Return the document without one statement, for mutation tests."""
        return PolicyDocument(self.name, tuple(s for s in self.statements if s.sid != sid))

    def resolve(self, values: Mapping[str, str]) -> PolicyDocument:
        """Return the document with CloudFormation's pseudo parameters replaced.

        Args:
            values: ``{"Partition": "aws", "AccountId": "111111111111", "Region": "eu-central-1"}``.
        """
        return PolicyDocument(self.name, tuple(statement.resolve(values) for statement in self.statements))

    def check_size(self, limit: int = MANAGED_POLICY_LIMIT) -> int:
        """Return the document's size in characters, as :meth:`Statement.size` counts.

        Raises:
            PolicySizeError: Where it is over the limit.
        """
        sizes = [(statement.size(), statement.sid) for statement in self.statements]
        # A comma stands between two statements.
        size = ENVELOPE + sum(n for n, _ in sizes) + max(len(sizes) - 1, 0)
        if size > limit:
            largest = ", ".join(f"{sid} {n}" for n, sid in sorted(sizes, reverse=True)[:3])
            raise PolicySizeError(
                f"policy {self.name!r} has {size} characters, {size - limit} over the limit of {limit}; "
                f"its largest statements are {largest}: name fewer services, environments or explicit resources"
            )
        return size


def parse_document(document: Mapping[str, Any], *, name: str = "policy") -> PolicyDocument:
    """Read IAM's JSON, as it comes from a template or a file.

    Args:
        document: ``{"Version": ..., "Statement": [...]}``. In a document of the old language version, which is
            also that of a document without one, ``${`` is plain text; it is kept as ``${$}{``, so that the values
            returned mean the same in the current version: replace pseudo parameters before.
        name: What decisions call it. A statement without Sid is called by its place, ``#0`` and so on, and one
            whose Sid an earlier one has already gets its place added, ``Sid#3``.

    Raises:
        PolicyError: With the JSON path, for anything that is not understood, or over
            :data:`~sudo_mcp_guardrails.iam.reading.MAX_CHARACTERS` or
            :data:`~sudo_mcp_guardrails.iam.parsing.MAX_STATEMENTS`; nothing is skipped.
    """
    from sudo_mcp_guardrails.iam import parsing  # noqa: PLC0415 - the parser makes the values above

    return PolicyDocument(name, parsing.read_statements(document, name))


def parse_json(text: str | bytes, *, name: str = "policy") -> PolicyDocument:
    """Read IAM's JSON as text: :func:`parse_document`, and what only the text shows.

    Args:
        text: The JSON; bytes are UTF-8, with or without a byte order mark.
        name: As for :func:`parse_document`.

    Raises:
        PolicyError: Also for text that is no JSON, an element that is given twice, ``NaN`` and ``Infinity``.
    """
    from sudo_mcp_guardrails.iam import parsing, reading  # noqa: PLC0415 - as above

    return PolicyDocument(name, parsing.read_statements(reading.load(text, name), name))


def resolve(value: Any, values: Mapping[str, str]) -> Any:  # noqa: ANN401 - walks any JSON value
    """Replace ``${AWS::Partition}``, ``${AWS::AccountId}`` and ``${AWS::Region}`` in every string of a JSON value."""
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda m: values[m[1]], value)
    if isinstance(value, list):
        return [resolve(item, values) for item in value]
    if isinstance(value, dict):
        return {resolve(key, values): resolve(item, values) for key, item in value.items()}
    return value


def minified(value: object) -> str:
    """Return JSON without white space."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


ENVELOPE: Final = len(minified({"Version": "2012-10-17", "Statement": []}))
"""Characters of a document without its statements."""


def _resolved(patterns: Strings, values: Mapping[str, str]) -> Strings:
    """Replace pseudo parameters in each of several strings."""
    return tuple(resolve(pattern, values) for pattern in patterns)


def _unwrap(values: Strings) -> str | list[str]:
    """Return a single value bare, as AWS does."""
    return values[0] if len(values) == 1 else list(values)


def _principal_json(pairs: tuple[tuple[str, str], ...]) -> str | dict[str, Any]:
    """Return (type, value) pairs as a Principal element."""
    if pairs == (("*", "*"),):
        return "*"
    out: dict[str, list[str]] = {}
    for kind, value in pairs:
        out.setdefault(kind, []).append(value)
    return {kind: _unwrap(tuple(values)) for kind, values in out.items()}
