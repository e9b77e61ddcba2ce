"""Rule packs and the proof at every synthesis, registered once for the whole app."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk

from sudo_mcp_guardrails.constructs.acknowledgements import PACKS
from sudo_mcp_guardrails.constructs.evidence import EVIDENCE_FILE
from sudo_mcp_guardrails.constructs.guard_rules import GuardRules
from sudo_mcp_guardrails.constructs.validation import GuardrailProof, today
from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.policies.hooks import FOR_EVERYONE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import cx_api
    from constructs import Construct

    from sudo_mcp_guardrails.iam.documents import PolicyDocument
    from sudo_mcp_guardrails.policies.exemptions import Exemption


class OpenFindingsError(GuardrailsError):
    """The CDK let a synthesis pass that the proof stops; the message has the findings."""


class UnknownPackError(GuardrailsError):
    """A rule pack that cdk-nag does not have."""


class Guardrails:
    """The checks of an app.

    Example:
        ``Guardrails.of(app).enforce()``
    """

    def __init__(self, app: cdk.App) -> None:
        self._app = app

    @classmethod
    def of(cls, scope: Construct) -> Guardrails:
        """Return the checks of the app that a construct belongs to.

        Raises:
            GuardrailsError: Where the construct is in no app. cdk-nag walks the whole app wherever a pack is
                registered, so that a stage or stack of its own cannot have other packs.
        """
        root = scope.node.root
        if not isinstance(root, cdk.App):
            raise GuardrailsError(f"construct {scope.node.path!r} is in no cdk.App, and checks are registered there")
        return cls(root)

    def enforce(
        self,
        packs: Sequence[str] = tuple(PACKS),
        *,
        exemptions: Sequence[Exemption] = (),
        evidence: bool = True,
        guard_rules: Sequence[str] = FOR_EVERYONE,
        known_policies: Mapping[str, PolicyDocument] | None = None,
    ) -> None:
        """Prove every agent role and run cdk-nag's packs at synthesis.

        A finding of a pack that is not accepted with a reason fails synthesis. So does every property that is not
        proved, and that cannot be accepted: only an exemption counts, which has an owner and an end. One open
        finding stops all stacks of the app, and ``app.synth()`` raises :class:`OpenFindingsError` where the CDK's
        context would let it pass. Run by the CDK CLI, the CLI reads the findings and fails by them; it is told not
        to by ``--ignore-errors`` alone.

        The CDK runs checks at ``app.synth()`` alone: what ``Stage.synth()`` returns nobody has checked, and there is
        no evidence beside it.

        Args:
            packs: Names of packs. Default: all six.
            exemptions: Properties that need not hold for an agent for a while, each at most 90 days. Default: none.
                Each is a warning at every synthesis.
            evidence: Whether to write ``guardrails-evidence.json`` beside the templates. Default: True.
            guard_rules: Ids of the hooks' Guard rules that every template is held to. Default: those that are fit for
                every stack.
            known_policies: Managed policies that agent roles carry and no template holds, by ARN. Default: none;
                nothing is proved of a role that carries another one.

        Raises:
            UnknownPackError: For a name that is not in :data:`PACKS`.
            ExemptionError: For an exemption of more than 90 days. One from an unknown property or agent fails
                synthesis.
        """
        for pack in packs:
            if pack not in PACKS:
                raise UnknownPackError(f"rule pack {pack!r} is not known, allowed are {', '.join(PACKS)}")
        for exemption in exemptions:
            exemption.check_date(today())
        # What an earlier synthesis left is no evidence of this one, should it fail before the proof.
        (Path(self._app.outdir) / EVIDENCE_FILE).unlink(missing_ok=True)
        proof = GuardrailProof(
            self._app, exemptions=exemptions, packs=packs, evidence=evidence, known_policies=known_policies
        )
        hooks = (GuardRules(guard_rules),) if guard_rules else ()
        cdk.Validations.of(self._app).add_plugins(
            *(PACKS[pack](self._app, verbose=True) for pack in packs), *hooks, proof
        )
        _raise_what_passes(self._app, proof)


def _raise_what_passes(app: cdk.App, proof: GuardrailProof) -> None:
    """Have ``app.synth()`` fail by open findings also where the app's context or its environment let it pass.

    The settings are looked at by the CDK when it is done, and may be set after all else: so is this.
    """
    synth = app.synth

    def checked(**options: Any) -> cx_api.CloudAssembly:  # noqa: ANN401 - the CDK's own options
        assembly = synth(**options)
        if proof.stops and not _run_by_the_cli(app):
            raise OpenFindingsError(f"synthesis passed with open findings: {'; '.join(proof.stops)}")
        return assembly

    # jsii calls the app's own synth by name, and has no other place that runs after the checks.
    app.synth = checked  # type: ignore[method-assign]


def _run_by_the_cli(app: cdk.App) -> bool:
    """Return whether the CDK CLI runs the app, and so reads its report: it says where the app has to write."""
    out = os.environ.get("CDK_OUTDIR")
    return "CDK_CLI_VERSION" in os.environ and out is not None and Path(out).resolve() == Path(app.outdir).resolve()
