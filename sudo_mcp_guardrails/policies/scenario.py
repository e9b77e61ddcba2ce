"""A scenario: one request by one agent, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.iam.documents import resolve
from sudo_mcp_guardrails.iam.request import Principal, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sudo_mcp_guardrails.policies.naming import GuardrailNames


@dataclass(frozen=True)
class Scenario:
    """A request and the decision that it must get.

    Args:
        id: Short and unique, in words joined by hyphens.
        capability: Which of the agent's roles calls: ``read``, ``plan``, ``apply`` or ``execution``.
        action: ``"service:Action"``.
        resource: ARN, or ``"*"``. ``{agent}`` and ``{prefix}`` stand for the agent's name and its first
            resource prefix; pseudo parameters for partition, account and Region.
        allowed: The expected decision.
        sid: The statement that must be among those that decide; empty for an implicit denial.
        layer: The layer of that statement.
        context: Condition keys of the request, with the same placeholders.
        region: The Region asked for; None for that of the deployment.
        title: What happens, in words.
        principal: ARN of who calls instead of the agent's role, with the same placeholders.
    """

    id: str
    capability: str
    action: str
    resource: str
    allowed: bool
    sid: str = ""
    layer: str = "identity"
    context: Mapping[str, str] = field(default_factory=dict)
    region: str | None = None
    title: str = ""
    principal: str = ""

    def request(self, *, agent: str, prefix: str, names: GuardrailNames, values: Mapping[str, str]) -> Request:
        """Make the request.

        Args:
            agent: Name of the agent.
            prefix: Its first resource-name prefix.
            names: The names of the guardrails' own resources.
            values: ``{"Partition": ..., "AccountId": ..., "Region": ...}``.
        """

        def fill(text: str) -> str:
            placed = text.replace("{agent}", agent).replace("{prefix}", prefix).replace("{names}", names.prefix)
            return str(resolve(placed, values))

        session = "run-00000000000000000000000000"
        if self.principal:
            arn = fill(self.principal)
            # The root user, a user and a service have no session of a role.
            principal = Principal(arn=arn, session="somebody" if ":role/" in arn else None)
            return self._request(principal, fill, values)
        principal = Principal(
            arn=fill(names.role_arn(agent, self.capability)),
            session=session,
            tags={"agent": agent, "run": session, "capability": self.capability},
            source_identity=session,
        )
        return self._request(principal, fill, values)

    def _request(self, principal: Principal, fill: Callable[[str], str], values: Mapping[str, str]) -> Request:
        return Request(
            action=self.action,
            resource=fill(self.resource),
            principal=principal,
            context={key: fill(value) for key, value in self.context.items()},
            region=self.region or values["Region"],
        )


def decided(
    id: str,
    action: str,
    resource: str,
    title: str,
    *,
    layer: str,
    sid: str = "",
    capability: str = "apply",
    context: Mapping[str, str] | None = None,
    principal: str = "",
    region: str | None = None,
) -> Scenario:
    """Return a scenario of a policy that only denies: with the Sid of the statement that denies it, else allowed."""
    return Scenario(
        id,
        capability,
        action,
        resource,
        allowed=not sid,
        layer=layer,
        sid=sid,
        context=context or {},
        title=title,
        principal=principal,
        region=region,
    )
