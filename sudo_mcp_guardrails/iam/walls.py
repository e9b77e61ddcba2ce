"""What is closed whatever the request: found once for a principal, for all actions together."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.iam.action_sets import as_bytes, everything, name_at, named
from sudo_mcp_guardrails.iam.evaluate import ALWAYS_ALLOWED
from sudo_mcp_guardrails.iam.implied import applies_to_all
from sudo_mcp_guardrails.iam.reduce import reduced
from sudo_mcp_guardrails.iam.universe import ANYTHING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.iam.compiled import CompiledLayer, CompiledStatement
    from sudo_mcp_guardrails.iam.facts import Facts
    from sudo_mcp_guardrails.iam.layers import CompiledLayers


class Walls:
    """The actions that no request gets through with, on any resource and in any context.

    Args:
        policies: The layers.
        facts: What is known.
    """

    def __init__(self, policies: CompiledLayers, facts: Facts) -> None:
        """Keep what the walls are made of."""
        self._policies = policies
        self._facts = facts

    @cached_property
    def open(self) -> int:
        """The actions that may get through; see :mod:`~sudo_mcp_guardrails.iam.action_sets`."""
        found = everything()
        for layer in self._needed():
            found &= layer.allowed
        for _, statement in self._denying:
            found &= ~statement.action_set
        return found | named(tuple(ALWAYS_ALLOWED))

    @cached_property
    def open_bytes(self) -> bytes:
        """The same as bytes, in which a single place is looked up faster."""
        return as_bytes(self.open)

    @cached_property
    def _denied_bytes(self) -> tuple[tuple[tuple[str, str], bytes], ...]:
        """(layer, Sid) and actions of each Deny that always applies."""
        return tuple(((layer, s.sid), as_bytes(s.action_set)) for layer, s in self._denying)

    def closed(self, actions: int) -> int | None:
        """Return the place of the first of some actions where all of them are closed, else None."""
        if not actions or actions & self.open:
            return None
        return (actions & -actions).bit_length() - 1

    def around(self, step: CompiledStatement, actions: int) -> tuple[int, tuple[tuple[str, str], ...]]:
        """Return which of some actions are left, and what denies the others for all that a step asks about.

        Args:
            step: What is asked about.
            actions: The actions; see :mod:`~sudo_mcp_guardrails.iam.action_sets`.

        Returns:
            The actions left, and (layer, Sid) of the Deny statements.
        """
        left, denying = actions, []
        undeniable = named(tuple(ALWAYS_ALLOWED))
        for layer, statement in self._denies:
            closed = left & statement.action_set & ~undeniable
            if closed and applies_to_all(statement, step, self._facts):
                left &= ~closed
                denying.append((layer, statement.sid))
        return left, tuple(denying)

    def why(self, place: int) -> tuple[str, str, str]:
        """Return (action, layer, Sid): why the action at a place is closed. Without a Sid nothing there allows it."""
        name = name_at(place)
        for (layer, sid), denied in self._denied_bytes:
            if denied[place >> 3] >> (place & 7) & 1:
                return name, layer, sid
        return name, next(layer.missing for layer in self._needed() if not layer.allowed >> place & 1), ""

    @cached_property
    def _denying(self) -> tuple[tuple[str, CompiledStatement], ...]:
        """The Deny statements that apply to every request with one of their actions."""
        return tuple((layer, statement) for layer, statement in self._denies if self._always(statement))

    @cached_property
    def _denies(self) -> tuple[tuple[str, CompiledStatement], ...]:
        """All Deny statements; those of RCPs aside, which not every service heeds."""
        policies = self._policies
        limits = () if self._facts.principal.is_service_linked else policies.scps
        optional = (policies.vpc_endpoint, policies.resource, policies.boundary, policies.session)
        layers = (*limits, *(o for o in optional if o is not None), *policies.scope_down, policies.identity)
        return tuple((layer.name, statement) for layer in layers for statement in layer.statements if statement.deny)

    def _always(self, statement: CompiledStatement) -> bool:
        """Return whether a statement denies every request with one of its actions."""
        if not statement.unconfined:
            return False
        left = reduced(statement, (ANYTHING,), self._facts)
        return left is not None and left.settled

    def _needed(self) -> Iterator[CompiledLayer]:
        """Yield the layers of which each must allow, whatever resource policies there are."""
        policies, principal = self._policies, self._facts.principal
        if not principal.is_service_linked:
            yield from policies.scps
        if policies.vpc_endpoint is not None:
            yield policies.vpc_endpoint
        yield from policies.scope_down
        if self._facts.resource_policies == "none" and policies.resource is None:
            yield from (layer for layer in (policies.boundary, policies.session) if layer is not None)
            if not principal.is_root:
                yield policies.identity
