"""Whom the Principal and NotPrincipal elements of a resource policy stand for.

Source: IAM user guide, "AWS JSON policy elements: Principal" and "… NotPrincipal".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.documents import Statement
    from sudo_mcp_guardrails.iam.request import Principal

Pairs = tuple[tuple[str, str], ...]

CANONICAL_USER = "CanonicalUser"
EVERYBODY = "a resource policy that names everybody is taken to name the session itself, and AWS does not say so"
CANONICAL = "a canonical user ID is taken to be that of the caller's account where that allows more"
"""S3 alone has such principals; nothing in a request tells whose account an ID stands for."""


def stands_for(principals: Pairs, caller: Principal, *, canonical: bool) -> bool:
    """Return whether any principal of a resource policy stands for the caller.

    Args:
        principals: The element's (type, value) pairs.
        caller: Who calls.
        canonical: Whether canonical user IDs are taken to stand for the caller's account: the worse for the defender
            where that allows more.
    """
    return any(_stands_for(kind, value, caller, canonical=canonical) for kind, value in principals)


def excepts(principals: Pairs, caller: Principal, *, bounded: bool) -> bool:
    """Return whether a NotPrincipal element of a Deny leaves the caller out.

    A caller with a permissions boundary is never left out. An account stands for itself alone and not for its
    users and roles, and a role not for its sessions; but AWS asks to list all three, so that either counts here.

    Args:
        principals: The element's (type, value) pairs.
        caller: Who calls.
        bounded: Whether the caller has a permissions boundary.
    """
    return not bounded and stands_for(principals, caller, canonical=True)


def _stands_for(kind: str, value: str, caller: Principal, *, canonical: bool) -> bool:
    if value == "*":
        return kind in {"*", "AWS"}
    if kind == "Service" or caller.is_service:
        return kind == "Service" and value == caller.arn
    if kind == CANONICAL_USER:
        return canonical
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
