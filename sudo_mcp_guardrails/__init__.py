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
    from sudo_mcp_guardrails.constructs.account_baseline import AccountBaseline
    from sudo_mcp_guardrails.constructs.adopted import AdoptedLandingZone
    from sudo_mcp_guardrails.constructs.agent_boundary import AgentBoundary
    from sudo_mcp_guardrails.constructs.agent_guardrails import AgentGuardrails
    from sudo_mcp_guardrails.constructs.agent_landing_zone import AgentLandingZone
    from sudo_mcp_guardrails.constructs.agent_roles import AgentRoles
    from sudo_mcp_guardrails.constructs.direct import DirectAssumption
    from sudo_mcp_guardrails.constructs.guard_hook import GuardHook, RuleVersion
    from sudo_mcp_guardrails.constructs.guard_rules import GuardRules
    from sudo_mcp_guardrails.constructs.guardrails import Guardrails
    from sudo_mcp_guardrails.constructs.organization_guardrails import OrganizationGuardrails
    from sudo_mcp_guardrails.constructs.resource_guardrails import ResourceGuardrails
    from sudo_mcp_guardrails.constructs.risk import accept_risk
    from sudo_mcp_guardrails.constructs.session_broker import BrokerCaller, SessionBroker
    from sudo_mcp_guardrails.errors import GuardrailsError
    from sudo_mcp_guardrails.policies.exemptions import Exemption
    from sudo_mcp_guardrails.policies.naming import GuardrailNames
    from sudo_mcp_guardrails.policies.organization.exempt import ExemptPrincipals
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationError, OrganizationSettings
    from sudo_mcp_guardrails.regions import DeclaredRegion

__version__ = "0.1.0"

_HOMES = {
    "AccountBaseline": "constructs.account_baseline",
    "AdoptedLandingZone": "constructs.adopted",
    "Agent": "agents",
    "AgentBoundary": "constructs.agent_boundary",
    "AgentEnvironment": "agents",
    "AgentGuardrails": "constructs.agent_guardrails",
    "AgentLandingZone": "constructs.agent_landing_zone",
    "AgentRoles": "constructs.agent_roles",
    "BrokerCaller": "constructs.session_broker",
    "Capability": "agents",
    "DeclaredAction": "agents",
    "DeclaredRegion": "regions",
    "DirectAssumption": "constructs.direct",
    "ExemptPrincipals": "policies.organization.exempt",
    "Exemption": "policies.exemptions",
    "GuardHook": "constructs.guard_hook",
    "GuardRules": "constructs.guard_rules",
    "GuardrailNames": "policies.naming",
    "Guardrails": "constructs.guardrails",
    "GuardrailsError": "errors",
    "InvalidAgentError": "agent_checks",
    "OrganizationError": "policies.organization.settings",
    "OrganizationGuardrails": "constructs.organization_guardrails",
    "OrganizationSettings": "policies.organization.settings",
    "ResourceGuardrails": "constructs.resource_guardrails",
    "RiskClass": "agents",
    "RuleVersion": "constructs.guard_hook",
    "SensitiveRead": "agents",
    "SessionBroker": "constructs.session_broker",
    "TrustTier": "agents",
    "accept_risk": "constructs.risk",
}

__all__ = [
    "AccountBaseline",
    "AdoptedLandingZone",
    "Agent",
    "AgentBoundary",
    "AgentEnvironment",
    "AgentGuardrails",
    "AgentLandingZone",
    "AgentRoles",
    "BrokerCaller",
    "Capability",
    "DeclaredAction",
    "DeclaredRegion",
    "DirectAssumption",
    "ExemptPrincipals",
    "Exemption",
    "GuardHook",
    "GuardRules",
    "GuardrailNames",
    "Guardrails",
    "GuardrailsError",
    "InvalidAgentError",
    "OrganizationError",
    "OrganizationGuardrails",
    "OrganizationSettings",
    "ResourceGuardrails",
    "RiskClass",
    "RuleVersion",
    "SensitiveRead",
    "SessionBroker",
    "TrustTier",
    "__version__",
    "accept_risk",
]


def __getattr__(name: str) -> Any:  # noqa: ANN401 - any public name
    """Load a public name from its room (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return sorted(__all__)
