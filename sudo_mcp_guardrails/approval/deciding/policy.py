"""Who decides what, as data. Its version is its digest, and every approval is bound to one."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval import codec
from sudo_mcp_guardrails.approval.authentication.freshness import Freshness
from sudo_mcp_guardrails.approval.bounds import check_name, check_names
from sudo_mcp_guardrails.approval.canonical import digest
from sudo_mcp_guardrails.approval.deciding.calendar import Calendar
from sudo_mcp_guardrails.approval.deciding.delegation import DelegationRules
from sudo_mcp_guardrails.approval.deciding.people import People, plain  # noqa: TC001 - the codec reads it at run time
from sudo_mcp_guardrails.approval.deciding.quorum import QUORUMS, Quorum  # noqa: TC001 - the codec reads it at run time
from sudo_mcp_guardrails.approval.errors import DecisionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.approval.deciding.request import ApprovalRequest, Requester

POLICY_KIND: Final = "approval-policy/1"
MIN_REASON: Final = 20
"""Characters that the reason of a break-glass has at least."""
_EVERYTHING: Final = "*"
_MAX_WAIT: Final = 4 * 3600


@dataclass(frozen=True)
class Group:
    """People who may decide; who is in it says the identity provider, at each decision.

    Attributes:
        name: as the identity provider has it.
        environments: that they decide about. Default: all.
        services: IAM prefixes that they decide about: a plan that touches another one is not theirs. Default: all.
        aliases: names by which a team is an agent's owner, such as its mailbox.
    """

    name: str
    environments: tuple[str, ...] = (_EVERYTHING,)
    services: tuple[str, ...] = (_EVERYTHING,)
    aliases: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Validate; raises DecisionError."""
        check_name("group", self.name)
        for name in ("environments", "services", "aliases"):
            check_names(f"{name} of group {self.name!r}", getattr(self, name))

    def decides(self, environment: str, services: Sequence[str]) -> bool:
        """Return whether they may decide about an environment and services; about unknown services, who may all."""
        about = _EVERYTHING in self.services or (bool(services) and set(services) <= set(self.services))
        return about and (_EVERYTHING in self.environments or environment in self.environments)


@dataclass(frozen=True)
class Step:
    """One step of the escalation: from when on which groups may decide, besides those before.

    Attributes:
        after: seconds since the request; the first step has 0.
        groups: their names.
    """

    after: int
    groups: tuple[str, ...]

    def __post_init__(self) -> None:
        """Validate; raises DecisionError."""
        check_names("groups of a step", self.groups)
        if not 0 <= self.after < _MAX_WAIT or not self.groups:
            raise DecisionError(f"a step after {self.after} seconds is not allowed, allowed: groups after 0 to 14399")


@dataclass(frozen=True)
class BreakGlass:
    """Who may approve alone in an emergency, with a second factor and a reason; everybody is told, and it is audited.

    Attributes:
        groups: whose members may. Default: nobody.
    """

    groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Validate; raises DecisionError."""
        check_names("groups of break-glass", self.groups)


@dataclass(frozen=True)
class ApprovalPolicy(codec.Documented):
    """The rules that approvals are decided by.

    Attributes:
        people: everybody who may decide or stand behind a request.
        groups: all that may decide, and teams that own agents.
        escalation: who may decide from when.
        freshness: what proves that a person is there.
        nonproduction: environments that are not production; every other one is.
        quorums: one for each class of risk but R4, in production and outside.
        delegation: which are taken.
        calendar: when changes may be made.
        break_glass: who may approve alone.
        owner_team_decides: whether members of a team that owns the agent may decide, if they did not ask themselves.
            An owner who is one person never does.

    Raises:
        DecisionError: something is missing, twice or not known.
    """

    people: People
    groups: tuple[Group, ...]
    escalation: tuple[Step, ...]
    freshness: Freshness
    nonproduction: tuple[str, ...] = ("sandbox",)
    quorums: tuple[Quorum, ...] = QUORUMS
    delegation: DelegationRules = field(default_factory=DelegationRules)
    calendar: Calendar = field(default_factory=Calendar)
    break_glass: BreakGlass = field(default_factory=BreakGlass)
    owner_team_decides: bool = False

    def __post_init__(self) -> None:
        """Validate."""
        check_names("environments that are not production", self.nonproduction)
        check_names("groups", [group.name for group in self.groups])
        known = {group.name for group in self.groups}
        named = [*self.break_glass.groups, *(name for step in self.escalation for name in step.groups)]
        unknown = [name for name in named if name not in known]
        if unknown:
            raise DecisionError(f"group {unknown[0]!r} is not known, allowed are {', '.join(sorted(known)) or 'none'}")
        times = [step.after for step in self.escalation]
        if not times or times[0] != 0 or times != sorted(set(times)):
            raise DecisionError(f"escalation after {times} seconds is not allowed, allowed: 0 first, then ever later")
        covered = [(quorum.risk, quorum.production) for quorum in self.quorums]
        wanted = {(risk, place) for risk in RiskClass if risk is not RiskClass.R4 for place in (False, True)}
        if len(covered) != len(wanted) or set(covered) != wanted:
            raise DecisionError("the quorums are not one for each class R0 to R3, in production and outside")

    @cached_property
    def version(self) -> str:
        """SHA-256 of the policy, 64 hexadecimal digits."""
        return digest(POLICY_KIND, self.document())

    @classmethod
    def from_document(cls, document: object) -> ApprovalPolicy:
        """Read it from JSON; raises DecisionError."""
        return codec.read(cls, document, "policy")

    def quorum(self, request: ApprovalRequest) -> Quorum:
        """Return what a request takes.

        Raises:
            DecisionError: nobody can approve it.
        """
        production = request.environment not in self.nonproduction
        for quorum in self.quorums:
            if (quorum.risk, quorum.production) == (request.risk, production):
                return quorum
        raise DecisionError(f"the plan is {request.risk.value}, which nobody can approve")

    def deciding(self, request: ApprovalRequest, time: int) -> tuple[str, ...]:
        """Return the groups that may decide a request at a time, in the policy's order."""
        steps = [step for step in self.escalation if request.created + step.after <= time]
        named = {name for step in steps for name in step.groups}
        return self._about(request, named)

    def breaking(self, request: ApprovalRequest) -> tuple[str, ...]:
        """Return the groups whose members may approve a request alone."""
        return self._about(request, set(self.break_glass.groups))

    def excluded(self, requester: Requester) -> tuple[frozenset[str], frozenset[str]]:
        """Return the people and the groups that stand behind a request, and so never decide it.

        Raises:
            DecisionError: it cannot be told who they are: then no approval can be told from a requester's own.
        """
        person = self.people.of(requester.person)
        if person is None:
            raise DecisionError(f"person {requester.person!r} behind the request is nobody that the policy knows")
        names = {plain(each) for each in (requester.agent, requester.run, requester.person, requester.owner)}
        owner = plain(requester.owner)
        teams = {group.name for group in self.groups if owner in {plain(each) for each in (group.name, *group.aliases)}}
        owning = self.people.of(requester.owner)
        if owning is None and not teams:
            raise DecisionError(f"owner {requester.owner!r} of the agent is nobody that the policy knows")
        people = names | {person} | ({owning} if owning else set())
        return frozenset(people), frozenset() if self.owner_team_decides else frozenset(teams)

    def weaknesses(self) -> tuple[str, ...]:
        """Return what is weaker here than by default, one line each, to be said aloud."""
        found = [
            f"quorum of {mine.risk.value} {'in' if mine.production else 'outside'} production is weaker than by default"
            for mine in self.quorums
            for default in QUORUMS
            if (mine.risk, mine.production) == (default.risk, default.production)
            and (mine.people < default.people or mine.groups < default.groups)
        ]
        if self.owner_team_decides:
            found.append("members of the team that owns an agent decide about it")
        if self.freshness.amr and not set(self.freshness.amr) <= set(Freshness().amr):
            found.append("a sign-in by another method than by default counts")
        return tuple(found)

    def _about(self, request: ApprovalRequest, named: set[str]) -> tuple[str, ...]:
        about = (group for group in self.groups if group.decides(request.environment, request.services))
        return tuple(group.name for group in about if group.name in named)
