"""Guardrails for AI agents that work in AWS, as CDK constructs, with a proof that they hold.

The public names are loaded when they are used: constructs start Node, the vocabulary does not.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sudo_mcp_guardrails.agent_checks import InvalidAgentError
    from sudo_mcp_guardrails.agents import (
        Agent,
        AgentEnvironment,
        Capability,
        DeclaredAction,
        RiskClass,
        SensitiveRead,
        TrustTier,
    )
    from sudo_mcp_guardrails.compliance.frameworks import Framework
    from sudo_mcp_guardrails.compliance.retention import Retention, RetentionError
    from sudo_mcp_guardrails.constructs.account_baseline import AccountBaseline
    from sudo_mcp_guardrails.constructs.adopted import AdoptedLandingZone
    from sudo_mcp_guardrails.constructs.agent_boundary import AgentBoundary
    from sudo_mcp_guardrails.constructs.agent_event_forwarding import AgentEventForwarding
    from sudo_mcp_guardrails.constructs.agent_guardrails import AgentGuardrails
    from sudo_mcp_guardrails.constructs.agent_landing_zone import AgentLandingZone
    from sudo_mcp_guardrails.constructs.agent_roles import AgentRoles
    from sudo_mcp_guardrails.constructs.agent_trail import AgentTrail
    from sudo_mcp_guardrails.constructs.agentcore_mcp_gateway import AgentCoreMcpGateway, GatewayServer
    from sudo_mcp_guardrails.constructs.approval.identity import ApprovalDirectory, ApprovalIdentity
    from sudo_mcp_guardrails.constructs.approval.names import WorkflowError
    from sudo_mcp_guardrails.constructs.approval.notices import NoticeTarget
    from sudo_mcp_guardrails.constructs.approval.terraform_project import TerraformProject
    from sudo_mcp_guardrails.constructs.approval.trust_ledger import TrustLedger
    from sudo_mcp_guardrails.constructs.approval.workflow import ApprovalWorkflow
    from sudo_mcp_guardrails.constructs.central_log_group import CentralLogGroup
    from sudo_mcp_guardrails.constructs.data_events import DataEvents
    from sudo_mcp_guardrails.constructs.direct import DirectAssumption
    from sudo_mcp_guardrails.constructs.gateway.endpoints import McpEndpoints
    from sudo_mcp_guardrails.constructs.gateway.props import (
        GuardLane,
        McpGatewayError,
        McpImage,
        McpTokens,
        Upstream,
    )
    from sudo_mcp_guardrails.constructs.guard_hook import GuardHook, RuleVersion
    from sudo_mcp_guardrails.constructs.guard_rules import GuardRules
    from sudo_mcp_guardrails.constructs.guardrails import Guardrails
    from sudo_mcp_guardrails.constructs.immutable_log_bucket import ImmutableLogBucket, LockMode
    from sudo_mcp_guardrails.constructs.ingestion_pipeline import IngestionPipeline
    from sudo_mcp_guardrails.constructs.isolated_mcp_server import IsolatedMcpServer
    from sudo_mcp_guardrails.constructs.kill_switch import KillSwitch
    from sudo_mcp_guardrails.constructs.log_destinations import HttpEndpoint, SecurityLake, StorageBucket
    from sudo_mcp_guardrails.constructs.log_forwarding import LogForwarding
    from sudo_mcp_guardrails.constructs.log_pipeline import LogPipeline
    from sudo_mcp_guardrails.constructs.log_pipeline_calls import EventMembers
    from sudo_mcp_guardrails.constructs.log_pipeline_props import IngesterSize, PipelineError
    from sudo_mcp_guardrails.constructs.log_pipeline_sources import Notifications, TrailSource
    from sudo_mcp_guardrails.constructs.log_subscription import LogSubscription
    from sudo_mcp_guardrails.constructs.mcp_gateway import McpGateway
    from sudo_mcp_guardrails.constructs.monitoring.monitoring import AgentMonitoring
    from sudo_mcp_guardrails.constructs.monitoring.targets import FindingTarget
    from sudo_mcp_guardrails.constructs.organization_guardrails import OrganizationGuardrails
    from sudo_mcp_guardrails.constructs.resource_guardrails import ResourceGuardrails
    from sudo_mcp_guardrails.constructs.response.account import ContainmentAccount
    from sudo_mcp_guardrails.constructs.response.documents import ContainmentDocuments
    from sudo_mcp_guardrails.constructs.response.names import KillSwitchError
    from sudo_mcp_guardrails.constructs.response.organization import ContainmentOrganization
    from sudo_mcp_guardrails.constructs.response.props import OrganizationContainment, Responder
    from sudo_mcp_guardrails.constructs.risk import accept_risk
    from sudo_mcp_guardrails.constructs.search_domain_size import DomainSize
    from sudo_mcp_guardrails.constructs.search_network import Placement
    from sudo_mcp_guardrails.constructs.search_target import SearchTarget
    from sudo_mcp_guardrails.constructs.session_broker import BrokerCaller, SessionBroker
    from sudo_mcp_guardrails.errors import GuardrailsError
    from sudo_mcp_guardrails.policies.exemptions import Exemption
    from sudo_mcp_guardrails.policies.log_archive import LogArchiveError, trail_arn
    from sudo_mcp_guardrails.policies.log_signals import LogSignal
    from sudo_mcp_guardrails.policies.naming import GuardrailNames
    from sudo_mcp_guardrails.policies.organization.exempt import ExemptPrincipals
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationError, OrganizationSettings
    from sudo_mcp_guardrails.policies.terraform import TerraformNetwork, TerraformState
    from sudo_mcp_guardrails.regions import DeclaredRegion
    from sudo_mcp_guardrails.trail.index.policy import Tiers

__version__ = "0.1.0"

_HOMES = {
    "AccountBaseline": "constructs.account_baseline",
    "AdoptedLandingZone": "constructs.adopted",
    "Agent": "agents",
    "AgentBoundary": "constructs.agent_boundary",
    "AgentCoreMcpGateway": "constructs.agentcore_mcp_gateway",
    "AgentEnvironment": "agents",
    "AgentEventForwarding": "constructs.agent_event_forwarding",
    "AgentGuardrails": "constructs.agent_guardrails",
    "AgentLandingZone": "constructs.agent_landing_zone",
    "AgentMonitoring": "constructs.monitoring.monitoring",
    "AgentRoles": "constructs.agent_roles",
    "AgentTrail": "constructs.agent_trail",
    "ApprovalDirectory": "constructs.approval.identity",
    "ApprovalIdentity": "constructs.approval.identity",
    "ApprovalWorkflow": "constructs.approval.workflow",
    "BrokerCaller": "constructs.session_broker",
    "Capability": "agents",
    "CentralLogGroup": "constructs.central_log_group",
    "ContainmentAccount": "constructs.response.account",
    "ContainmentDocuments": "constructs.response.documents",
    "ContainmentOrganization": "constructs.response.organization",
    "DataEvents": "constructs.data_events",
    "DeclaredAction": "agents",
    "DeclaredRegion": "regions",
    "DirectAssumption": "constructs.direct",
    "DomainSize": "constructs.search_domain_size",
    "EventMembers": "constructs.log_pipeline_calls",
    "ExemptPrincipals": "policies.organization.exempt",
    "Exemption": "policies.exemptions",
    "FindingTarget": "constructs.monitoring.targets",
    "Framework": "compliance.frameworks",
    "GatewayServer": "constructs.agentcore_mcp_gateway",
    "GuardHook": "constructs.guard_hook",
    "GuardLane": "constructs.gateway.props",
    "GuardRules": "constructs.guard_rules",
    "GuardrailNames": "policies.naming",
    "Guardrails": "constructs.guardrails",
    "GuardrailsError": "errors",
    "HttpEndpoint": "constructs.log_destinations",
    "ImmutableLogBucket": "constructs.immutable_log_bucket",
    "IngesterSize": "constructs.log_pipeline_props",
    "IngestionPipeline": "constructs.ingestion_pipeline",
    "InvalidAgentError": "agent_checks",
    "IsolatedMcpServer": "constructs.isolated_mcp_server",
    "KillSwitch": "constructs.kill_switch",
    "KillSwitchError": "constructs.response.names",
    "LockMode": "constructs.immutable_log_bucket",
    "LogArchiveError": "policies.log_archive",
    "LogForwarding": "constructs.log_forwarding",
    "LogPipeline": "constructs.log_pipeline",
    "LogSignal": "policies.log_signals",
    "LogSubscription": "constructs.log_subscription",
    "McpEndpoints": "constructs.gateway.endpoints",
    "McpGateway": "constructs.mcp_gateway",
    "McpGatewayError": "constructs.gateway.props",
    "McpImage": "constructs.gateway.props",
    "McpTokens": "constructs.gateway.props",
    "NoticeTarget": "constructs.approval.notices",
    "Notifications": "constructs.log_pipeline_sources",
    "OrganizationContainment": "constructs.response.props",
    "OrganizationError": "policies.organization.settings",
    "OrganizationGuardrails": "constructs.organization_guardrails",
    "OrganizationSettings": "policies.organization.settings",
    "PipelineError": "constructs.log_pipeline_props",
    "Placement": "constructs.search_network",
    "ResourceGuardrails": "constructs.resource_guardrails",
    "Responder": "constructs.response.props",
    "Retention": "compliance.retention",
    "RetentionError": "compliance.retention",
    "RiskClass": "agents",
    "RuleVersion": "constructs.guard_hook",
    "SearchTarget": "constructs.search_target",
    "SecurityLake": "constructs.log_destinations",
    "SensitiveRead": "agents",
    "SessionBroker": "constructs.session_broker",
    "StorageBucket": "constructs.log_destinations",
    "TerraformNetwork": "policies.terraform",
    "TerraformProject": "constructs.approval.terraform_project",
    "TerraformState": "policies.terraform",
    "Tiers": "trail.index.policy",
    "TrailSource": "constructs.log_pipeline_sources",
    "TrustLedger": "constructs.approval.trust_ledger",
    "TrustTier": "agents",
    "Upstream": "constructs.gateway.props",
    "WorkflowError": "constructs.approval.names",
    "accept_risk": "constructs.risk",
    "trail_arn": "policies.log_archive",
}

__all__ = [
    "AccountBaseline",
    "AdoptedLandingZone",
    "Agent",
    "AgentBoundary",
    "AgentCoreMcpGateway",
    "AgentEnvironment",
    "AgentEventForwarding",
    "AgentGuardrails",
    "AgentLandingZone",
    "AgentMonitoring",
    "AgentRoles",
    "AgentTrail",
    "ApprovalDirectory",
    "ApprovalIdentity",
    "ApprovalWorkflow",
    "BrokerCaller",
    "Capability",
    "CentralLogGroup",
    "ContainmentAccount",
    "ContainmentDocuments",
    "ContainmentOrganization",
    "DataEvents",
    "DeclaredAction",
    "DeclaredRegion",
    "DirectAssumption",
    "DomainSize",
    "EventMembers",
    "ExemptPrincipals",
    "Exemption",
    "FindingTarget",
    "Framework",
    "GatewayServer",
    "GuardHook",
    "GuardLane",
    "GuardRules",
    "GuardrailNames",
    "Guardrails",
    "GuardrailsError",
    "HttpEndpoint",
    "ImmutableLogBucket",
    "IngesterSize",
    "IngestionPipeline",
    "InvalidAgentError",
    "IsolatedMcpServer",
    "KillSwitch",
    "KillSwitchError",
    "LockMode",
    "LogArchiveError",
    "LogForwarding",
    "LogPipeline",
    "LogSignal",
    "LogSubscription",
    "McpEndpoints",
    "McpGateway",
    "McpGatewayError",
    "McpImage",
    "McpTokens",
    "NoticeTarget",
    "Notifications",
    "OrganizationContainment",
    "OrganizationError",
    "OrganizationGuardrails",
    "OrganizationSettings",
    "PipelineError",
    "Placement",
    "ResourceGuardrails",
    "Responder",
    "Retention",
    "RetentionError",
    "RiskClass",
    "RuleVersion",
    "SearchTarget",
    "SecurityLake",
    "SensitiveRead",
    "SessionBroker",
    "StorageBucket",
    "TerraformNetwork",
    "TerraformProject",
    "TerraformState",
    "Tiers",
    "TrailSource",
    "TrustLedger",
    "TrustTier",
    "Upstream",
    "WorkflowError",
    "__version__",
    "accept_risk",
    "trail_arn",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    """Load a public name from its room (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
