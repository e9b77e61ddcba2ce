"""By which routes each step of a question may be allowed, and the statements that take part in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from sudo_mcp_guardrails.iam.crossing import disjoint
from sudo_mcp_guardrails.iam.evaluate import ALWAYS_ALLOWED, OWN_POLICY_REQUIRED
from sudo_mcp_guardrails.iam.open import Bit, Sides, resource_variable
from sudo_mcp_guardrails.iam.principals import names_directly, names_role
from sudo_mcp_guardrails.iam.rcp import supports_rcps
from sudo_mcp_guardrails.iam.reduce import reduced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.iam.compiled import CompiledLayer, CompiledStatement
    from sudo_mcp_guardrails.iam.documents import Strings
    from sudo_mcp_guardrails.iam.facts import Facts
    from sudo_mcp_guardrails.iam.layers import CompiledLayers
    from sudo_mcp_guardrails.iam.reduce import Reduced
    from sudo_mcp_guardrails.iam.search import Route, Variable

WITHOUT_RESOURCE_POLICIES: Final = frozenset(
    {
        *("autoscaling", "batch", "cloudformation", "codedeploy", "codepipeline", "datapipeline", "ec2", "ecs"),
        *("elasticbeanstalk", "elasticmapreduce", "iam"),
    }
)
"""Services whose resources have no policy that could grant an action of theirs to a session.

A role's trust policy grants ``sts:AssumeRole``, which is not an action of ``iam``.
Source: IAM user guide, "AWS services that work with IAM", column "Resource-based policies".
"""
_SATISFIED: Final = -1
"""A group of which one is always left, since the masks have every bit that no statement uses."""


class Asked(NamedTuple):
    """One action of one step.

    Args:
        action: ``"service:Action"``.
        step: The step, compiled; each has its own object, so that it serves as a key.
        formats: ARN formats of the resources it can be about.
        anything: Whether the action stands for a class of which the services differ, so that nothing that holds
            for its service alone may be used.
    """

    action: str
    step: CompiledStatement
    formats: Strings
    anything: bool = False


class Blocked(Exception):  # noqa: N818 - it is an answer and no error
    """Why no request can be allowed, found without a search.

    Args:
        reason: In words.
        statements: (layer, Sid) of a Deny that applies to every request.
    """

    def __init__(self, reason: str, statements: tuple[tuple[str, str], ...] = ()) -> None:
        """Keep what was found."""
        super().__init__(reason)
        self.reason = reason
        self.statements = statements


ReducedCache = dict[tuple[int, "Strings"], "Reduced | None"]
"""(identity of a compiled statement, formats) to what is left of it."""


class Assembly:
    """Gives each statement that may apply a bit, step by step.

    Attributes:
        policies: The layers.
        facts: What is known.
        bits: The statements so far.
        resources: The resource of each step so far.
    """

    def __init__(self, policies: CompiledLayers, facts: Facts, cache: ReducedCache) -> None:
        self.policies = policies
        self.facts = facts
        self._cache = cache
        self._next = 1
        self.bits: list[Bit] = []
        self.resources: list[Variable] = []

    def step(self, number: int, asked: Asked) -> tuple[Route, ...]:
        """Add the statements that speak of a step, and return the routes by which it may be allowed."""
        first = len(self.bits)
        sides = Sides(own=self._bit(), other=self._bit(), policed=self._bit())
        step = _Step(self, number, asked)
        routes = step.routes(sides)
        either = sides.own | sides.other | sides.policed
        told_apart = any(group & either for route in routes for group in route if group != _SATISFIED)
        self.resources.append(
            resource_variable(number, asked, self.bits[first:], sides if told_apart else None, self.facts)
        )
        return routes

    def _bit(self) -> int:
        mask = self._next
        self._next <<= 1
        return mask

    def left(self, statement: CompiledStatement, asked: Asked) -> Reduced | None:
        """Return what is left of a statement for a step; agents ask the same thing often."""
        key = (id(statement), asked.formats)
        if key not in self._cache:
            self._cache[key] = reduced(statement, asked.formats, self.facts)
        return self._cache[key]

    def add(self, number: int, layer: str, left: Reduced, *, deny: bool) -> int:
        """Give a statement a bit."""
        mask = self._bit()
        self.bits.append(Bit(mask, number, layer, deny, left))
        return mask


class _Step:
    """One step and the layers that apply to it."""

    def __init__(self, assembly: Assembly, number: int, asked: Asked) -> None:
        self._assembly = assembly
        self._number = number
        self._asked = asked
        self._action = asked.action.lower()
        policies, principal = assembly.policies, assembly.facts.principal
        limits = () if principal.is_service_linked else policies.scps
        if not principal.is_service_linked and supports_rcps(self._action):
            limits += policies.rcps
        self._outer = (*limits, *_existing(policies.vpc_endpoint), *policies.scope_down)
        self._inner = (*_existing(policies.boundary, policies.session), policies.identity)
        self._resource = policies.resource

    def routes(self, sides: Sides) -> tuple[Route, ...]:
        """Return the groups of statements of which one each has to apply, for each way to be allowed.

        Raises:
            Blocked: Where there is no way.
        """
        asks = self._assembly.left(self._asked.step, self._asked)
        if asks is None:
            raise Blocked(f"no request for {self._asked.action} is of the kind that is asked about")
        if self._action in ALWAYS_ALLOWED and not self._asked.anything:
            return ((),)
        for layer in (*self._outer, *_existing(self._resource), *self._inner):
            self._deny(layer, asks)
        outer: list[int] = [] if asks.settled else [self._assembly.add(self._number, "question", asks, deny=False)]
        for layer in self._outer:
            group = self._allow(layer)
            if not group:
                raise Blocked(f"nothing in {layer.missing} allows {self._asked.action}")
            outer.append(group)
        routes = self._given(sides) if self._resource is not None else self._assumed(sides)
        possible = tuple((*outer, *route) for route in routes if all(route))
        if not possible:
            lacking = " or ".join(layer.missing for layer in self._inner if not self._allow(layer))
            raise Blocked(f"nothing in {lacking or 'the resource policy'} allows {self._asked.action}")
        return possible

    def _assumed(self, sides: Sides) -> list[Route]:
        """Return the ways past the resource, whose policy is not given."""
        facts = self._assembly.facts
        inner = tuple(self._allow(layer) for layer in self._inner if not self._needless(layer))
        if facts.resource_policies == "none":
            return [(*inner, sides.own)]
        if self._action.split(":", 1)[0] in WITHOUT_RESOURCE_POLICIES and not self._asked.anything:
            return [(*inner, sides.own)]
        return [(sides.policed,), (*inner,)]

    def _given(self, sides: Sides) -> list[Route]:
        """Return the ways past the resource, whose policy is given."""
        resource, principal = self._assembly.policies.resource, self._assembly.facts.principal
        if resource is None:
            raise TypeError("no resource policy is given")
        allows = resource.about(self._action)[0]
        granted = self._group(resource.name, allows)
        direct = self._group(resource.name, [s for s in allows if names_directly(s.statement, principal)])
        named = self._group(resource.name, [s for s in allows if names_role(s.statement, principal)])
        inner = {layer.name: self._allow(layer) for layer in self._inner if not self._needless(layer)}
        limits = tuple(group for name, group in inner.items() if name != "identity")
        routes: list[Route] = [
            (sides.own, direct),
            (sides.own, named, *limits),
            (*inner.values(), granted),
        ]
        if self._action not in OWN_POLICY_REQUIRED and not self._about_keys:
            routes.append((*inner.values(), sides.own))
        return routes

    @property
    def _about_keys(self) -> bool:
        """Whether it is about a KMS key, whose own policy has to allow."""
        return self._action.startswith("kms:") and "" not in self._asked.formats

    def _needless(self, layer: CompiledLayer) -> bool:
        """Return whether a layer need not allow: the root user has no identity policies."""
        return layer.name == "identity" and self._assembly.facts.principal.is_root

    def _deny(self, layer: CompiledLayer, asks: Reduced) -> None:
        """Add the Deny statements of a layer.

        Args:
            layer: The layer.
            asks: What is asked about: a Deny that leaves out nothing of it denies it everywhere.
        """
        formats, partition = self._asked.formats, self._assembly.facts.partition
        for statement in layer.about(self._action)[1]:
            left = self._assembly.left(statement, self._asked)
            if left is None:
                continue
            excepted = left.not_resources
            if excepted and (
                frozenset(asks.not_resources).issuperset(excepted)
                or (asks.resources and disjoint(formats, partition, asks.resources, excepted))
            ):
                left = left.everywhere()
            if left.settled:
                named = (layer.name, statement.sid)
                raise Blocked(f"{self._asked.action} is denied by {layer.name}:{statement.sid}", (named,))
            self._assembly.add(self._number, layer.name, left, deny=True)

    def _allow(self, layer: CompiledLayer) -> int:
        """Add the Allow statements of a layer."""
        return self._group(layer.name, layer.about(self._action)[0])

    def _group(self, layer: str, statements: Sequence[CompiledStatement]) -> int:
        """Return the bits of Allow statements: 0 where none can apply."""
        found = [left for left in (self._assembly.left(s, self._asked) for s in statements) if left is not None]
        if any(left.settled for left in found):
            return _SATISFIED
        return sum(self._assembly.add(self._number, layer, left, deny=False) for left in found)


def _existing(*layers: CompiledLayer | None) -> tuple[CompiledLayer, ...]:
    return tuple(layer for layer in layers if layer is not None)
