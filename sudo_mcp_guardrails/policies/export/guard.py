"""The Guard rules of the hooks as files, for ``cfn-guard`` and for CloudFormation's Guard hooks."""

from __future__ import annotations

from sudo_mcp_guardrails.policies.export.manifest import ExportFile
from sudo_mcp_guardrails.policies.hooks import HOOK_RULES


def guard() -> tuple[ExportFile, ...]:
    """Return a file for each rule; each stands alone, and its digest in the manifest is the rule's version."""
    return tuple(
        ExportFile(
            rule.file,
            rule.source.encode(),
            {"rule": rule.rule, "targets": [target.value for target in rule.targets], "agentsOnly": rule.agents_only},
        )
        for rule in HOOK_RULES.values()
    )
