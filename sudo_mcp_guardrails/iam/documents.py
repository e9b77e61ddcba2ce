"""The IAM policy language as values: statements, documents, their JSON and their size."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Strings = tuple[str, ...]
Conditions = tuple[tuple[str, str, Strings], ...]
"""(operator, key, values) in order."""

MANAGED_POLICY_LIMIT: Final = 6144
"""Characters of a managed policy, white space not counted (IAM quotas page)."""
SCP_LIMIT: Final = 10_240
"""Characters of an SCP since 2026-05-15, all counted (Organizations quotas page)."""
TRUST_POLICY_LIMIT: Final = 2048
"""Characters of a trust policy by default (IAM quotas page)."""

_PLACEHOLDER: Final = re.compile(r"\$\{AWS::(Partition|AccountId|Region)\}")
_ELEMENTS: Final = {
    *("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource"),
    *("Principal", "NotPrincipal", "Condition"),
}


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
        if self.sid:
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
        return parse_document(resolve(self.to_dict(), values), name=self.name)

    def check_size(self, limit: int = MANAGED_POLICY_LIMIT) -> int:
        """Return the document's size in characters.

        Pseudo parameters are counted at their longest: ``aws-us-gov``, 12 digits, 14 characters of a Region.

        Raises:
            PolicySizeError: Where it is over the limit.
        """
        worst = {"Partition": "aws-us-gov", "AccountId": "0" * 12, "Region": "ap-southeast-1"}
        sizes = [(len(minified(resolve(s.to_dict(), worst))), s.sid) for s in self.statements]
        # The envelope, and a comma between two statements.
        size = len(minified({"Version": "2012-10-17", "Statement": []})) + sum(n for n, _ in sizes) + len(sizes) - 1
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
        document: ``{"Version": ..., "Statement": [...]}``.
        name: What decisions call it. Statements without Sid are called by their place, ``#0`` and so on.

    Raises:
        PolicyError: With the JSON path, for anything that is not understood; nothing is skipped.
    """
    if not isinstance(document, dict) or "Statement" not in document:
        raise PolicyError(f"{name}: expected an object with a Statement, got {type(document).__name__}")
    if document.get("Version", "2008-10-17") != "2012-10-17":
        raise PolicyError(f"{name}.Version: {document.get('Version')!r} is not supported, expected '2012-10-17'")
    statements = document["Statement"]
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list):
        raise PolicyError(f"{name}.Statement: expected a list, got {type(statements).__name__}")
    return PolicyDocument(
        name, tuple(_parse_statement(s, f"{name}.Statement[{i}]", i) for i, s in enumerate(statements))
    )


def _parse_statement(raw: object, place: str, index: int) -> Statement:
    """Read one statement."""
    if not isinstance(raw, dict):
        raise PolicyError(f"{place}: expected an object, got {type(raw).__name__}")
    unknown = set(raw) - _ELEMENTS
    if unknown:
        raise PolicyError(f"{place}: unknown element {min(unknown)!r}, expected some of {', '.join(sorted(_ELEMENTS))}")
    if not isinstance(raw.get("Effect"), str) or raw["Effect"] not in {"Allow", "Deny"}:
        raise PolicyError(f"{place}.Effect: {raw.get('Effect')!r} is not allowed, expected 'Allow' or 'Deny'")
    if ("Action" in raw) == ("NotAction" in raw):
        raise PolicyError(f"{place}: expected one of Action and NotAction")
    if "Resource" in raw and "NotResource" in raw:
        raise PolicyError(f"{place}: expected only one of Resource and NotResource")
    if not raw.keys() & {"Resource", "NotResource", "Principal", "NotPrincipal"}:
        raise PolicyError(f"{place}: expected one of Resource and NotResource, or a Principal")
    return Statement(
        sid=str(raw.get("Sid") or f"#{index}"),
        effect=raw["Effect"],
        actions=_values(raw.get("Action", ()), f"{place}.Action"),
        not_actions=_values(raw.get("NotAction", ()), f"{place}.NotAction"),
        resources=_values(raw.get("Resource", ()), f"{place}.Resource"),
        not_resources=_values(raw.get("NotResource", ()), f"{place}.NotResource"),
        principals=_parse_principals(raw.get("Principal"), f"{place}.Principal"),
        not_principals=_parse_principals(raw.get("NotPrincipal"), f"{place}.NotPrincipal"),
        conditions=_parse_conditions(raw.get("Condition", {}), f"{place}.Condition"),
    )


def _parse_principals(raw: object, place: str) -> tuple[tuple[str, str], ...]:
    """Read a Principal element into (type, value) pairs."""
    if raw is None:
        return ()
    if raw == "*":
        return (("*", "*"),)
    if not isinstance(raw, dict) or not raw:
        raise PolicyError(f"{place}: expected '*' or an object, got {raw!r}")
    return tuple((kind, value) for kind, values in raw.items() for value in _values(values, f"{place}.{kind}"))


def _parse_conditions(raw: object, place: str) -> Conditions:
    """Read a Condition element."""
    if not isinstance(raw, dict):
        raise PolicyError(f"{place}: expected an object, got {type(raw).__name__}")
    out = []
    for operator, keys in raw.items():
        if not isinstance(keys, dict):
            raise PolicyError(f"{place}.{operator}: expected an object, got {type(keys).__name__}")
        out += [(operator, key, _values(values, f"{place}.{operator}.{key}")) for key, values in keys.items()]
    return tuple(out)


def _values(raw: object, place: str) -> Strings:
    """Read a string, number or boolean, or a list of these, as strings."""
    if raw == []:
        # An empty list restricts nothing, and read as such it would turn a statement into its opposite.
        raise PolicyError(f"{place}: expected at least one value, got an empty list")
    items: Iterable[object] = raw if isinstance(raw, (list, tuple)) else (raw,)
    out = []
    for item in items:
        if isinstance(item, bool):
            out.append("true" if item else "false")
        elif isinstance(item, (str, int, float)):
            out.append(str(item))
        else:
            raise PolicyError(f"{place}: expected a string, got {type(item).__name__}")
    return tuple(out)


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
