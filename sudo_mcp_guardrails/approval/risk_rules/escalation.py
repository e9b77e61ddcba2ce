"""The known ways to more permissions: those that a plan has every step of."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.risk_rules.rule import Found, RiskRule
from sudo_mcp_guardrails.iam.escalation import escalation_paths

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sudo_mcp_guardrails.approval.risk_rules.view import Looked, Seen
    from sudo_mcp_guardrails.iam.escalation import EscalationPath

_WORK: Final = frozenset({"agent", "existing-passrole", "new-passrole"})
"""Categories that ordinary work on one's own resources is part of: these carry the agent's boundary."""
_PASSES: Final = "iam:passrole"
_HANDLERS: Final = {
    "applicationautoscaling": "application-autoscaling",
    "certificatemanager": "acm",
    "cognito": "cognito-idp",
    "elasticloadbalancingv2": "elasticloadbalancing",
    "efs": "elasticfilesystem",
    "emr": "elasticmapreduce",
    "kinesisfirehose": "firehose",
    "msk": "kafka",
    "opensearchservice": "es",
    "opensearchserverless": "aoss",
    "stepfunctions": "states",
}
"""Service of a type, in lower case, to the prefix of its actions where these differ."""


def actions_of(seen: Seen) -> frozenset[str]:
    """Return the actions of a change that the plan decides on, in lower case.

    A resource's handler takes actions of other services too, such as a grant for its key. Those are the handler's
    work; what counts is the resource's own service, and the roles that are passed to it.
    """
    actions = frozenset(action.lower() for action in seen.change.actions)
    if seen.is_call or not seen.like.startswith("AWS::"):
        return actions
    own = seen.like.split("::")[1].lower()
    service = _HANDLERS.get(own, own)
    return frozenset(a for a in actions if a == _PASSES or a.partition(":")[0] == service)


def complete_paths(actions: frozenset[str]) -> Iterator[EscalationPath]:
    """Yield the paths of which every step is among some actions, in lower case."""
    near = {path.id: path for action in actions for path in _by_action().get(action, ())}
    for name in sorted(near):
        if actions.issuperset(action.lower() for action in near[name].actions):
            yield near[name]


def actions_by_change(looked: Looked) -> tuple[tuple[Seen, frozenset[str]], ...]:
    """Return the changes that take any actions, with these; see :func:`actions_of`."""
    found = ((seen, actions_of(seen)) for seen in looked.seen)
    return tuple(pair for pair in found if pair[1])


def is_work(path: EscalationPath, changes: Iterable[tuple[Seen, frozenset[str]]]) -> bool:
    """Return whether a path is work on the agent's own resources."""
    names = {action.lower() for action in path.actions}
    return path.category in _WORK and all(seen.is_own for seen, actions in changes if names & actions)


def _of_plan(looked: Looked) -> Iterator[Found]:
    changes = actions_by_change(looked)
    for path in complete_paths(frozenset().union(*(actions for _, actions in changes))):
        names = {action.lower() for action in path.actions}
        first = next((seen.change.id for seen, actions in changes if names & actions), "")
        if is_work(path, changes):
            yield Found(RiskClass.R2, f"path {path.id} on the agent's own resources alone: it {path.title}", first)
        else:
            yield Found(RiskClass.R3, f"escalation path {path.id}: it {path.title}", first)


@cache
def _by_action() -> Mapping[str, tuple[EscalationPath, ...]]:
    found: dict[str, list[EscalationPath]] = {}
    for path in escalation_paths():
        for action in path.actions:
            found.setdefault(action.lower(), []).append(path)
    return {action: tuple(paths) for action, paths in found.items()}


RULE: Final = RiskRule(
    id="escalation",
    title="The plan has every step of a known way to more permissions: R3, or R2 where it is work on the agent's own "
    "resources, which carry its boundary.",
    risks=(RiskClass.R2, RiskClass.R3),
    sources=("the escalation catalogue of this project",),
    of_plan=_of_plan,
)
