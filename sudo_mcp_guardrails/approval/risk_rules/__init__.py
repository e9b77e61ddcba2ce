"""The rules by which a plan's risk is told, one a file, in the order of the documentation."""

from __future__ import annotations

from typing import Final

from sudo_mcp_guardrails.approval.risk_rules import (
    access,
    blast,
    content,
    cost,
    data_class,
    deletes,
    environment,
    escalation,
    exposure,
    guardrails,
    identity,
    known_types,
    network,
    organization,
    owned,
    policies,
    protection,
    records,
    secrets,
    sensitive,
    splitting,
    suppression,
    unreadable,
)

RULES: Final = (
    *(guardrails.RULE, records.RULE, suppression.RULE),
    *(content.RULE, known_types.RULE, unreadable.RULE),
    *(identity.RULE, escalation.RULE, organization.RULE, policies.RULE),
    *(exposure.RULE, network.RULE),
    *(deletes.RULE, protection.RULE, data_class.RULE, sensitive.RULE, secrets.RULE),
    *(access.RULE, owned.RULE, cost.RULE),
    *(blast.RULE, splitting.RULE, environment.RULE),
)
"""All rules. Adding one can only raise a plan's risk."""
