"""The hooks' Guard rules at synthesis: the same text that a hook enforces, before anything is deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
import jsii

import sudo_mcp_guardrails
from sudo_mcp_guardrails.policies.hooks import FOR_EVERYONE, guard_text, known_rule

if TYPE_CHECKING:
    from collections.abc import Sequence

PLUGIN: Final = "SudoGuardHooks"
"""Name of the plugin in the CDK's validation report, and namespace of acknowledgements."""


@jsii.implements(cdk.IPolicyValidationPlugin)
class GuardRules:
    """Fails synthesis where a template breaks a hook's rule.

    The CDK's own ``CloudFormationValidatePlugin`` runs the rules, but not as the app's instance of it: the CDK makes
    a warning of every finding of that one unless a context flag of the app is set, and it may be there only once.

    Args:
        rules: Ids. Default: those that are fit for every stack.
        required_tags: As for :class:`~sudo_mcp_guardrails.constructs.guard_hook.GuardHook`.
        open_ports: As there.

    Raises:
        HookRuleError: For an unknown rule, tag or port.
    """

    def __init__(
        self,
        rules: Sequence[str] = FOR_EVERYONE,
        *,
        required_tags: Sequence[str] = ("owner", "agent"),
        open_ports: Sequence[int] = (443,),
    ) -> None:
        text = guard_text(rules, required_tags=required_tags, open_ports=open_ports)
        self._rules = {known_rule(id_).rule: known_rule(id_) for id_ in rules}
        self._engine = cdk.CloudFormationValidatePlugin(
            guard_rules=[cdk.ValidationRuleSource(name="sudo-mcp-guardrails", content=text)],
            include_default_rules=False,
        )

    @property
    def name(self) -> str:
        """Name in the report."""
        return PLUGIN

    @property
    def version(self) -> str:
        """The library's version."""
        return sudo_mcp_guardrails.__version__

    @property
    def rule_ids(self) -> list[str]:
        """Names of the rules in their Guard text."""
        return list(self._rules)

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Run the rules on every template; called by the CDK when all are written."""
        found = [
            violation for violation in self._engine.validate(context).violations if violation.rule_name in self._rules
        ]
        return cdk.PolicyValidationPluginReport(
            success=not found,
            violations=[
                cdk.PolicyViolation(
                    rule_name=violation.rule_name,
                    description=violation.description,
                    fix=f"mend it, or acknowledge {PLUGIN}::{violation.rule_name} with a reason; why: "
                    f"{self._rules[violation.rule_name].reason}",
                    severity="error",
                    violating_resources=violation.violating_resources,
                )
                for violation in found
            ],
        )
