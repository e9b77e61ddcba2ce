"""A synthesized app, as the exports see it: its templates, and which of the roles in them are agents'."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.policies.export.cloudformation import assets, location
from sudo_mcp_guardrails.policies.export.manifest import ExportError
from sudo_mcp_guardrails.policies.export.reading import read_sources
from sudo_mcp_guardrails.policies.export.rest import rest_of
from sudo_mcp_guardrails.policies.export.source import StackSource

if TYPE_CHECKING:
    from pathlib import Path

    from sudo_mcp_guardrails.iam.assembly import Template
    from sudo_mcp_guardrails.policies.export.reading import Place
    from sudo_mcp_guardrails.policies.export.rest import Rest


@dataclass(frozen=True)
class App:
    """An app.

    Args:
        directory: The cloud assembly.
        templates: Its templates, in order.
        agents: The agents' roles.
        unknown: What the templates do not say of these, in words; empty where they say it all.
    """

    directory: Path
    templates: tuple[Template, ...]
    agents: frozenset[Place]
    unknown: str = ""

    @property
    def has_organization(self) -> bool:
        """Whether it has policies of the organization itself."""
        resources = (resource for template in self.templates for resource in template.resources.values())
        return any(resource["Type"] == "AWS::Organizations::Policy" for resource in resources)

    def sources(self, *, trusted: bool) -> tuple[StackSource, ...]:
        """Return the agents' roles with all that they need, see ``read_sources``.

        Raises:
            ExportError: Where nothing can be said about one of them.
        """
        if self.unknown:
            # Half of the guardrails, which look whole in the folder, would be worse than none.
            raise ExportError(f"the app cannot be exported, its templates do not say it all: {self.unknown}")
        return read_sources(self.templates, self.agents, trusted=trusted)

    def rests(self, stacks: tuple[StackSource, ...]) -> tuple[tuple[tuple[StackSource, Rest | None], ...], list[str]]:
        """Return each stack of the app with what it has beside agents, and why that is not written where it is not.

        Args:
            stacks: The stacks in which there are agents.
        """
        known = {stack.file: stack for stack in stacks}
        found: list[tuple[StackSource, Rest | None]] = []
        problems = []
        for template in (template for template in self.templates if template.parent is None):
            stack = known.get(template.file, StackSource(template.file, template.name, template.values, (), (), ()))
            try:
                rest = rest_of(stack, template, tuple(assets(self.directory, location(self.directory, template))))
            except ExportError as error:
                rest = None
                problems.append(f"{template.name}: what is not IAM of agents: {error}")
            if rest is not None or template.file in known:
                found.append((stack, rest))
        return tuple(found), problems

    def left_out(self, stacks: tuple[StackSource, ...]) -> tuple[str, ...]:
        """Return what is no part of an export of these stacks, such as the broker's function, in words."""
        parts = [f"{stack.name}: {resource}" for stack in stacks for resource in stack.left_out]
        taken = {stack.file for stack in stacks}
        others = [t for t in self.templates if t.file not in taken and t.resources]
        return (*parts, *(f"{template.name}: all {len(template.resources)} resources" for template in others))
