"""What the functions are told before the deployment: who decides, which agents there are, and what they own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import aws_cdk as cdk
from aws_cdk import aws_s3_assets as assets

from sudo_mcp_guardrails.approval.risk_rules.levels import catalogue_levels
from sudo_mcp_guardrails.approval.store.settings import (
    LEVELS_FILE,
    SETTINGS_FILE,
    AgentSettings,
    ApprovalSettings,
)
from sudo_mcp_guardrails.constructs import asset
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION
from sudo_mcp_guardrails.policies.scope import AgentScope

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from constructs import Construct

    from sudo_mcp_guardrails.agents import Agent
    from sudo_mcp_guardrails.approval.deciding.policy import ApprovalPolicy
    from sudo_mcp_guardrails.approval.trust_ledger.policy import TrustPolicy
    from sudo_mcp_guardrails.policies.naming import GuardrailNames

FUNCTIONS: Final = ("intake", "classify", "recheck", "record", "broker", "api", "heads")
"""Ends of the functions' names; each is the handler ``approval_`` and this."""
_PAGE: Final = "approval_page"
_PSEUDO: Final = (PARTITION, ACCOUNT, REGION)


def settings(  # noqa: PLR0917 - what the settings consist of
    scope: Construct,
    agents: Sequence[Agent],
    policy: ApprovalPolicy,
    trust: TrustPolicy | None,
    names: GuardrailNames,
    fingerprints: Mapping[str, str],
    terraform: Mapping[str, Any] | None,
    relying_party: Mapping[str, Any] | None,
) -> ApprovalSettings:
    """Return the settings, which hold nothing that only the deployment knows.

    Where the stack's account is not known yet, an agent's environments of all accounts count.

    Args:
        scope: The workflow.
        agents: In order of their names.
        policy: Who decides.
        trust: What earns trust; None for nothing.
        names: Of the guardrails' own resources.
        fingerprints: Of agents, by name.
        terraform: Of the builds; None for none.
        relying_party: Of WebAuthn; None for none.
    """
    stack = cdk.Stack.of(scope)
    account = None if cdk.Token.is_unresolved(stack.account) else stack.account
    return ApprovalSettings(
        policy=policy,
        agents={
            agent.name: AgentSettings(
                owner=agent.owner,
                environments=tuple(agent.environments),
                own=_anywhere(AgentScope(agent, account, names).all_own),
                sensitive_reads=tuple(agent.sensitive_reads),
            )
            for agent in agents
        },
        prefix=names.prefix,
        trust=trust,
        fingerprints=fingerprints,
        terraform=terraform,
        relying_party=relying_party,
    )


def code_asset(scope: Construct, id_: str, found: ApprovalSettings) -> assets.Asset:
    """Return the asset of all functions: their handlers, the page's files, and the settings at its root.

    The same sources and settings give the same bytes, and so the same name.
    """
    with asset.staged(*(f"approval_{name}" for name in FUNCTIONS)) as directory:
        root = Path(directory)
        (root / SETTINGS_FILE).write_text(found.write(), encoding="utf-8")
        (root / LEVELS_FILE).write_text(catalogue_levels().write(), encoding="utf-8")
        page = Path(asset.__file__).parent.parent / "handlers" / _PAGE
        if page.is_dir():
            shutil.copytree(
                page,
                root / asset.PACKAGE / "handlers" / _PAGE,
                dirs_exist_ok=True,
                ignore=shutil.ignore_patterns("__pycache__", ".*"),
            )
        return assets.Asset(scope, id_, path=directory)


def _anywhere(patterns: Sequence[str]) -> tuple[str, ...]:
    """Return ARN patterns without pseudo parameters: what is in them is the same wherever the agent works."""
    found = []
    for pattern in patterns:
        text = pattern
        for pseudo in _PSEUDO:
            text = text.replace(pseudo, "*")
        found.append(text)
    return tuple(dict.fromkeys(found))
