"""The front door for an organization."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import aws_cdk as cdk
from aws_cdk import aws_accessanalyzer as accessanalyzer

from sudo_mcp_guardrails.agents import check_agents
from sudo_mcp_guardrails.constructs.account_baseline import AccountBaseline
from sudo_mcp_guardrails.constructs.attachments import claim_zone
from sudo_mcp_guardrails.constructs.landing_zone_checks import (
    check_accounts,
    check_callers,
    check_quotas,
    check_region,
    check_regions_of_agents,
    check_targets_bind,
)
from sudo_mcp_guardrails.constructs.landing_zone_trail import forward_events, zone_trail
from sudo_mcp_guardrails.constructs.organization_guardrails import OrganizationGuardrails
from sudo_mcp_guardrails.constructs.policy_set import quota_of
from sudo_mcp_guardrails.constructs.resource_guardrails import ResourceGuardrails
from sudo_mcp_guardrails.policies.organization.guardrail import PolicyKind
from sudo_mcp_guardrails.policies.organization.packs import QUOTAS
from sudo_mcp_guardrails.policies.organization.settings import OrganizationError, OrganizationSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from constructs import Construct

    from sudo_mcp_guardrails.agents import Agent
    from sudo_mcp_guardrails.compliance.retention import Retention
    from sudo_mcp_guardrails.constructs.adopted import AdoptedLandingZone
    from sudo_mcp_guardrails.constructs.immutable_log_bucket import ImmutableLogBucket
    from sudo_mcp_guardrails.constructs.landing_zone_trail import ZoneTrail
    from sudo_mcp_guardrails.constructs.session_broker import BrokerCaller
    from sudo_mcp_guardrails.policies.organization.guardrail import ManagementPolicy
    from sudo_mcp_guardrails.policies.organization.packs import Quota

_WARNING: Final = "sudo-mcp-guardrails:agentLandingZone.sharedAccount"
_UNPROVED: Final = "sudo-mcp-guardrails:agentLandingZone.exemptWithoutAgents"


class AgentLandingZone(cdk.Stage):
    """The guardrails of agents over a whole organization: one plain stack for each account and Region.

    Makes these stacks, whose ids never change, and those of a Region only where something regional belongs there:

    - ``Organization``, in the management account or the delegated one: SCPs, RCPs and declarative policies.
    - ``Workload-ACCOUNT-REGION``: the agents of an account in the home Region, since IAM is global; its hooks in each
      Region that its agents work in.
    - ``Security-REGION``, with ``access_analyzer``: the organization's analyzer in the security account.

    - ``LogArchive`` and ``Trail``, with ``retention``: the bucket in the log archive account, locked for that long, and
      the organization's trail in the management account.
    - ``Events-ACCOUNT-REGION``, with a ``log_pipeline`` that takes them: what sends agents' calls to the log archive
      within seconds, in each Region that agents work in and in that of global services; for the management account
      it is in ``Trail``.

    Without ``retention`` what the organization has of logs stays as it is, and nothing costs anything.

    Args:
        scope: The app, or a stage.
        id: The construct's id; it begins the names of all stacks.
        management_account: The organization's. No SCP or RCP binds it, so that no agent may work there.
        log_archive_account: Where the logs are kept.
        security_account: The audit account, delegated administrator of the security services.
        home_region: Region of the organization's stack, and of all that is global.
        agents: All agents; an account of an environment is a workload account.
        targets: Ids of the roots, OUs or accounts that the policies are attached to.
        settings: The organization's. Default: the library's names, no limit of Regions, nobody exempt.
        packs: Packs of SCPs. Default: ``agents``.
        resource_packs: Packs of RCPs. Default: none.
        management: Declarative and management policies, by id or as values. Default: none.
        adopt: What the organization has already. Default: nothing.
        quotas: What a target can take of each type. Default: AWS's.
        policy_account: The account that manages policies, where that is delegated. Default: the management account.
        callers: Who may ask each account's broker, as patterns such as permission sets. Default: nobody.
        access_analyzer: Whether to make the organization's IAM Access Analyzer in the security account, in each
            Region; that account must be its delegated administrator. Default: False.
        retention: How long the organization's trail is kept, which is then made; ``settings`` must tell the
            organization's id. Default: no trail is made.
        log_pipeline: Makes what reads the log archive, such as
            ``lambda scope, archive: LogPipeline(scope, "Pipeline", …)``; with ``retention``. A :class:`LogPipeline`
            with a fast path takes agents' calls of the organization's accounts within seconds. Default: nothing.
        hooks: Makes an account's CloudFormation hooks below a scope, in each of its Regions, such as
            ``lambda scope: GuardHook(scope, "Hook")``. Default: none.

    Raises:
        OrganizationError: As :class:`OrganizationGuardrails` and :class:`AccountBaseline`; for account ids of another
            form, an unknown Region, one of another partition, agents in the management account, the management
            account as a target, as the log archive or as the security account, an agent's Region that
            ``settings.regions`` leave out, a target of another landing zone of the app, and a caller that is one
            account's role or user. A warning, and no error, are agents in the log archive or the security account
            (``sudo-mcp-guardrails:agentLandingZone.sharedAccount``), and exemptions without the pack ``agents``
            (``sudo-mcp-guardrails:agentLandingZone.exemptWithoutAgents``).
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        management_account: str,
        log_archive_account: str,
        security_account: str,
        home_region: str,
        agents: Sequence[Agent],
        targets: Sequence[str],
        settings: OrganizationSettings | None = None,
        packs: Sequence[str] = ("agents",),
        resource_packs: Sequence[str] = (),
        management: Sequence[str | ManagementPolicy] = (),
        adopt: AdoptedLandingZone | None = None,
        quotas: Mapping[PolicyKind, Quota] | None = None,
        policy_account: str | None = None,
        callers: Sequence[BrokerCaller] = (),
        access_analyzer: bool = False,
        retention: Retention | None = None,
        log_pipeline: Callable[[Construct, ImmutableLogBucket], Any] | None = None,
        hooks: Callable[[Construct], Any] | None = None,
    ) -> None:
        super().__init__(scope, id)
        self.agents: tuple[Agent, ...] = check_agents(agents)
        """All agents, in order of name."""
        self.regions: Mapping[str, tuple[str, ...]] = _regions(self.agents, home_region)
        """Regions of each workload account, the home Region first."""
        policy_account = policy_account or management_account
        check_accounts(
            management=management_account,
            log_archive=log_archive_account,
            security=security_account,
            policy=policy_account,
        )
        settings = settings or OrganizationSettings()
        check_region(home_region, [*settings.regions, *(r for found in self.regions.values() for r in found)])
        check_regions_of_agents(settings.regions, self.agents)
        check_targets_bind(targets, management_account, self.agents)
        check_callers(callers)
        quotas = quotas or {}
        check_quotas(quotas)
        claim_zone(self, targets)
        if adopt is not None:
            everywhere = sorted({region for found in self.regions.values() for region in found})
            settings = replace(settings, exempt=(*settings.exempt, *adopt.exempt(sorted(self.regions), everywhere)))
        self.settings: OrganizationSettings = settings
        """What the policies are made from, with the exemptions of what is adopted."""
        self.adopted: AdoptedLandingZone | None = adopt
        """What the organization has already."""
        self._home = home_region

        place = self._stack("Organization", policy_account, home_region)
        governed = adopt is not None and adopt.control_tower
        self.organization: OrganizationGuardrails = OrganizationGuardrails(
            place,
            "Guardrails",
            targets=targets,
            settings=settings,
            packs=packs,
            management=management,
            quota=self._quota(PolicyKind.SCP, quotas),
            management_quotas={kind: self._quota(kind, quotas) for kind in QUOTAS},
            control_tower=governed,
        )
        """The SCPs and declarative policies."""
        if settings.exempt and "agents" not in packs:
            cdk.Annotations.of(self.organization).add_warning_v2(
                _UNPROVED,
                "the proof that no agent can come to be exempt supposes the pack 'agents', which is not among packs "
                f"{', '.join(packs)}: name it, or attach it to the targets or above from elsewhere",
            )
        self.resources: ResourceGuardrails | None = None
        """The RCPs; None without any."""
        if resource_packs:
            self.resources = ResourceGuardrails(
                place,
                "Resources",
                targets=targets,
                settings=settings,
                packs=resource_packs,
                quota=self._quota(PolicyKind.RCP, quotas),
                control_tower=governed,
            )
        self.baselines: Mapping[str, AccountBaseline] = {
            account: self._baselines(account, callers, hooks) for account in self.regions
        }
        """The baseline of each workload account in the home Region."""
        for account, name in ((log_archive_account, "log archive"), (security_account, "security")):
            if account in self.regions:
                cdk.Annotations.of(self.baselines[account]).add_warning_v2(
                    _WARNING, f"agents work in the {name} account {account}, beside what guards them"
                )
        self.trail: ZoneTrail | None = None
        """The organization's trail and its bucket; None without ``retention``."""
        if retention is not None:
            self.trail = zone_trail(
                self._stack("LogArchive", log_archive_account, home_region),
                self._stack("Trail", management_account, home_region),
                retention=retention,
                settings=settings,
                adopt=adopt,
                pipeline=log_pipeline,
            )
            forward_events(self.trail, self.regions, self._stack, settings)
        elif log_pipeline is not None:
            raise OrganizationError("log_pipeline without retention has nothing to read, expected both")
        if access_analyzer:
            for region in sorted({region for found in self.regions.values() for region in found}):
                security = self._stack(f"Security-{region}", security_account, region)
                accessanalyzer.CfnAnalyzer(security, "AccessAnalyzer", type="ORGANIZATION")

    def _stack(self, id: str, account: str, region: str) -> cdk.Stack:
        """Make a stack; without indentation a template holds half as many agents again."""
        env = cdk.Environment(account=account, region=region)
        return cdk.Stack(self, id, env=env, suppress_template_indentation=True)

    def _baselines(
        self, account: str, callers: Sequence[BrokerCaller], hooks: Callable[[Construct], Any] | None
    ) -> AccountBaseline:
        """Make the stacks of an account; return the baseline of its home Region."""
        home = AccountBaseline(
            self._stack(f"Workload-{account}-{self._home}", account, self._home),
            "Baseline",
            agents=self.agents,
            callers=callers,
            names=self.settings.names,
            hooks=hooks,
        )
        if hooks is not None:
            for region in self.regions[account][1:]:
                AccountBaseline(self._stack(f"Workload-{account}-{region}", account, region), "Baseline", hooks=hooks)
        return home

    def _quota(self, kind: PolicyKind, quotas: Mapping[PolicyKind, Quota]) -> Quota:
        """Return what a target can take, with the slots of those that are adopted reserved."""
        limit = quota_of(kind, quotas.get(kind))
        others = 0 if self.adopted is None else self.adopted.slots.get(kind, 0)
        return replace(limit, reserved=limit.reserved + others)


def _regions(agents: Sequence[Agent], home: str) -> dict[str, tuple[str, ...]]:
    """Return the Regions that each account's agents work in, the home Region first, by account in order."""
    found: dict[str, set[str]] = {}
    for agent in agents:
        for environment in agent.environments:
            for account in environment.accounts:
                found.setdefault(account, set()).update(agent.regions_in(environment))
    return {account: (home, *sorted(found[account] - {home})) for account in sorted(found)}
