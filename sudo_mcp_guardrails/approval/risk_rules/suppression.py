"""Metadata by which the author of a plan tells a scanner to look away."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.risk_rules.rule import Found, RiskRule, cut
from sudo_mcp_guardrails.approval.risk_rules.values import nodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.approval.risk_rules.view import Looked, Seen

SCANNERS: Final = (
    r"^(cfn[-_]?|cdk[-_]?|no)?(guard|nag|lint|checkov|bridgecrew|kics|snyk|trivy|tfsec|cfsec|sem(grep)?|terrascan)"
    r"([-_]?(skip|ignore|scan|suppress).*)?$"
)
"""Names in metadata that scanners read; as in the hook ``suppressions``."""
COMMENTS: Final = (
    r"(\bnosem(grep)?\b|\b(checkov|bridgecrew|terrascan|ts)\s*:\s*skip|\b(tfsec|cfsec|trivy)\s*:\s*ignore"
    r"|\bkics-scan\s+(ignore|disable))"
)
"""Texts that scanners read; as in the hook ``suppressions``."""
_NAME: Final = re.compile(SCANNERS, re.IGNORECASE)
_TEXT: Final = re.compile(COMMENTS, re.IGNORECASE)
_TEXTS: Final = frozenset({"description", "metadata"})
_PAST: Final = frozenset({"Before", "BeforeAttributes"})
_SUPPRESSES: Final = frozenset({"suppressedrules", "rulestosuppress"})


def _of_change(seen: Seen) -> Iterator[Found]:
    yield from _found(seen.change.options)
    for node in seen.after:
        if node.name in _SUPPRESSES:
            yield Found(RiskClass.R3, "it tells a scanner to look away", node.place)


def _of_plan(looked: Looked) -> Iterator[Found]:
    yield from _found(looked.plan.parameters)


def _found(value: object) -> Iterator[Found]:
    """Yield what is found beneath a name that ends in metadata, and in descriptions."""
    for node in nodes(value):
        if node.path[:1] and node.path[0] in _PAST:
            continue
        within = any(name.lower().endswith("metadata") for name in node.path[:-1])
        if node.name in _SUPPRESSES or (within and _NAME.search(node.path[-1])):
            yield Found(RiskClass.R3, f"metadata {cut(node.path[-1])} tells a scanner to look away", node.place)
        elif isinstance(node.value, str) and (within or node.name in _TEXTS) and _TEXT.search(node.value):
            yield Found(RiskClass.R3, "a text tells a scanner to look away", node.place)


RULE: Final = RiskRule(
    id="suppression",
    title="Metadata or a text that tells Guard, Checkov, cfn_nag, cdk-nag or another scanner to look away: R3, and a "
    "trigger that takes trust away.",
    risks=(RiskClass.R3,),
    sources=("the hook suppressions of this project, which refuses the same",),
    of_change=_of_change,
    of_plan=_of_plan,
)
