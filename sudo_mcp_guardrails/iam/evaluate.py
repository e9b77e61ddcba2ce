"""Decide one request against every layer of policy that AWS applies to it.

Source: IAM user guide, "Policy evaluation logic". The order: an explicit Deny anywhere decides; then each level of
SCPs and RCPs, the VPC endpoint's policy, every scope-down policy, the resource policy, the identity policies, the
permissions boundary and the session policies must allow, with the exceptions that AWS documents for resource
policies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.layers import Layers
from sudo_mcp_guardrails.iam.principals import EVERYBODY, names_directly, names_everybody, names_role
from sudo_mcp_guardrails.iam.rcp import supports_rcps

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sudo_mcp_guardrails.iam.compiled import CompiledLayer, CompiledStatement
    from sudo_mcp_guardrails.iam.layers import CompiledLayers
    from sudo_mcp_guardrails.iam.request import Request

__all__ = ["ALWAYS_ALLOWED", "KEY_POLICY_UNKNOWN", "OWN_POLICY_REQUIRED", "Decision", "Layers", "evaluate"]

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
KEY_POLICY_UNKNOWN: Final = "the key's own policy is not given, and is taken to leave the decision to the account"

_KEYS: Final = ("key/", "alias/")


@dataclass(frozen=True)
class Decision:
    """What was decided, and by whom.

    Args:
        allowed: Whether the request goes through.
        explicit: True for an explicit Deny.
        statements: (layer, Sid) of all statements that decide: every Deny that matches, or every Allow of the
            identity and resource policies. The layers are ``scp``, ``rcp``, ``vpc-endpoint``, ``resource``,
            ``boundary``, ``session``, ``scope-down`` and ``identity``.
        missing: For an implicit denial, the layers in which nothing allows and something would have to.
        assumptions: Where AWS's behaviour is not established, what was assumed: the worst for the defender.
    """

    allowed: bool
    explicit: bool
    statements: tuple[tuple[str, str], ...] = ()
    missing: tuple[str, ...] = ()
    assumptions: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Say it in words."""
        named = ", ".join(f"{layer}:{sid}" for layer, sid in self.statements)
        if self.explicit:
            words = f"denied by {named}"
        elif self.allowed:
            words = f"allowed by {named}" if named else "allowed without permission"
        else:
            words = f"not allowed by {', '.join(self.missing)}"
        return f"{words}, assuming that {'; '.join(self.assumptions)}" if self.assumptions else words


def evaluate(request: Request, layers: Layers) -> Decision:
    """Decide a request.

    Raises:
        PolicyError: Where a policy holds something that the evaluator does not know.
    """
    action = request.action.lower()
    if action in ALWAYS_ALLOWED:
        return Decision(allowed=True, explicit=False)
    policies = layers.compiled
    needed, denying = _applying(request, action, policies)
    denied = [
        (layer.name, statement.sid)
        for layer in denying
        for statement in layer.about(action)[1]
        if statement.applies(request)
    ]
    if denied:
        return Decision(allowed=False, explicit=True, statements=tuple(denied))
    missing = [layer.missing for layer in needed if not _allows(layer, action, request)]
    by_resource = _allowing(policies.resource, action, request)
    by_identity = _allowing(policies.identity, action, request)
    assumptions = _doubts(request, denying, action) if policies.doubtful or request.several else []
    missing += _missing(request, action, policies, by_identity, by_resource, assumptions)
    if missing:
        return Decision(False, False, missing=tuple(missing), assumptions=tuple(assumptions))  # noqa: FBT003
    allowing = dict.fromkeys([("identity", s.sid) for s in by_identity] + [("resource", s.sid) for s in by_resource])
    return Decision(True, False, tuple(allowing), assumptions=tuple(assumptions))  # noqa: FBT003


def _applying(
    request: Request, action: str, policies: CompiledLayers
) -> tuple[Sequence[CompiledLayer], Sequence[CompiledLayer]]:
    """Return the layers that must allow whatever a resource policy grants, and all layers whose Deny counts."""
    principal = request.principal
    outer: list[CompiledLayer] = []
    if not principal.is_service_linked:
        if not principal.is_service:
            outer += policies.scps
        if policies.rcps and supports_rcps(action):
            outer += policies.rcps
    if policies.vpc_endpoint is not None:
        outer.append(policies.vpc_endpoint)
    inner = [layer for layer in (policies.resource,) if layer is not None]
    if principal.is_service:
        return outer, outer + inner
    inner += [layer for layer in (policies.boundary, policies.session) if layer is not None]
    return [*outer, *policies.scope_down], [*outer, *inner, *policies.scope_down, policies.identity]


def _missing(  # noqa: PLR0917 - what one decision rests on
    request: Request,
    action: str,
    policies: CompiledLayers,
    by_identity: Sequence[CompiledStatement],
    by_resource: Sequence[CompiledStatement],
    assumptions: list[str],
) -> list[str]:
    """Return the layers of the principal and of the resource in which an Allow is missing."""
    missing = []
    principal = request.principal
    same_account = principal.is_service or request.owner == principal.account
    own_policy = action in OWN_POLICY_REQUIRED
    if action.startswith("kms:") and same_account and _is_key(request.resource):
        # Source: KMS developer guide, "Key policies in AWS KMS": IAM policies count where the key policy says so.
        if policies.resource is None:
            assumptions.append(KEY_POLICY_UNKNOWN)
        else:
            own_policy = True
    if (own_policy or not same_account or principal.is_service) and not by_resource:
        missing.append("resource")
    if principal.is_service:
        return missing
    # A statement that names the session (or the user) grants to it directly, past boundary and session policies;
    # one that names the role grants past the identity policies alone.
    # Source: "Policy evaluation logic", "Resource-based policies", and "Permissions boundaries for IAM entities".
    direct = [s for s in by_resource if names_directly(s.statement, principal)] if same_account else []
    if direct:
        if all(names_everybody(s.statement) for s in direct):
            assumptions.append(EVERYBODY)
        return missing
    named = same_account and any(names_role(s.statement, principal) for s in by_resource)
    if not by_identity and not named and not principal.is_root:
        missing.append("identity")
    inner = (policies.boundary, policies.session)
    return missing + [i.missing for i in inner if i is not None and not _allows(i, action, request)]


def _is_key(resource: str) -> bool:
    return resource.split(":", 5)[-1].startswith(_KEYS)


def _allows(layer: CompiledLayer, action: str, request: Request) -> bool:
    """Return whether any Allow of a layer applies."""
    return any(statement.applies(request) for statement in layer.about(action)[0])


def _allowing(layer: CompiledLayer | None, action: str, request: Request) -> Sequence[CompiledStatement]:
    """Return the Allow statements of a layer that apply."""
    return () if layer is None else [s for s in layer.about(action)[0] if s.applies(request)]


def _doubts(request: Request, layers: Iterable[CompiledLayer], action: str) -> list[str]:
    """Return what of AWS's decision is not established, each once."""
    found: dict[str, None] = {}
    for layer in layers:
        for statements in layer.about(action):
            for statement in statements:
                found.update(dict.fromkeys(statement.doubts(request)))
    return list(found)
