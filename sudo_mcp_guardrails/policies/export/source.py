"""Roles and policies of agents, as the exports write them."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.iam.documents import parse_document, resolve
from sudo_mcp_guardrails.policies.export.manifest import ExportError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_UNFIT: Final = re.compile(r"[^\w+=,.@-]")
"""What a name of a file has not; names of roles and policies are made of the others."""
_PSEUDO: Final = re.compile(r"\$\{AWS::(\w+)\}")


@dataclass(frozen=True)
class PolicySource:
    """A managed policy; strings may hold pseudo parameters that are known at deployment alone.

    Args:
        id: Its logical id.
        name: Its name; the stack and the logical id where the template leaves it to CloudFormation.
        path: Its path.
        arn: Its ARN.
        description: Its description.
        document: Its document, as IAM's JSON.
    """

    id: str
    name: str
    path: str
    arn: str
    description: str
    document: Mapping[str, Any]


@dataclass(frozen=True)
class RoleSource:
    """A role.

    Args:
        id: Its logical id.
        name: Its name.
        path: Its path.
        arn: Its ARN.
        description: Its description.
        agents: Whether it is an agent's own; others are there because these trust them.
        session_seconds: Of the longest session.
        trust: Its trust policy, as IAM's JSON.
        boundary: ARN of its permissions boundary; None without one.
        policies: ARNs of its managed policies.
        inline: Name and document of each inline policy.
        tags: Its tags.
    """

    id: str
    name: str
    path: str
    arn: str
    description: str
    agents: bool
    session_seconds: int
    trust: Mapping[str, Any]
    boundary: str | None
    policies: tuple[str, ...]
    inline: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def trusts(self) -> tuple[str, ...]:
        """ARNs that its trust policy lets in."""
        statements = (one for one in parse_document(self.trust).statements if one.effect == "Allow")
        return tuple(value for one in statements for kind, value in one.principals if kind == "AWS")


@dataclass(frozen=True)
class StackSource:
    """What one stack has of agents.

    Args:
        file: Its template, which is unique in an app; names are in an account and Region alone.
        name: Its name.
        values: What is known before deployment of ``Partition``, ``AccountId`` and ``Region``.
        policies: The managed policies, in order of their logical ids.
        roles: The roles, likewise.
        left_out: Other resources, as ``"Type logicalId"``.
        taken: Logical ids of all that the others are: roles, policies, and inline policies beside them.
    """

    file: str
    name: str
    values: Mapping[str, str]
    policies: tuple[PolicySource, ...]
    roles: tuple[RoleSource, ...]
    left_out: tuple[str, ...]
    taken: frozenset[str] = frozenset()


def folders(stacks: Sequence[StackSource]) -> dict[str, str]:
    """Return a folder for each stack, by its file: its name, with account and Region where several have that name."""
    names = Counter(safe(stack.name).casefold() for stack in stacks)
    return {
        stack.file: "-".join((safe(stack.name), *_place(stack)))
        if names[safe(stack.name).casefold()] > 1
        else safe(stack.name)
        for stack in stacks
    }


def safe(name: str) -> str:
    """Return a name as one part of a path: a stack in a stack has a slash in its name."""
    return _UNFIT.sub("-", name)


def _place(stack: StackSource) -> tuple[str, ...]:
    return tuple(stack.values[name] for name in ("AccountId", "Region") if name in stack.values)


def resolved(value: object, values: Mapping[str, str], place: str) -> Any:  # noqa: ANN401 - any JSON value
    """Return a JSON value with pseudo parameters replaced, all of them.

    Raises:
        ExportError: For one that is not known.
    """
    missing = sorted(set(_PSEUDO.findall(json.dumps(value))) - values.keys())
    if missing:
        options = {"Partition": "--partition", "AccountId": "--account", "Region": "--region"}
        ways = ", ".join(options.get(name, name) for name in missing)
        raise ExportError(
            f"{place} has {', '.join(f'AWS::{name}' for name in missing)}, which is not known: give {ways}"
        )
    return resolve(value, values)
