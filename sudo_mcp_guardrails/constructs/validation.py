"""The proof as a gate: a validation plugin that reads every synthesized template and proves every agent's roles."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
import jsii

import sudo_mcp_guardrails
from sudo_mcp_guardrails.constructs.acknowledgements import acknowledged_above_stacks, refuse_acknowledgements
from sudo_mcp_guardrails.constructs.declared import declared_in
from sudo_mcp_guardrails.constructs.evidence import write_evidence
from sudo_mcp_guardrails.constructs.source_lines import source_line
from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.iam.verdict import Verdict
from sudo_mcp_guardrails.policies.exemptions import check_known
from sudo_mcp_guardrails.policies.gate import describe, prove_assembly
from sudo_mcp_guardrails.policies.subjects import UNDECIDED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from sudo_mcp_guardrails.iam.documents import PolicyDocument
    from sudo_mcp_guardrails.iam.properties import Result
    from sudo_mcp_guardrails.iam.templates import TemplateRole
    from sudo_mcp_guardrails.policies.exemptions import Exemption
    from sudo_mcp_guardrails.policies.gate import Proved

PLUGIN: Final = "SudoGuardrails"
"""Name of the plugin in the CDK's validation report."""
ERROR: Final = "proof/error"
"""Rule of what keeps the proof from being made at all."""
APP: Final = "proof/app"
"""Rule that stands beside all others, for the stacks that they do not name."""
_WHOLE: Final = "leave roles, declarations and templates of the agents as AgentGuardrails makes them"
_MEND: Final = "take away what lets it through; meanwhile an Exemption, given to Guardrails.enforce, has an end"


@jsii.implements(cdk.IPolicyValidationPlugin)
class GuardrailProof:
    """Fails synthesis unless every property of every agent role is proved.

    A finding is ``fatal``, which the CDK lets nobody acknowledge; an acknowledgement that aims at one is an error all
    the same. Only an :class:`~sudo_mcp_guardrails.policies.exemptions.Exemption` counts, and it leaves a warning.

    Args:
        app: The app.
        exemptions: What need not hold for a while.
        packs: Names of the rule packs that run beside it, for the evidence.
        evidence: Whether to write ``guardrails-evidence.json`` beside the templates.
        known_policies: Managed policies that are in no template, by ARN.
    """

    def __init__(
        self,
        app: cdk.App,
        *,
        exemptions: Sequence[Exemption] = (),
        packs: Sequence[str] = (),
        evidence: bool = True,
        known_policies: Mapping[str, PolicyDocument] | None = None,
    ) -> None:
        self._app = app
        self._exemptions = tuple(exemptions)
        self._packs = tuple(packs)
        self._evidence = evidence
        self._known_policies = known_policies
        self._stops: tuple[str, ...] = ()

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
        """None in advance: which properties there are depends on the agents."""
        return []

    @property
    def stops(self) -> tuple[str, ...]:
        """What stops the app, one line for each finding; empty after a synthesis that found nothing, or before any."""
        return self._stops

    def validate(self, context: cdk.IPolicyValidationContext) -> cdk.PolicyValidationPluginReport:
        """Prove the app; called by the CDK when all templates are written.

        Nothing is raised: the CDK makes of an exception a report without violations, which its CLI takes for a
        success. Whatever could not be looked at is a finding instead.
        """
        # Inside, since a template that is of no known form must not keep this from saying so.
        everywhere: tuple[cdk.PolicyViolatingResource, ...] = ()
        try:
            directory = Path(self._app.outdir)
            everywhere = tuple(resource for path in context.template_paths for resource in _first_resource(path))
            violations = self._check(directory, everywhere)
        except Exception as error:  # noqa: BLE001 - any error at all leaves the app without a proof
            what = str(error) if isinstance(error, GuardrailsError) else f"{type(error).__name__}: {error}"
            violations = [_app_violation(ERROR, what, "mend what the message names: nothing was proved", everywhere)]
        open_ = [violation for violation in violations if violation.severity != "warning"]
        self._stops = tuple(f"{violation.rule_name}: {violation.description}" for violation in open_)
        if open_:
            # The CLI leaves out what is about other stacks than the selected ones, and any stack may be what weakens
            # a role. A finding about no resource fails every selection, and one in each template is shown.
            what = f"{len(open_)} findings stop every stack of this app, also those that they do not name: "
            what += ", ".join(dict.fromkeys(violation.rule_name for violation in open_))
            violations += [
                _app_violation(APP, what, "mend or exempt each of them", place) for place in (everywhere, ())
            ]
        return cdk.PolicyValidationPluginReport(success=not open_, violations=violations)

    def _check(self, directory: Path, everywhere: Sequence[cdk.PolicyViolatingResource]) -> list[cdk.PolicyViolation]:
        """Prove the app in a directory and write the evidence.

        Raises:
            GuardrailsError: For a refused acknowledgement, an exemption from nothing, a template that is not
                understood.
        """
        proved = prove_assembly(directory, self._known_policies, declared_in(self._app))
        acknowledged = sorted({*proved.assembly.acknowledged, *acknowledged_above_stacks(self._app)})
        if self._evidence:
            write_evidence(
                directory,
                proved,
                packs=self._packs,
                acknowledged=acknowledged,
                exemptions=self._exemptions,
                today=today(),
            )
        refuse_acknowledgements(acknowledged, plugin=PLUGIN)
        check_known(self._exemptions, proved.known)
        problems = [_app_violation(UNDECIDED, f"NOT PROVED: {p}", _WHOLE, everywhere) for p in proved.problems]
        return problems + self._violations(directory, proved)

    def _violations(self, directory: Path, proved: Proved) -> list[cdk.PolicyViolation]:
        """Return a finding for each property that is open for a role, all contexts in one."""
        found = [
            _violation(
                directory,
                u.rule,
                u.role,
                f"{u.agent or 'unknown agent'}: role {u.role.name!r}: NOT PROVED: {u.reason}",
                "make it as AgentRoles does, with policies that the app's templates hold, or off the agents' path",
            )
            for u in proved.subjects.undecided
        ]
        open_: dict[tuple[str, str, str, str], list[tuple[Result, TemplateRole]]] = {}
        for result, role in proved.results:
            if result.proof.verdict is not Verdict.PROVED:
                subject = result.subject
                key = (role.arn, subject.capability, subject.facts.principal.account, result.property.id)
                open_.setdefault(key, []).append((result, role))
        for group in open_.values():
            result, role = group[0]
            contexts = ", ".join(r.context for r, _ in group)
            rule = f"proof/{result.property.id}"
            exemption = self._exemption(result)
            what = f"{describe(result)} (context {contexts})"
            if exemption is None:
                found.append(_violation(directory, rule, role, what, _MEND))
            else:
                until = f"exempted until {exemption.until.isoformat()}; {exemption.owner} answers for it"
                found.append(
                    _violation(directory, rule, role, what, f"{until}: {exemption.reason}", severity="warning")
                )
        return found

    def _exemption(self, result: Result) -> Exemption | None:
        day = today()
        agent, property_id = result.subject.agent, result.property.id
        return next((e for e in self._exemptions if e.covers(agent, property_id, day)), None)


def today() -> date:
    """Return the day that exemptions are measured by, in UTC: everywhere the same."""
    return datetime.now(timezone.utc).date()


def _app_violation(
    rule: str, what: str, fix: str, places: Sequence[cdk.PolicyViolatingResource]
) -> cdk.PolicyViolation:
    """Return a finding about the app as a whole."""
    return cdk.PolicyViolation(
        rule_name=rule, description=what, fix=fix, severity="fatal", violating_resources=list(places)
    )


def _first_resource(template_path: str) -> Iterator[cdk.PolicyViolatingResource]:
    """Yield a resource of a template, if it has one, so that the CDK has a place to show a finding at."""
    try:
        resources = json.loads(Path(template_path).read_text(encoding="utf-8"))["Resources"]
        logical_id = next(iter(resources))
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return  # the same finding, about no resource, stands beside it
    yield cdk.PolicyViolatingResource(resource_logical_id=logical_id, template_path=template_path, locations=[])


def _violation(  # noqa: PLR0917 - what a finding consists of
    directory: Path, rule: str, role: TemplateRole, what: str, fix: str, severity: str = "fatal"
) -> cdk.PolicyViolation:
    """Return a finding, with the line where the construct was made."""
    line = source_line(role.construct_path)
    return cdk.PolicyViolation(
        rule_name=rule,
        description=f"{what}; made at {line}" if line else what,
        fix=fix,
        severity=severity,
        violating_resources=[
            cdk.PolicyViolatingResource(
                resource_logical_id=role.logical_id,
                template_path=str(directory / role.template.file),
                locations=["Properties"],
            )
        ],
    )
