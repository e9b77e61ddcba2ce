"""What each member account needs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import aws_cdk as cdk
from aws_cdk import aws_accessanalyzer as accessanalyzer
from constructs import Construct

from sudo_mcp_guardrails.constructs.agent_guardrails import AgentGuardrails
from sudo_mcp_guardrails.constructs.budget import check_bytes, check_count
from sudo_mcp_guardrails.constructs.source_lines import note_source
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.policies.organization.settings import OrganizationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from aws_cdk import aws_iam as iam
    from constructs import IConstruct

    from sudo_mcp_guardrails.agents import Agent
    from sudo_mcp_guardrails.constructs.direct import DirectAssumption
    from sudo_mcp_guardrails.constructs.session_broker import BrokerCaller

_GUARDED: Final[WeakKeyDictionary[IConstruct, dict[tuple[str, str], str]]] = WeakKeyDictionary()
"""Construct path by (account, prefix), for each app."""


class AccountBaseline(Construct):
    """The guardrails of one account: its agents once, and in each Region what is regional.

    IAM is global, so that an account's agents stand in one stack, of its home Region. What an account needs and
    CloudFormation has no resource for (S3's public access block of the account, EBS encryption by default, the
    password policy) is left to the declarative policies of the organization.

    Costs nothing by default. An access analyzer for external access is free as well; hooks cost what they say.

    Args:
        scope: The scope, in a stack of the account.
        id: The construct's id.
        agents: Agents, of which those that have an environment in this account are guarded here. Default: none.
        callers: Who may ask the account's broker for sessions; those of agents that are not here are left out.
        apply_broker: The role that mints apply sessions. Default: nobody can assume the apply roles.
        direct_assumption: Who may assume read and plan without the broker. Default: nobody.
        names: Names of the guardrails' own resources.
        session_duration: Of the sessions that the broker mints. Default: 15 minutes.
        access_analyzer: Whether to make an IAM Access Analyzer for the account and Region. Default: False, since an
            account has one for each Region by default quota, and the organization may have one.
        hooks: Makes the account's CloudFormation hooks below a scope, such as
            ``lambda scope: GuardHook(scope, "Hook")``. Default: none.

    Raises:
        OrganizationError: For nothing to make, agents that do not fit into a stack, and a second baseline of the same
            prefix for the agents of one account in an app.
        InvalidAgentError: As :class:`AgentGuardrails`.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        agents: Sequence[Agent] = (),
        callers: Sequence[BrokerCaller] = (),
        apply_broker: iam.IRole | None = None,
        direct_assumption: DirectAssumption | None = None,
        names: GuardrailNames | None = None,
        session_duration: cdk.Duration | None = None,
        access_analyzer: bool = False,
        hooks: Callable[[Construct], Any] | None = None,
    ) -> None:
        super().__init__(scope, id)
        note_source(self)
        account = cdk.Stack.of(self).account
        known = None if cdk.Token.is_unresolved(account) else account
        here = [agent for agent in agents if agent.environments_in(known)]
        if not here and not access_analyzer and hooks is None:
            raise OrganizationError(
                f"baseline {self.node.path!r} of account {account!r} has nothing to make, expected agents that have "
                "an environment there, an access analyzer or hooks"
            )
        self.guardrails: AgentGuardrails | None = None
        """The account's agents; None without any."""
        if here:
            names = names or GuardrailNames()
            kept = callers_of(callers, here)
            grants = sum(caller.grantee is not None for caller in kept)
            check_count(account, len(here), grants + access_analyzer)
            self._claim(known, names.prefix)
            self.guardrails = AgentGuardrails(
                self,
                "Agents",
                agents=here,
                callers=kept,
                apply_broker=apply_broker,
                direct_assumption=direct_assumption,
                names=names,
                session_duration=session_duration,
            )
            check_bytes(account, {agent.name: self.guardrails.roles(agent.name).documents for agent in here})
        if access_analyzer:
            accessanalyzer.CfnAnalyzer(self, "AccessAnalyzer", type="ACCOUNT")
        if hooks is not None:
            hooks(self)

    def _claim(self, account: str | None, prefix: str) -> None:
        """Note that the agents of an account stand here, under one prefix."""
        if account is None:
            return
        taken = _GUARDED.setdefault(self.node.root, {})
        if (account, prefix) in taken:
            raise OrganizationError(
                f"agents of account {account!r} are guarded by {taken[account, prefix]!r} and by {self.node.path!r} "
                f"with one prefix {prefix!r}, so that their roles have the same names: put the agents into one "
                "baseline, or give one of them another prefix"
            )
        taken[account, prefix] = self.node.path


def callers_of(callers: Sequence[BrokerCaller], agents: Sequence[Agent]) -> tuple[BrokerCaller, ...]:
    """Return the callers that some of these agents have, each with those agents alone."""
    names = {agent.name for agent in agents}
    narrowed = (replace(c, agents=tuple(n for n in c.agents if n in names)) if c.agents else c for c in callers)
    return tuple(c for c, given in zip(narrowed, callers, strict=True) if c.agents or not given.agents)
