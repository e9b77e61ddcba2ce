"""Which acknowledgements of findings are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
import cdk_nag

from sudo_mcp_guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from constructs import IConstruct

PACKS: Final[dict[str, Callable[..., cdk.IPolicyValidationPlugin]]] = {
    "AwsSolutions": cdk_nag.AwsSolutionsChecks,
    "HIPAA.Security": cdk_nag.HIPAASecurityChecks,
    "NIST.800.53.R4": cdk_nag.NIST80053R4Checks,
    "NIST.800.53.R5": cdk_nag.NIST80053R5Checks,
    "PCI.DSS.321": cdk_nag.PCIDSS321Checks,
    "Serverless": cdk_nag.ServerlessChecks,
}
"""cdk-nag's packs by the name that findings and acknowledgements carry."""

_METADATA: Final = "aws:cdk:acknowledged-rules"
_BARE: Final = "Annotation"
"""What the CDK puts before an id that came without a prefix."""


class AcknowledgementError(GuardrailsError):
    """A finding is acknowledged that nobody may acknowledge, or in a form that leaves no trace."""


def refuse_acknowledgements(acknowledged: Iterable[tuple[str, str]], *, plugin: str) -> None:
    """Refuse acknowledgements of the proof, and those of a rule pack's findings without the pack's prefix.

    A bare ``AwsSolutions-S1`` makes cdk-nag drop the finding itself, so that no report ever shows it.

    Args:
        acknowledged: (construct path, id) of what is acknowledged anywhere in an app.
        plugin: Namespace of the proof.

    Raises:
        AcknowledgementError: With all that is refused.
    """
    refused = []
    for path, finding in acknowledged:
        namespace, _, rule = finding.partition("::")
        where = f"on {path!r}" if path else "on the app"
        if namespace == plugin:
            refused.append(f"{rule!r} {where}: a proof cannot be acknowledged, expected an Exemption")
        elif namespace == _BARE and _is_of_a_pack(rule):
            refused.append(f"{rule!r} {where}: has no pack, expected PACK::{rule}")
    if refused:
        raise AcknowledgementError(f"acknowledgements that are refused: {'; '.join(refused)}")


def _is_of_a_pack(rule: str) -> bool:
    """Return whether an id without a prefix is a finding of a rule pack; case has not always counted in cdk-nag."""
    return rule.casefold().startswith(tuple(f"{pack}-".casefold() for pack in PACKS))


def acknowledged_above_stacks(node: IConstruct) -> Iterator[tuple[str, str]]:
    """Yield (construct path, id) of what is acknowledged on an app, its stages and whatever else holds stacks.

    These are few constructs, each several calls to Node; what the stacks hold is read from the assembly instead.
    """
    for entry in node.node.metadata:
        if entry.type == _METADATA and isinstance(entry.data, dict):
            yield from ((node.node.path, finding) for finding in entry.data)
    for child in node.node.children:
        if not cdk.Stack.is_stack(child):
            yield from acknowledged_above_stacks(child)
