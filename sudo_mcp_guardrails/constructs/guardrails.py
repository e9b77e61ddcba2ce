"""Rule packs at every synthesis, registered once for the whole app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
import cdk_nag

from sudo_mcp_guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from constructs import Construct

PACKS: Final[dict[str, Callable[..., cdk.IPolicyValidationPlugin]]] = {
    "AwsSolutions": cdk_nag.AwsSolutionsChecks,
    "HIPAA.Security": cdk_nag.HIPAASecurityChecks,
    "NIST.800.53.R4": cdk_nag.NIST80053R4Checks,
    "NIST.800.53.R5": cdk_nag.NIST80053R5Checks,
    "PCI.DSS.321": cdk_nag.PCIDSS321Checks,
    "Serverless": cdk_nag.ServerlessChecks,
}
"""cdk-nag's packs by the name that findings and acknowledgements carry."""


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

    def enforce(self, packs: Sequence[str] = tuple(PACKS)) -> None:
        """Run cdk-nag's packs at synthesis; a finding that is not accepted with a reason fails it.

        Args:
            packs: Names of packs. Default: all six.

        Raises:
            UnknownPackError: For a name that is not in :data:`PACKS`.
        """
        for pack in packs:
            if pack not in PACKS:
                raise UnknownPackError(f"rule pack {pack!r} is not known, allowed are {', '.join(PACKS)}")
        cdk.Validations.of(self._app).add_plugins(*(PACKS[pack](self._app, verbose=True) for pack in packs))
