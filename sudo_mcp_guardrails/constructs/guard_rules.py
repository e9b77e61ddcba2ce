"""The hooks' Guard rules at synthesis: the same text that a hook enforces, before anything is deployed."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
import jsii

import sudo_mcp_guardrails
from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.policies.hooks import FOR_EVERYONE, guard_text, known_rule
from sudo_mcp_guardrails.policies.hooks.looked_at import looked_at, shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import IConstruct

PLUGIN: Final = "SudoGuardHooks"
"""Name of the plugin in the CDK's validation report, and namespace of acknowledgements."""
UNREAD: Final = "SMG_HOOK_UNREAD"
"""Finding: a template that the rules could not be run on."""

_UNPARSED: Final = "F1101"
"""The engine's finding where it cannot parse a template, after which it runs no rule."""


@jsii.implements(cdk.IPolicyValidationPlugin)
class GuardRules:
    """Fails synthesis where a template breaks a hook's rule.

    The CDK's own ``CloudFormationValidatePlugin`` runs the rules, but not as the app's instance of it: the CDK makes
    a warning of every finding of that one unless a context flag of the app is set, and it may be there only once.
    Beside these rules the engine always checks a template against the schemas of all its resources, which nobody
    reads here and takes most of its time: it is shown those resources alone that a rule looks at.

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
        self._text = guard_text(rules, required_tags=required_tags, open_ports=open_ports)
        self._rules = {known_rule(id_).rule: known_rule(id_) for id_ in rules}

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
        return [*self._rules, UNREAD]

    @cached_property
    def _engine(self) -> cdk.CloudFormationValidatePlugin:
        """Starting the engine takes seconds, so it starts with the first synthesis."""
        return cdk.CloudFormationValidatePlugin(
            guard_rules=[cdk.ValidationRuleSource(name="sudo-mcp-guardrails", content=self._text)],
            include_default_rules=False,
        )

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Run the rules on every template; called by the CDK when all are written.

        Nothing is raised: the CDK makes of an exception a report without violations, which its CLI takes for a
        success. A template that could not be looked at is a finding instead.
        """
        stacks: list[cdk.PolicyValidationStack] = []
        try:
            stacks += context.stack_templates
            violations = self._check(context.app_construct, stacks)
        except Exception as error:  # noqa: BLE001 - any error at all leaves templates that no rule was run on
            what = str(error) if isinstance(error, GuardrailsError) else f"{type(error).__name__}: {error}"
            violations = [_unread(what, [_stack(stack.stack_construct_path, stack.template_path) for stack in stacks])]
        return cdk.PolicyValidationPluginReport(success=not violations, violations=violations)

    def _check(self, app: IConstruct, stacks: Sequence[cdk.PolicyValidationStack]) -> list[cdk.PolicyViolation]:
        """Run the rules on what they look at of each template.

        Raises:
            GuardrailsError: For a template that is no JSON object, and rules that the engine did not take: it says
                nothing of a Guard text that it cannot parse.
        """
        missing = self._rules.keys() - set(self._engine.rule_ids or ())
        if missing:
            raise GuardrailsError(f"the engine has no rule {', '.join(sorted(missing))}")
        rules = looked_at(self._text)
        with TemporaryDirectory() as directory:
            files: dict[str, cdk.PolicyValidationStack] = {}
            for number, stack in enumerate(stacks):
                path = Path(directory) / f"{number}.template.json"
                path.write_text(json.dumps(shown(_read(stack.template_path), rules)), encoding="utf-8")
                files[str(path)] = stack
            found = self._engine.validate(_Shown(app, files)).violations
        return [self._violation(v, files) for v in found if v.rule_name in self._rules or v.rule_name == _UNPARSED]

    def _violation(
        self, found: cdk.PolicyViolation, files: dict[str, cdk.PolicyValidationStack]
    ) -> cdk.PolicyViolation:
        """Return the engine's finding as one of ours, in the app's own template."""
        places = [_place(resource, files) for resource in found.violating_resources]
        if found.rule_name == _UNPARSED:
            return _unread(found.description, places)
        return cdk.PolicyViolation(
            rule_name=found.rule_name,
            description=found.description,
            fix=f"mend it, or acknowledge {PLUGIN}::{found.rule_name} with a reason; why: "
            f"{self._rules[found.rule_name].reason}",
            severity="error",
            violating_resources=places,
        )


@jsii.implements(cdk.IPolicyValidationContext)
class _Shown:
    """What the engine is given in place of the app's templates."""

    def __init__(self, app: IConstruct, files: dict[str, cdk.PolicyValidationStack]) -> None:
        self._app = app
        self._files = files

    @property
    def app_construct(self) -> IConstruct:
        return self._app

    @property
    def stack_templates(self) -> list[cdk.PolicyValidationStack]:
        return [
            cdk.PolicyValidationStack(
                stack_construct_path=stack.stack_construct_path,
                template_path=path,
                account_id=stack.account_id,
                region=stack.region,
            )
            for path, stack in self._files.items()
        ]

    @property
    def template_paths(self) -> list[str]:
        return list(self._files)

    @property
    def account_id(self) -> str | None:
        return None

    @property
    def region(self) -> str | None:
        return None


def _read(path: str) -> dict[str, object]:
    template = json.loads(Path(path).read_text(encoding="utf-8"))
    if not isinstance(template, dict):
        raise GuardrailsError(f"template {Path(path).name!r} is no JSON object, and no hook's rule was run on it")
    return template


def _place(
    resource: cdk.PolicyViolatingResource, files: dict[str, cdk.PolicyValidationStack]
) -> cdk.PolicyViolatingResource:
    return cdk.PolicyViolatingResource(
        resource_logical_id=resource.resource_logical_id,
        construct_path=resource.construct_path,
        template_path=files[resource.template_path].template_path if resource.template_path in files else None,
        locations=resource.locations,
    )


def _stack(path: str, template: str) -> cdk.PolicyViolatingResource:
    return cdk.PolicyViolatingResource(construct_path=path, template_path=template, locations=[])


def _unread(what: str, places: list[cdk.PolicyViolatingResource]) -> cdk.PolicyViolation:
    return cdk.PolicyViolation(
        rule_name=UNREAD,
        description=f"the hooks' rules were not run: {what}",
        fix="mend what the message names",
        severity="error",
        violating_resources=places,
    )
