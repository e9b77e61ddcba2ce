"""Whom the Principal and NotPrincipal elements of a resource policy stand for.

Source: IAM user guide, "AWS JSON policy elements: Principal" and "… NotPrincipal".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.documents import Statement
    from sudo_mcp_guardrails.iam.request import Principal

Pairs = tuple[tuple[str, str], ...]

EVERYBODY = "a resource policy that names everybody is taken to name the session itself, and AWS does not say so"


def stands_for(principals: Pairs, caller: Principal) -> bool:
    """Return whether any principal of a resource policy stands for the caller."""
    return any(_stands_for(kind, value, caller) for kind, value in principals)


def excepts(principals: Pairs, caller: Principal, *, bounded: bool) -> bool:
    """Return whether a NotPrincipal element of a Deny leaves the caller out.

    A caller with a permissions boundary is never left out. An account stands for itself alone and not for its
    users and roles, and a role not for its sessions; but AWS asks to list all three, so that either counts here.

    Args:
        principals: The element's (type, value) pairs.
        caller: Who calls.
        bounded: Whether the caller has a permissions boundary.
    """
    return not bounded and stands_for(principals, caller)


def _stands_for(kind: str, value: str, caller: Principal) -> bool:
    if value == "*":
        return kind in {"*", "AWS"}
    if kind == "Service" or caller.is_service:
        return kind == "Service" and value == caller.arn
    if kind != "AWS":
        return False
    if value in {caller.arn, caller.session_arn, caller.account}:
        return True
    partition, account = caller.arn.split(":")[1], caller.account
    return value in {f"arn:{partition}:iam::{account}:root", f"arn:*:iam::{account}:root"}


def names_directly(statement: Statement, caller: Principal) -> bool:
    """Return whether a resource policy names the session, or the user, itself; ``*`` names everybody.

    AWS does not say whether a boundary limits a grant to ``*``; the worse case for the defender is that it does not.
    """
    own = caller.session_arn if caller.session is not None else caller.arn
    return any(value == "*" or (kind == "AWS" and value == own) for kind, value in statement.principals)


def names_everybody(statement: Statement) -> bool:
    """Return whether a resource policy names everybody."""
    return any(value == "*" for _, value in statement.principals)


def names_role(statement: Statement, caller: Principal) -> bool:
    """Return whether a resource policy names the role of the session."""
    return any(kind == "AWS" and value == caller.arn for kind, value in statement.principals)
