"""What an SOP says that a run takes: actions and resources, and nothing beside them."""

from __future__ import annotations

from dataclasses import dataclass

from sudo_mcp_guardrails.gateway.deciding.errors import DecidingError
from sudo_mcp_guardrails.iam.matching import action_test, resource_matches


@dataclass(frozen=True)
class Manifest:
    """What calls may take while an SOP is followed. It narrows what policies allow, and never widens it.

    Attributes:
        actions: ``service:Action``, with IAM's wildcards in the action's name.
        resources: ARN patterns of IAM; ``*`` for any, also one that is known only when it runs.
        tools: Names of tools outside AWS, as ``server/tool``.

    Raises:
        DecidingError: An action has no service, or one with wildcards.
    """

    actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Validate."""
        for action in self.actions:
            service, colon, name = action.partition(":")
            if not colon or not name or not service or set(service) & set("*?"):
                raise DecidingError(f"action {action!r} of a manifest is not allowed, expected service:Action")
        for tool in self.tools:
            if "/" not in tool:
                raise DecidingError(f"tool {tool!r} of a manifest is not allowed, expected server/tool")

    def takes(self, action: str, resource: str | None) -> bool:
        """Return whether an action on a resource is among it; None is a resource that nobody knows yet."""
        # Nothing at all matches no action: an SOP that names none has none.
        if not self.actions or not action_test(self.actions)(action.lower()):
            return False
        if "*" in self.resources:
            return True
        return resource is not None and any(resource_matches(each, resource) for each in self.resources)
