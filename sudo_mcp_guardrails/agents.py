"""The vocabulary: who an agent is, what it may do, and where.

Everything here is a value that is validated when it is made: a wrong name, Region or service raises
:class:`InvalidAgentError`, which names the value and what is allowed.
Nothing of AWS or the CDK is imported.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agent_checks import (
    InvalidAgentError,
    check_regions,
    check_resource,
    check_service,
    strings,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_NAME: Final = re.compile(r"[a-z](?:-?[a-z0-9]){1,30}")
_ACCOUNT: Final = re.compile(r"\d{12}")
_PREFIX: Final = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,38}[a-z0-9])?[._-]?")
_OWNER: Final = re.compile(r"[\w.:/=+@ -]{1,128}")
_ACTION: Final = re.compile(r"[a-z0-9-]{1,63}:[A-Za-z0-9]{1,128}")


class Capability(str, Enum):
    """What a session of an agent is for. Each is an IAM role of its own."""

    READ = "read"
    """List and describe, without secrets, credentials or bulk data."""
    PLAN = "plan"
    """Read, and prepare a change set or a plan file; never execute one."""
    APPLY = "apply"
    """Write, for one approved plan; minted by the approval workflow alone."""


class TrustTier(str, Enum):
    """How much autonomy an agent has earned. People promote, evidence only makes eligible."""

    T0 = "T0"
    """New or fallen: it reads, and nothing else is even put before a person."""
    T1 = "T1"
    """Supervised: every change goes to a person."""
    T2 = "T2"
    """Trusted: changes of class R1 may be applied by rule, within a budget."""
    T3 = "T3"
    """Proven: changes up to R2 may be applied by rule, within a budget and with random audits. R3 never is."""


class RiskClass(str, Enum):
    """How dangerous one action or plan is."""

    R0 = "R0"
    """Reads no secret and changes nothing."""
    R1 = "R1"
    """Changes one thing that is easily put back, outside production."""
    R2 = "R2"
    """Changes production, or several things."""
    R3 = "R3"
    """Touches identity, network exposure or data that cannot be restored: a person decides, always."""
    R4 = "R4"
    """Forbidden: nobody can approve it."""


class SensitiveRead(str, Enum):
    """Classes of reads that are called harmless and are not. An agent opts in class by class."""

    SECRET = "secret"  # noqa: S105 - the name of a class of actions, not a secret
    """Returns a secret's value, or decrypts one."""
    CREDENTIAL = "credential"
    """Returns something that signs in: a token, a key, a password, a presigned session."""
    BULK_DATA = "bulk-data"
    """Returns customer data: objects, rows, messages, source code."""
    CONFIGURATION = "configuration"
    """Returns configuration that often has secrets in it: environment variables, user data, templates."""
    LOG = "log"
    """Returns log lines, which often carry secrets and personal data."""


@dataclass(frozen=True)
class DeclaredAction:
    """An IAM action that is newer than the action catalogue, or outside what the sets would grant.

    Args:
        name: ``"service:Action"``.
        access_level: ``"Read"`` or ``"List"`` puts it into the read set, ``"Write"`` into the apply and
            execution sets, always confined to the agent's own resources.
        resource_level: False for an action that knows no resource (it is then granted on ``*``, and only
            where it reads).
    """

    name: str
    access_level: str
    resource_level: bool = True

    def __post_init__(self) -> None:
        """Validate; raises InvalidAgentError."""
        if not _ACTION.fullmatch(self.name):
            raise InvalidAgentError("declared action", self.name, "service:Action, without wildcards")
        if self.access_level not in {"Read", "List", "Write"}:
            raise InvalidAgentError("access level", self.access_level, "Read, List or Write")
        if self.access_level == "Write" and not self.resource_level:
            raise InvalidAgentError(
                "declared action",
                self.name,
                "a Write that can be confined to a resource (resource_level=True)",
            )


@dataclass(frozen=True)
class AgentEnvironment:
    """A named set of accounts, Regions and resource-name prefixes, enforced by ARN and account.

    Args:
        name: Lower-case words joined by hyphens, such as ``"sandbox"``.
        accounts: AWS account ids, 12 digits each; at least one.
        regions: Regions that the agent may work in there. Default: the Region that the guardrails are
            deployed to.
        prefixes: Beginnings of the names of the resources the agent owns there. Default: the agent's name
            and a hyphen.
        is_production: True where changes are production changes; risk rules weigh it.
    """

    name: str
    accounts: Sequence[str]
    regions: Sequence[str] = ()
    prefixes: Sequence[str] = ()
    is_production: bool = False

    def __post_init__(self) -> None:
        """Validate; raises InvalidAgentError."""
        for field in ("accounts", "regions", "prefixes"):
            object.__setattr__(self, field, strings(f"environment {field}", getattr(self, field)))
        if not _NAME.fullmatch(self.name):
            raise InvalidAgentError("environment name", self.name, "2 to 32 lower-case letters, digits, single hyphens")
        if not self.accounts:
            raise InvalidAgentError("environment accounts", self.accounts, "at least one account id of 12 digits")
        for account in self.accounts:
            if not _ACCOUNT.fullmatch(account):
                raise InvalidAgentError("account", account, "12 digits")
        for prefix in self.prefixes:
            if not _PREFIX.fullmatch(prefix):
                raise InvalidAgentError(
                    "resource-name prefix",
                    prefix,
                    "1 to 40 lower-case letters, digits, '.', '_' or '-', no wildcard",
                )
        check_regions(self.regions)

    @classmethod
    def sandbox(cls, *accounts: str, regions: Sequence[str] = (), prefixes: Sequence[str] = ()) -> AgentEnvironment:
        """Return an environment called ``sandbox`` that is not production."""
        return cls("sandbox", accounts, tuple(regions), tuple(prefixes))

    @classmethod
    def production(cls, *accounts: str, regions: Sequence[str] = (), prefixes: Sequence[str] = ()) -> AgentEnvironment:
        """Return an environment called ``production``, whose changes count as production changes."""
        return cls("production", accounts, tuple(regions), tuple(prefixes), is_production=True)


@dataclass(frozen=True)
class Agent:
    """One AI agent, and the scope it may work in.

    Args:
        name: 2 to 32 lower-case letters, digits and single hyphens; part of role names and of the session
            tag ``agent``.
        owner: The person or team that answers for the agent.
        services: IAM service prefixes that it may work on, such as ``"s3"``. Writes reach only resources
            whose names begin with a prefix of its environments.
        resources: Explicit resource ARNs, or ARN patterns, besides those of the prefixes. Each names an
            account, but for S3 buckets.
        environments: Where it works; at least one.
        regions: Narrows the Regions of every environment. Default: those of the environments.
        sensitive_reads: Classes of sensitive reads that it may do. Default: none.
        actions: Actions newer than the catalogue.
        transforms: CloudFormation macros and transforms its templates may use, since these run when a
            change set is created, such as ``"AWS::LanguageExtensions"``. Default: none.

    Raises:
        InvalidAgentError: With the field, the value and what is allowed.
    """

    name: str
    owner: str
    services: Sequence[str] = ()
    environments: Sequence[AgentEnvironment] = ()
    resources: Sequence[str] = ()
    regions: Sequence[str] = ()
    sensitive_reads: Sequence[SensitiveRead] = ()
    actions: Sequence[DeclaredAction] = ()
    transforms: Sequence[str] = ()

    def __post_init__(self) -> None:
        """Validate; raises InvalidAgentError."""
        for field in ("services", "resources", "regions", "transforms"):
            object.__setattr__(self, field, strings(f"agent {field}", getattr(self, field)))
        object.__setattr__(self, "environments", tuple(self.environments))
        object.__setattr__(self, "actions", tuple(self.actions))
        object.__setattr__(self, "sensitive_reads", _sensitive_reads(self.sensitive_reads))
        if not _NAME.fullmatch(self.name):
            raise InvalidAgentError("agent name", self.name, "2 to 32 lower-case letters, digits, single hyphens")
        if not _OWNER.fullmatch(self.owner):
            raise InvalidAgentError("agent owner", self.owner, "1 to 128 characters that a tag value may have")
        if not self.environments:
            raise InvalidAgentError("agent environments", self.environments, "at least one AgentEnvironment")
        if not (self.services or self.resources):
            raise InvalidAgentError("agent scope", (), "at least one service or resource")
        names = [environment.name for environment in self.environments]
        if len(set(names)) < len(names):
            raise InvalidAgentError("agent environments", names, "names that differ")
        for service in self.services:
            check_service(service)
        for resource in self.resources:
            check_resource(resource)
        check_regions(self.regions)

    def prefixes(self, environment: AgentEnvironment) -> tuple[str, ...]:
        """Return the resource-name prefixes that the agent owns in an environment."""
        return tuple(environment.prefixes) or (f"{self.name}-",)

    def environments_in(self, account: str | None) -> tuple[AgentEnvironment, ...]:
        """Return the environments that cover an account; all of them where the account is not known (None)."""
        return tuple(e for e in self.environments if account is None or account in e.accounts)

    def regions_in(self, environment: AgentEnvironment) -> tuple[str, ...]:
        """Return the Regions allowed in an environment; empty means the Region of the deployment."""
        if not self.regions:
            return tuple(environment.regions)
        narrowed = tuple(region for region in environment.regions if region in self.regions)
        if environment.regions and not narrowed:
            raise InvalidAgentError("agent regions", self.regions, f"some of {', '.join(environment.regions)}")
        return narrowed or tuple(self.regions)


def check_agents(agents: Iterable[Agent]) -> tuple[Agent, ...]:
    """Check a set of agents that will live side by side, and return it in order of name.

    Raises:
        InvalidAgentError: For no agents, two agents of one name, or two whose default prefixes overlap (an
            agent ``app`` would own what ``app-api`` makes; name the prefixes where that is meant).
    """
    ordered = tuple(sorted(agents, key=lambda agent: agent.name))
    if not ordered:
        raise InvalidAgentError("agents", (), "at least one Agent")
    for first, second in pairwise(ordered):
        if first.name == second.name:
            raise InvalidAgentError("agent name", first.name, "a name that no other agent has")
    for first in ordered:
        for second in ordered:
            if second.name.startswith(f"{first.name}-") and _share_default_prefix(first, second):
                raise InvalidAgentError(
                    "agent name",
                    second.name,
                    f"a name that does not begin with {first.name + '-'!r}, the default prefix of agent "
                    f"{first.name!r}, or explicit prefixes in their environments",
                )
    return ordered


def _share_default_prefix(first: Agent, second: Agent) -> bool:
    """Return whether two agents rely on default prefixes in one account."""
    accounts = [{a for e in agent.environments if not e.prefixes for a in e.accounts} for agent in (first, second)]
    return bool(accounts[0] & accounts[1])


def _sensitive_reads(value: Sequence[object]) -> tuple[SensitiveRead, ...]:
    """Return classes of sensitive reads, which may be given by their values."""
    try:
        return tuple(SensitiveRead(item) for item in value)
    except ValueError:
        known = [kind.value for kind in SensitiveRead]
        wrong = next(item for item in value if item not in known)
        raise InvalidAgentError("class of sensitive reads", wrong, f"one of {', '.join(known)}") from None
