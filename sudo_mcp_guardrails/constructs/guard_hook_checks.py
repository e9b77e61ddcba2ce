"""What a hook is checked for before it is made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

import aws_cdk as cdk

from sudo_mcp_guardrails.policies.hooks import HookRuleError

if TYPE_CHECKING:
    from constructs import Construct, IConstruct

_LAST_PORT: Final = 65535
_ALIASES: Final[WeakKeyDictionary[IConstruct, dict[tuple[str, str], str]]] = WeakKeyDictionary()
"""Of each app: path of a hook by its place and alias."""


def claim_alias(hook: Construct, alias: str) -> None:
    """Note that a hook has an alias, raises HookRuleError where another of the place has it."""
    stack = cdk.Stack.of(hook)
    # What two stacks leave open need not be the same place; a stack that does still meets itself.
    is_open = cdk.Token.is_unresolved(stack.account) or cdk.Token.is_unresolved(stack.region)
    place = f"account {stack.account} and Region {stack.region}"
    if is_open:
        place = f"account and Region of {stack.node.path!r}"
    other = _ALIASES.setdefault(hook.node.root, {}).setdefault((place, alias), hook.node.path)
    if other != hook.node.path:
        raise HookRuleError(
            f"hook alias {alias!r} of {hook.node.path!r} is taken by {other!r} in {place}, expected one that is unique "
            "there: give one of them another alias"
        )


def check_options(tags: object, ports: object) -> None:
    """Check types, which a port or tag of another one would slip through as text of a rule; raises HookRuleError."""
    if isinstance(tags, str) or not isinstance(tags, Sequence):
        raise HookRuleError(f"required_tags {tags!r} are not allowed, expected a list of keys")
    for tag in tags:
        if not isinstance(tag, str):
            raise HookRuleError(f"tag {tag!r} of required_tags is not allowed, expected text")
    if isinstance(ports, str) or not isinstance(ports, Sequence):
        raise HookRuleError(f"open_ports {ports!r} are not allowed, expected a list of whole numbers")
    for port in ports:
        # True is a number to Python, and 1 of open_ports to nobody.
        if not isinstance(port, int) or isinstance(port, bool) or not 0 <= port <= _LAST_PORT:
            raise HookRuleError(
                f"port {port!r} of open_ports is not allowed, expected a whole number of 0 to {_LAST_PORT}"
            )
