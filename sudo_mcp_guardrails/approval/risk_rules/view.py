"""A plan as rules see it: each change with what is known of its type, its place and its values."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.agents import SensitiveRead
from sudo_mcp_guardrails.approval.graph import Graph
from sudo_mcp_guardrails.approval.plan import Operation
from sudo_mcp_guardrails.approval.risk_rules.types import known_types
from sudo_mcp_guardrails.approval.risk_rules.values import nodes, plain_name
from sudo_mcp_guardrails.iam.catalogue import READS
from sudo_mcp_guardrails.iam.matching import any_glob
from sudo_mcp_guardrails.policies.sensitive import sensitive_actions

if TYPE_CHECKING:
    from sudo_mcp_guardrails.agents import AgentEnvironment
    from sudo_mcp_guardrails.approval.plan import Change, Plan
    from sudo_mcp_guardrails.approval.risk_rules.context import RiskContext
    from sudo_mcp_guardrails.approval.risk_rules.values import Node

_ENDING: Final = (Operation.DELETE, Operation.REPLACE)
_DELETING: Final = (
    *("Delete", "Destroy", "Terminate", "Purge", "Empty", "Expire", "Deregister", "Dispose", "Remove"),
    *("ScheduleKeyDeletion", "BatchDelete", "Release"),
)
_SENSITIVE: Final = {action.lower(): kind for kind in reversed(SensitiveRead) for action in sensitive_actions(kind)}


class Seen:
    """One change.

    Attributes:
        change: itself.
        plan: whose it is.
        context: what it is judged against.
        traits: of its type; empty for a call and for a type that is not known.
        is_known: whether its type is.
        like: type of CloudFormation that it is, or is like.
    """

    def __init__(self, change: Change, looked: Looked) -> None:
        """Look the type up."""
        self.change = change
        self.plan = looked.plan
        self.context = looked.context
        self._looked = looked
        found = None if change.operation is Operation.CALL else known_types().of(change.type)
        self.traits = found or frozenset()
        self.is_known = found is not None
        self.like = known_types().like(change.type)

    @property
    def is_call(self) -> bool:
        """Whether it is an API call."""
        return self.change.operation is Operation.CALL

    @property
    def account(self) -> str:
        """Where it is; empty where nobody says."""
        return self.change.account or self.plan.account or self.context.account

    @property
    def region(self) -> str:
        """Where it is; empty where nobody says."""
        return self.change.region or self.plan.region or self.context.region

    @property
    def environment(self) -> AgentEnvironment | None:
        """The agent's environment that it is in; the one for production where several cover the account."""
        return self._looked.environment(self.account)

    @property
    def in_production(self) -> bool:
        """Whether it is in production; also where nobody knows."""
        return self.environment is None or self.environment.is_production

    @cached_property
    def actions(self) -> tuple[str, ...]:
        """Actions of a call, without those that a change of a resource takes behind the scenes."""
        return self.change.actions if self.is_call else ()

    def sensitive(self, action: str) -> SensitiveRead | None:
        """Return the class of sensitive reads that an action is of."""
        return _SENSITIVE.get(action.lower())

    @cached_property
    def reads(self) -> bool:
        """Whether it is a call that changes nothing: each of its actions is known to read."""
        return bool(self.actions) and all(self.context.levels.of(action) in READS for action in self.actions)

    @cached_property
    def ends(self) -> bool:
        """Whether something is gone afterwards: it is deleted or replaced, or a call deletes."""
        if not self.is_call:
            return self.change.operation in _ENDING
        return not self.reads and any(a.partition(":")[2].startswith(_DELETING) for a in self.actions)

    @cached_property
    def after(self) -> tuple[Node, ...]:
        """Every value that there is afterwards, or that a call takes."""
        return tuple(nodes(self.change.after)) if self.change.after is not None else ()

    def forget(self) -> None:
        """Let go of the values, which take more memory than the plan does."""
        self.__dict__.pop("after", None)

    @cached_property
    def before(self) -> dict[str, Any]:
        """The properties now, by plain name; empty where nobody knows."""
        return _top(self.change.before)

    @cached_property
    def then(self) -> dict[str, Any]:
        """The properties afterwards, by plain name; empty where nobody knows."""
        return _top(self.change.after)

    def attribute(self, name: str) -> tuple[Any, Any]:
        """Return a resource's attribute, such as ``DeletionPolicy``, now and then; None where nobody says."""
        options = self.change.options
        if "BeforeAttributes" in options or "AfterAttributes" in options:
            sides = options.get("BeforeAttributes"), options.get("AfterAttributes")
        elif self.change.operation is Operation.DELETE:
            # What is no longer in the template: the attributes are those that it had.
            sides = options, None
        else:
            sides = options.get("Before"), options
        before, after = (side.get(name) if isinstance(side, dict) else None for side in sides)
        return before, after

    @cached_property
    def identities(self) -> tuple[str, ...]:
        """Texts that name what is changed itself, rather than what it refers to."""
        found = [self.change.physical_id or "", *self.change.resources]
        for side in (self.before, self.then):
            for name, value in side.items():
                if name in _NAMING or name.endswith(_NAMING_END):
                    found += [item for item in (value if isinstance(value, list) else [value]) if isinstance(item, str)]
        return tuple(dict.fromkeys(text for text in found if text))

    def owns(self, resource: str) -> bool:
        """Return whether a resource is the agent's own, as far as is known."""
        return self._looked.owns(resource)

    @cached_property
    def is_own(self) -> bool:
        """Whether all that it touches is known to be the agent's own."""
        if not self.context.own or not self.change.resources:
            return False
        return all(map(self._looked.owns, self.change.resources))


_NAMING: Final = frozenset(
    {
        *("alias", "arn", "aliasname", "bucket", "domain", "function", "groups", "keyid", "name", "path", "queueurl"),
        *("queues", "resourcearn", "resourceid", "role", "roles", "secretid", "table", "topic", "topics", "users"),
        *("statemachinearn", "topicarn", "trailarn", "policyarn", "eventbus", "keyarn", "replaces"),
    }
)
_NAMING_END: Final = ("name",)


class Looked:
    """A plan and what it is judged against."""

    def __init__(self, plan: Plan, context: RiskContext) -> None:
        """Look at nothing yet."""
        self.plan = plan
        self.context = context
        self._environments: dict[str, AgentEnvironment | None] = {}
        # A wildcard for one character would take that of a pattern for a character.
        self._own = any_glob(tuple(own for own in context.own if "?" not in own))

    @cached_property
    def seen(self) -> tuple[Seen, ...]:
        """Its changes."""
        return tuple(Seen(change, self) for change in self.plan.changes)

    @cached_property
    def graph(self) -> Graph:
        """What needs what."""
        return Graph(self.plan)

    @cached_property
    def ended_or_changed(self) -> tuple[str, ...]:
        """Ids of the changes to what is there already."""
        kinds = {Operation.UPDATE, Operation.REPLACE, Operation.DELETE}
        return tuple(change.id for change in self.plan.changes if change.operation in kinds)

    def owns(self, resource: str) -> bool:
        """Return whether a resource, or all that a pattern matches, is the agent's own."""
        return self._own(resource)

    def environment(self, account: str) -> AgentEnvironment | None:
        """Return the agent's environment that covers an account; production first."""
        if account not in self._environments:
            found = [e for e in self.context.environments if account in e.accounts]
            self._environments[account] = max(found, key=lambda e: e.is_production, default=None)
        return self._environments[account]


def _top(value: object) -> dict[str, Any]:
    """Return the properties of a resource by plain name."""
    if not isinstance(value, dict):
        return {}
    return {plain_name(name): item for name, item in value.items() if isinstance(name, str)}
