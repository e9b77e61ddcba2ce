"""The layers of policy that AWS applies to one request."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.iam.compiled import CompiledLayer

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.documents import PolicyDocument


@dataclass(frozen=True)
class Layers:
    """The policies that apply to a request. A layer that is None or empty does not exist, and so limits nothing.

    Args:
        identity: Policies attached to the principal; each may allow.
        boundary: The permissions boundary.
        session: Session policies given when the session was made; None without any.
        scps: Service control policies, level by level from the root to the account; each level must allow.
        resource: The policy of the resource: a bucket policy, or the trust policy of a role.
        scope_down: Policies of ``sts:GetScopedCredentials`` along the chain of sessions; each must allow.
        rcps: Resource control policies of the resource's account, level by level; each level must allow.
        vpc_endpoint: Policy of the VPC endpoint that the request goes through.
    """

    identity: tuple[PolicyDocument, ...] = ()
    boundary: PolicyDocument | None = None
    session: tuple[PolicyDocument, ...] | None = None
    scps: tuple[tuple[PolicyDocument, ...], ...] = ()
    resource: PolicyDocument | None = None
    scope_down: tuple[PolicyDocument, ...] = ()
    rcps: tuple[tuple[PolicyDocument, ...], ...] = ()
    vpc_endpoint: PolicyDocument | None = None

    @cached_property
    def compiled(self) -> CompiledLayers:
        """The layers, ready to be asked often; raises PolicyError for what the evaluator does not know."""
        return CompiledLayers(self)


class CompiledLayers:
    """The layers, each compiled.

    Attributes:
        identity, boundary, session, resource, vpc_endpoint: The layer, or None where it does not exist.
        scps, rcps: One for each level.
        scope_down: One for each policy.
        doubtful: Whether any statement is; see :class:`~sudo_mcp_guardrails.iam.compiled.CompiledStatement`.
    """

    def __init__(self, layers: Layers) -> None:
        """Compile; raises PolicyError."""
        bounded = layers.boundary is not None
        self.identity = CompiledLayer("identity", layers.identity)
        self.boundary = None if layers.boundary is None else CompiledLayer("boundary", (layers.boundary,))
        self.session = None if layers.session is None else CompiledLayer("session", layers.session)
        self.resource = (
            None if layers.resource is None else CompiledLayer("resource", (layers.resource,), bounded=bounded)
        )
        self.vpc_endpoint = (
            None if layers.vpc_endpoint is None else CompiledLayer("vpc-endpoint", (layers.vpc_endpoint,))
        )
        self.scps = tuple(
            CompiledLayer("scp", level, missing=f"scp level {number}") for number, level in enumerate(layers.scps)
        )
        self.rcps = tuple(
            CompiledLayer("rcp", level, missing=f"rcp level {number}") for number, level in enumerate(layers.rcps)
        )
        self.scope_down = tuple(
            CompiledLayer("scope-down", (policy,), missing=f"scope-down policy {number}")
            for number, policy in enumerate(layers.scope_down)
        )

        self.doubtful = any(s.doubtful for layer in self.all for s in layer.statements)

    @cached_property
    def mentioned(self) -> frozenset[str]:
        """All condition keys on which a decision may depend, in lower case."""
        return frozenset().union(*(s.mentioned for layer in self.all for s in layer.statements))

    @cached_property
    def all(self) -> tuple[CompiledLayer, ...]:
        """Every layer that exists, outermost first."""
        single = (self.vpc_endpoint, self.resource, self.boundary, self.session)
        existing = tuple(layer for layer in single if layer is not None)
        return (*self.scps, *self.rcps, *existing, *self.scope_down, self.identity)
