"""Decide one request against every layer of policy that AWS applies to it.

Source: IAM user guide, "Policy evaluation logic". The order: an explicit Deny anywhere decides; then each SCP
level, the resource policy, the identity policies, the permissions boundary and the session policies must allow,
with the exceptions that AWS documents for resource policies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.conditions import conditions_hold, match_pattern, substitute
from sudo_mcp_guardrails.iam.matching import action_matches, arn_matches

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
    from sudo_mcp_guardrails.iam.request import Request

ALWAYS_ALLOWED: Final = frozenset({"sts:getcalleridentity"})
"""Actions that need no permission and that no policy can deny (STS API reference, GetCallerIdentity)."""
OWN_POLICY_REQUIRED: Final = frozenset(
    {
        *("sts:assumerole", "sts:assumerolewithsaml", "sts:assumerolewithwebidentity"),
        *("sts:setsourceidentity", "sts:tagsession"),
    }
)
"""Actions whose resource's own policy must allow, in the same account too: the trust policy of a role.

Tags and SourceIdentity of a session need it as the session itself does.
Source: IAM user guide, "Pass session tags in AWS STS" and "Monitor and control actions taken with assumed roles".
"""


@dataclass(frozen=True)
class Layers:
    """The policies that apply to a request. A layer that is None does not exist, and so limits nothing.

    Args:
        identity: Policies attached to the principal; each may allow.
        boundary: The permissions boundary.
        session: Session policies given when the session was made; None without any.
        scps: Service control policies, level by level from the root to the account; each level must allow.
        resource: The policy of the resource: a bucket policy, or the trust policy of a role.
    """

    identity: tuple[PolicyDocument, ...] = ()
    boundary: PolicyDocument | None = None
    session: tuple[PolicyDocument, ...] | None = None
    scps: tuple[tuple[PolicyDocument, ...], ...] = ()
    resource: PolicyDocument | None = None


@dataclass(frozen=True)
class Decision:
    """What was decided, and by whom.

    Args:
        allowed: Whether the request goes through.
        explicit: True for an explicit Deny.
        statements: (layer, Sid) of all statements that decide: every Deny that matches, or every Allow. The
            layers are ``scp``, ``resource``, ``boundary``, ``session`` and ``identity``.
        missing: For an implicit denial, the layers in which nothing allows.
    """

    allowed: bool
    explicit: bool
    statements: tuple[tuple[str, str], ...] = ()
    missing: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Say it in words."""
        named = ", ".join(f"{layer}:{sid}" for layer, sid in self.statements)
        if self.explicit:
            return f"denied by {named}"
        if self.allowed:
            return f"allowed by {named}" if named else "allowed without permission"
        return f"not allowed by {', '.join(self.missing)}"


def evaluate(request: Request, layers: Layers) -> Decision:
    """Decide a request.

    Raises:
        PolicyError: Where a policy holds something that the evaluator does not know.
    """
    if request.action.lower() in ALWAYS_ALLOWED:
        return Decision(allowed=True, explicit=False)
    denied = _explicit_denies(request, layers)
    if denied:
        return Decision(allowed=False, explicit=True, statements=tuple(denied))
    missing = [
        f"scp level {level}" for level, policies in enumerate(layers.scps) if not _matching(request, policies, "Allow")
    ]
    by_resource = _matching(request, (layers.resource,), "Allow") if layers.resource else ()
    by_identity = _matching(request, layers.identity, "Allow")
    missing += _missing(request, layers, by_identity, by_resource)
    if missing:
        return Decision(allowed=False, explicit=False, missing=tuple(missing))
    allowing = [("identity", s.sid) for s in by_identity] + [("resource", s.sid) for s in by_resource]
    return Decision(allowed=True, explicit=False, statements=tuple(dict.fromkeys(allowing)))


def _missing(
    request: Request, layers: Layers, by_identity: tuple[Statement, ...], by_resource: tuple[Statement, ...]
) -> list[str]:
    """Return the layers below the SCPs in which an Allow is missing."""
    missing = []
    principal = request.principal
    same_account = principal.is_service or request.owner == principal.account
    own_policy = request.action.lower() in OWN_POLICY_REQUIRED
    if (own_policy or not same_account or principal.is_service) and not by_resource:
        missing.append("resource")
    # A statement that names the session (or the user) grants to it directly, past boundary and session policies;
    # one that names the role grants past the identity policies alone.
    # Source: "Policy evaluation logic", "Resource-based policies", and "Permissions boundaries for IAM entities".
    direct = same_account and any(_names_directly(s, request) for s in by_resource)
    named = same_account and any(_names_role(s, request) for s in by_resource)
    if principal.is_service:
        return missing
    if not by_identity and not (direct or named):
        missing.append("identity")
    if layers.boundary is not None and not direct and not _matching(request, (layers.boundary,), "Allow"):
        missing.append("boundary")
    if layers.session is not None and not direct and not _matching(request, layers.session, "Allow"):
        missing.append("session")
    return missing


def _explicit_denies(request: Request, layers: Layers) -> list[tuple[str, str]]:
    """Return (layer, sid) of every Deny that matches, outermost layer first."""
    groups: list[tuple[str, Iterable[PolicyDocument]]] = [
        ("scp", [policy for level in layers.scps for policy in level]),
        ("resource", [layers.resource] if layers.resource else []),
        ("boundary", [layers.boundary] if layers.boundary else []),
        ("session", layers.session or ()),
        ("identity", layers.identity),
    ]
    return [(name, s.sid) for name, policies in groups for s in _matching(request, policies, "Deny")]


def _matching(request: Request, policies: Iterable[PolicyDocument], effect: str) -> tuple[Statement, ...]:
    """Return the statements of an effect that apply to the request."""
    return tuple(s for policy in policies for s in policy.statements if s.effect == effect and applies(s, request))


def applies(statement: Statement, request: Request) -> bool:
    """Return whether a statement covers a request: action, resource, principal and every condition."""
    if statement.actions:
        named = any(action_matches(pattern, request.action) for pattern in statement.actions)
    else:
        named = not any(action_matches(pattern, request.action) for pattern in statement.not_actions)
    return (
        named
        and (not statement.resources or _covers(statement.resources, request))
        and not (statement.not_resources and _covers(statement.not_resources, request))
        and (not statement.principals or _is_any(statement.principals, request))
        and not (statement.not_principals and _is_any(statement.not_principals, request))
        and conditions_hold(statement.conditions, request.keys, deny=statement.effect == "Deny")
    )


def _covers(patterns: tuple[str, ...], request: Request) -> bool:
    """Return whether any resource pattern covers the request's resource."""
    resolved = (substitute(pattern, request.keys) for pattern in patterns)
    return any(pattern is not None and match_pattern(pattern, request.resource) for pattern in resolved)


def _is_any(principals: tuple[tuple[str, str], ...], request: Request) -> bool:
    """Return whether any principal of a resource policy stands for the caller."""
    return any(_is_principal(kind, value, request) for kind, value in principals)


def _is_principal(kind: str, value: str, request: Request) -> bool:
    """Return whether a principal of a resource policy stands for the caller."""
    principal = request.principal
    if value == "*":
        return kind in {"*", "AWS"}
    if kind == "Service" or principal.is_service:
        return kind == "Service" and value == principal.arn
    if kind != "AWS":
        return False
    if value in {principal.arn, principal.session_arn, principal.account}:
        return True
    return arn_matches(value, f"{':'.join(principal.arn.split(':')[:5])}:root") and value.endswith(":root")


def _names_directly(statement: Statement, request: Request) -> bool:
    """Return whether a resource policy names the session, or the user, itself; ``*`` names everybody.

    AWS does not say whether a boundary limits a grant to ``*``; the worse case for the defender is that it does not.
    """
    principal = request.principal
    own = principal.session_arn if principal.session is not None else principal.arn
    return any(value == "*" or (kind == "AWS" and value == own) for kind, value in statement.principals)


def _names_role(statement: Statement, request: Request) -> bool:
    """Return whether a resource policy names the role of the session."""
    return any(kind == "AWS" and value == request.principal.arn for kind, value in statement.principals)
