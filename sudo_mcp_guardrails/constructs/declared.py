"""The agents that were made in Python, so that a template which no longer declares one does not pass."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import aws_cdk as cdk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_cdk import aws_iam as iam

_MADE: Final[WeakKeyDictionary[cdk.Stack, dict[str, Any]]] = WeakKeyDictionary()
"""What was declared in each stack: the value by its key in the template's ``Metadata``."""
_ARNS: Final[WeakKeyDictionary[iam.IRole, tuple[cdk.Stack, str]]] = WeakKeyDictionary()
"""The last stack that a broker's ARN was written for: one broker serves hundreds of agents."""
_TOKENS: Final[WeakKeyDictionary[iam.IRole, str]] = WeakKeyDictionary()
"""The ARN of each broker, as the CDK's token."""


def note_declaration(stack: cdk.Stack, key: str, value: dict[str, Any]) -> None:
    """Write a declaration into a stack's template, and remember it."""
    stack.add_metadata(key, value)
    _MADE.setdefault(stack, {})[key] = value


def declared_in(app: cdk.App) -> Iterator[tuple[str, str, Any]]:
    """Yield (template file, key, value) of all that was declared in an app's stacks."""
    for stack, declared in list(_MADE.items()):
        if stack.node.root is app:
            file = stack.template_file
            yield from ((file, key, value) for key, value in declared.items())


def arn_of(role: iam.IRole) -> str:
    """Return a role's ARN; asked of Node once, since one broker serves hundreds of agents."""
    if role not in _TOKENS:
        _TOKENS[role] = role.role_arn
    return _TOKENS[role]


def written_arn(stack: cdk.Stack, role: iam.IRole) -> str:
    """Return a role's ARN for a declaration in a stack: JSON as text, in which CloudFormation replaces nothing.

    ``{"in": FILE, "arn": VALUE}``: the value as it stands in the template of that name, in the stack's own one
    where the name is empty.
    """
    known, text = _ARNS.get(role, (None, ""))
    if known is not stack:
        value, home = stack.resolve(arn_of(role)), cdk.Stack.of(role)
        text = json.dumps({"in": "" if home is stack else home.template_file, "arn": value}, sort_keys=True)
        _ARNS[role] = (stack, text)
    return text
