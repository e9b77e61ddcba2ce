"""A plan of containment: the steps in order, as data, from the registered agents alone; nothing is called.

The switch comes first: from then on the brokers refuse. Then whatever stops most at once: the SCPs, and the policy that
denies all on each role, the writing ones first. Then the boundary and the trust policy, which hold where somebody takes
the policy off or asks for a new session. Then what is in flight, since by now nothing new is added.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.policies.containment.names import boundary_arn, deny_arn
from sudo_mcp_guardrails.policies.containment.roles import deny_trust
from sudo_mcp_guardrails.policies.naming import ROLE_KINDS
from sudo_mcp_guardrails.policies.terraform import project_name
from sudo_mcp_guardrails.response.errors import ContainmentError
from sudo_mcp_guardrails.response.estate import check_responder
from sudo_mcp_guardrails.response.levels import Level, check_level
from sudo_mcp_guardrails.response.steps.step import Kind, Step
from sudo_mcp_guardrails.state.kill_switch import Switch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sudo_mcp_guardrails.agents import Agent
    from sudo_mcp_guardrails.response.estate import Estate
    from sudo_mcp_guardrails.state.targets import Target

_ORDER: Final = tuple(reversed(ROLE_KINDS))
"""Execution and apply first: they change things."""
_ROLE: Final = re.compile(r"[\w+=,.@-]{1,64}", re.ASCII)
_SWITCH, _DENY, _CLOSE, _FLIGHT = range(4)
MAX_STEPS: Final = 20_000
"""Steps of one plan: some 1,600 accounts of one agent."""


@dataclass(frozen=True)
class Cause:
    """Why somebody contains.

    Attributes:
        by: ARN of who does, as AWS verified it.
        reason: why, 1 to 1,000 characters.
        incident: id of the incident; a restoration names it again.
        at: seconds since 1970.
    """

    by: str
    reason: str
    incident: str
    at: int


@dataclass(frozen=True)
class Plan:
    """What to do to contain a target.

    Attributes:
        target: whom.
        level: how hard.
        cause: why.
        steps: in order; each place once.
    """

    target: Target
    level: Level
    cause: Cause
    steps: tuple[Step, ...]


def plan_containment(
    estate: Estate, target: Target, level: Level, cause: Cause, *, workloads: Sequence[tuple[str, str]] = ()
) -> Plan:
    """Plan the containment of a target.

    Args:
        estate: What there is.
        target: Whom.
        level: How hard.
        cause: Why.
        workloads: (account, role name) of roles that an agent's resources carry, to be contained as its own are (K2).
            Default: none, since what an agent deployed for others goes on working; the SCPs of K3 and K4 always
            contain them.

    Raises:
        ContainmentError: The level is not for the target, no registered agent is covered, the responder is an agent,
            a role to contain is the responder's own or a role that contains, or there is no SCP for the class.
        SwitchError: The reason or the incident is out of bounds.
    """
    check_level(level, target)
    check_responder(cause.by, estate.names)
    if workloads and level is not Level.K2:
        raise ContainmentError(f"workload roles are not contained at level {level.value}, allowed: K2")
    agents = estate.covered(target)
    switch = Switch(target, level.value, cause.reason, cause.by, cause.at, cause.incident)
    found = [
        Step(
            Kind.SWITCH,
            estate.account,
            estate.region,
            target.key,
            {"table": estate.table, "item": switch.item(estate.names.prefix)},
            _SWITCH,
        )
    ]
    if level is not Level.K1:
        found += _scps(estate, target, level)
        roles = list(_roles(estate, agents, level, workloads))
        found += [_deny(estate, account, role) for account, role in roles]
        found += [step for account, role in roles for step in _closed(estate, account, role)]
        found += _in_flight(estate, agents, target, cause)
    elif estate.has_approvals:
        found.append(_approvals(estate, target, cause))
    if len(found) > MAX_STEPS:
        raise ContainmentError(f"the plan for {target.key!r} has {len(found)} steps, allowed are {MAX_STEPS}")
    return Plan(target, level, cause, tuple(sorted(found, key=lambda step: step.stage)))


def _scps(estate: Estate, target: Target, level: Level) -> Iterator[Step]:
    """Yield a step for each place that the target's SCP is attached to."""
    if level not in {Level.K3, Level.K4} or not estate.scps:
        return
    policy = estate.scps.get(target.pattern)
    if policy is None:
        known = ", ".join(sorted(estate.scps))
        raise ContainmentError(f"class {target.pattern!r} has no SCP, there are those of {known}: deploy one before")
    for place in estate.scp_targets:
        yield Step(
            *(Kind.SCP, estate.organization_account, "", f"{policy}/{place}"),
            wanted={"policy": policy, "target": place, "pattern": target.pattern},
            stage=_SWITCH,
        )


def _roles(
    estate: Estate, agents: tuple[Agent, ...], level: Level, workloads: Sequence[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    """Yield (account, role name) of each role that is contained by itself: where an SCP does it, none."""
    pairs = [
        (account, estate.names.role_name(agent.name, kind))
        for kind in _ORDER
        for agent in agents
        for account in estate.accounts(agent)
        if level is Level.K2 or not estate.is_bound(account)
    ]
    known = {account for agent in agents for account in estate.accounts(agent)}
    for account, role in workloads:
        if account not in known or not _ROLE.fullmatch(role):
            raise ContainmentError(
                f"workload role {role[:80]!r} of account {account[:20]!r} is not allowed, expected the name of a role "
                f"in one of {', '.join(sorted(known)[:20])}"
            )
    for account, role in dict.fromkeys([*pairs, *workloads]):
        if estate.responds(account, role):
            raise ContainmentError(f"role {role!r} of account {account} contains agents itself, allowed: any other")
        yield account, role


def _deny(estate: Estate, account: str, role: str) -> Step:
    arn = deny_arn(estate.names, partition=estate.partition, account=account)
    return Step(Kind.DENY, account, "", role, {"policy": arn}, _DENY)


def _closed(estate: Estate, account: str, role: str) -> Iterator[Step]:
    arn = boundary_arn(estate.names, partition=estate.partition, account=account)
    yield Step(Kind.BOUNDARY, account, "", role, {"boundary": arn}, _CLOSE)
    yield Step(Kind.TRUST, account, "", role, {"document": deny_trust().to_json()}, _CLOSE)


def _in_flight(estate: Estate, agents: tuple[Agent, ...], target: Target, cause: Cause) -> Iterator[Step]:
    """Yield the steps that stop what runs or waits."""
    if estate.has_approvals:
        yield _approvals(estate, target, cause)
    for agent in agents:
        if agent.name in estate.terraform_agents:
            yield Step(
                Kind.BUILDS, estate.account, estate.region, project_name(estate.names, agent.name), stage=_FLIGHT
            )
    places: dict[tuple[str, str], set[str]] = {}
    for agent in agents:
        for account in estate.accounts(agent):
            prefixes = {p for e in agent.environments_in(account) for p in agent.prefixes(e)}
            for region in estate.regions(agent, account):
                places.setdefault((account, region), set()).update(prefixes)
    for (account, region), prefixes in sorted(places.items()):
        for kind in (Kind.STACKS, Kind.REQUESTS):
            yield Step(kind, account, region, target.key, {"prefixes": sorted(prefixes)}, _FLIGHT)


def _approvals(estate: Estate, target: Target, cause: Cause) -> Step:
    reason = f"contained in incident {cause.incident}: {cause.reason}"
    wanted = {"by": cause.by, "reason": reason, "containment": cause.incident}
    return Step(Kind.APPROVALS, estate.account, estate.region, target.pattern, wanted, _FLIGHT)


def show(plan: Plan) -> str:
    """Return the plan as JSON, for people who look at it before they let it run.

    Args:
        plan: The plan.
    """
    return json.dumps(
        {
            "target": plan.target.key,
            "level": plan.level.value,
            "by": plan.cause.by,
            "reason": plan.cause.reason,
            "incident": plan.cause.incident,
            "at": plan.cause.at,
            "steps": [{"id": step.id, **step.document()} for step in plan.steps],
        },
        indent=2,
        sort_keys=True,
    )
