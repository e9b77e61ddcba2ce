"""What there is to contain: the registered agents, where they work, and what was deployed to contain them with."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Protocol

from sudo_mcp_guardrails.agents import check_agents
from sudo_mcp_guardrails.policies.containment.names import (
    organization_response_name,
    response_name,
    table_name,
)
from sudo_mcp_guardrails.policies.naming import ROLE_KINDS, GuardrailNames
from sudo_mcp_guardrails.response.errors import ContainmentError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sudo_mcp_guardrails.agents import Agent
    from sudo_mcp_guardrails.state.targets import Target

_ACCOUNT: Final = re.compile(r"[0-9]{12}")
_REGION: Final = re.compile(r"[a-z]{2,8}(?:-[a-z]{1,12}){1,3}-[0-9]{1,2}")
_SCP: Final = re.compile(r"p-[0-9a-zA-Z_]{8,128}")
_HOLDER: Final = re.compile(r"r-[a-z0-9]{4,32}|ou-[a-z0-9]{4,32}-[a-z0-9]{8,32}|[0-9]{12}")
_CALLER: Final = re.compile(
    r"arn:(?P<partition>aws(?:-[a-z]{1,12}){0,3}):(?P<service>iam|sts)::(?P<account>[0-9]{12}):"
    r"(?P<kind>root|user|role|assumed-role|federated-user)(?P<rest>/[\w+=,.@/-]{1,700})?",
    re.ASCII,
)


class Clients(Protocol):
    """Where the clients come from: the handler's, the command line's, or a test's."""

    def client(self, service: str, account: str, region: str) -> Any:  # noqa: ANN401 - of boto3
        """Return a low-level client that acts in an account and Region.

        Args:
            service: As boto3 names it: ``iam``, ``dynamodb``, ``organizations``, ``cloudformation``,
                ``cloudcontrol``, ``codebuild``; or ``approvals`` for a
                :class:`~sudo_mcp_guardrails.response.steps.approvals.Approvals`.
            account: 12 digits.
            region: empty for a service that has none.

        Raises:
            Exception: Whatever stands in the way; the step then fails, and the others go on.
        """
        ...


@dataclass(frozen=True)
class Estate:
    """What a plan is made from.

    Args:
        agents: The registered agents.
        account: Where the kill switch, the approvals and the restore records are.
        region: Likewise; and where agents work that name no Region.
        names: Names of the guardrails' own resources.
        partition: Of all ARNs. Default: ``aws``.
        table: Name of the kill switch's table. Default: the guardrails' own.
        scps: Pattern of agents' names, such as ``release-*`` or ``*``, to the id of the SCP that contains them.
            Default: none, and K3 and K4 act on each agent's roles.
        scp_targets: Ids of the roots, OUs or accounts that SCPs are attached to. Given with ``scps``.
        organization_account: The account that may attach SCPs. Given with ``scps``.
        unbound_accounts: Accounts that no SCP binds, where agents' roles are contained one by one: the management
            account's, and those outside of ``scp_targets``.
        responders: ARNs of roles that contain, besides the guardrails' own.
        has_approvals: Whether there is an approval workflow in the account of the kill switch. Default: no, and none
            are withdrawn.
        terraform_agents: Names of the agents whose plans of Terraform a project applies, in that account and Region.
            Default: none.

    Raises:
        ContainmentError: A value is of another form, or ``scps``, targets and account are not given together.
        InvalidAgentError: For agents that cannot live side by side.
    """

    agents: tuple[Agent, ...]
    account: str
    region: str
    names: GuardrailNames = field(default_factory=GuardrailNames)
    partition: str = "aws"
    table: str = ""
    scps: Mapping[str, str] = field(default_factory=dict)
    scp_targets: tuple[str, ...] = ()
    organization_account: str = ""
    unbound_accounts: tuple[str, ...] = ()
    responders: tuple[str, ...] = ()
    has_approvals: bool = False
    terraform_agents: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Validate."""
        object.__setattr__(self, "agents", check_agents(self.agents))
        object.__setattr__(self, "table", self.table or table_name(self.names))
        given = (self.account, *self.unbound_accounts, *((self.organization_account,) if self.scps else ()))
        _check("account", given, _ACCOUNT, "12 digits")
        _check("Region", (self.region,), _REGION, "one such as eu-central-1")
        _check("SCP", self.scps.values(), _SCP, "an id such as p-a1b2c3d4")
        _check("target of SCPs", self.scp_targets, _HOLDER, "the id of a root, OU or account")
        _check("responder", self.responders, _CALLER, "the ARN of a role")
        if bool(self.scps) != bool(self.scp_targets) or bool(self.scps) != bool(self.organization_account):
            raise ContainmentError(
                "SCPs to contain with need targets and the account that attaches them, give all or none"
            )
        for arn in self.responders:
            if agent_of(arn, self.names) is not None:
                raise ContainmentError(f"responder {arn!r} is an agent's role, allowed: any other")

    def covered(self, target: Target) -> tuple[Agent, ...]:
        """Return the registered agents that a target is about.

        Raises:
            ContainmentError: There is none: a name that was mistyped must not look like a containment.
        """
        found = tuple(agent for agent in self.agents if target.covers(agent.name))
        if not found:
            known = ", ".join(agent.name for agent in self.agents[:20])
            raise ContainmentError(f"target {target.key!r} is no registered agent's, known are {known}")
        return found

    def accounts(self, agent: Agent) -> tuple[str, ...]:
        """Return the accounts that an agent has roles in, in order."""
        return tuple(sorted({account for e in agent.environments for account in e.accounts}))

    def regions(self, agent: Agent, account: str) -> tuple[str, ...]:
        """Return the Regions that an agent works in, in one account."""
        found = {region for e in agent.environments_in(account) for region in agent.regions_in(e)}
        return tuple(sorted(found)) or (self.region,)

    def is_bound(self, account: str) -> bool:
        """Return whether the SCPs that contain would bind an account."""
        return bool(self.scps) and account not in {*self.unbound_accounts, self.organization_account}

    def responds(self, account: str, role: str) -> bool:
        """Return whether a role is one that contains.

        Args:
            account: Of the role.
            role: Its name.
        """
        if role in {response_name(self.names), organization_response_name(self.names)}:
            return True
        return any(arn.split(":")[4] == account and arn.rsplit("/", 1)[-1] == role for arn in self.responders)


def check_responder(by: str, names: GuardrailNames) -> None:
    """Check who wants to contain or to restore.

    Args:
        by: ARN of the caller, as AWS verified it.
        names: Names of the guardrails' own resources.

    Raises:
        ContainmentError: It is no caller's ARN, or an agent's: an agent neither contains another nor frees itself.
    """
    if not _CALLER.fullmatch(by):
        raise ContainmentError(
            f"responder {by[:120]!r} is no caller, allowed: the ARN of a user, a role or its session"
        )
    agent = agent_of(by, names)
    if agent is not None:
        raise ContainmentError(f"responder {by!r} is agent {agent!r}, allowed: a person, or a role that is no agent's")


def agent_of(arn: str, names: GuardrailNames) -> str | None:
    """Return the name of the agent that an ARN is of; None for anybody else's.

    The ARN of a session has the role's name and not its path (IAM user guide, "IAM identifiers"); a role of that form
    off the agents' path is taken for an agent's, since that cannot be told from there. The session of a role of an
    agent's resources is told by the role's ARN alone.

    Args:
        arn: Of a role or a session.
        names: Names of the guardrails' own resources.
    """
    found = _CALLER.fullmatch(arn)
    if found is None or not found["rest"]:
        return None
    parts = found["rest"].strip("/").split("/")
    if found["kind"] == "role":
        path = f"/{'/'.join(parts)}"
        if path.startswith(names.agents_path):
            return path.removeprefix(names.agents_path).split("/", 1)[0]
        return None
    if found["kind"] == "assumed-role" and parts[0].startswith(f"{names.prefix}-"):
        middle, _, kind = parts[0].removeprefix(f"{names.prefix}-").rpartition("-")
        return middle if middle and kind in ROLE_KINDS else None
    return None


def _check(what: str, values: Iterable[str], wanted: re.Pattern[str], allowed: str) -> None:
    for value in values:
        if not wanted.fullmatch(value):
            raise ContainmentError(f"{what} {value[:80]!r} is not allowed, expected {allowed}")
