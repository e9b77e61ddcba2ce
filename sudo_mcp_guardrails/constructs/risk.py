"""The one place where a risk is accepted, for cdk-nag and Checkov alike."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk

from sudo_mcp_guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from constructs import Construct, IConstruct

    from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement

_PREFIXED: Final = re.compile(r"[A-Za-z][\w.-]*::\S.*", re.DOTALL)
_CHECKOV: Final = re.compile(r"CKV2?_[A-Z]+_\d+")
_FULL_ACCESS: Final = tuple(
    f"{pack}::{pack}-IAMPolicyNoStatementsWithFullAccess"
    for pack in ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321")
)


class RiskError(GuardrailsError):
    """A risk is accepted in a form that would leave no trace, or without a reason."""


def accept_risk(construct: Construct, *, reason: str, nag: Sequence[str] = (), checkov: Sequence[str] = ()) -> None:
    """Accept findings on a construct and everything below it, with the reason on record.

    Args:
        construct: Where the findings are.
        reason: Why the risk is worth it; shown in cdk-nag's report and in Checkov's.
        nag: cdk-nag findings with their pack, such as ``AwsSolutions::AwsSolutions-IAM5[Resource::*]``. Without
            the pack the finding would vanish from the report instead of being recorded as accepted.
        checkov: Checkov check ids; set on the CloudFormation resource itself.

    Raises:
        RiskError: For an id without its pack, an unknown form of id, or an empty reason.
    """
    if not reason.strip():
        raise RiskError(f"risk accepted on {construct.node.path!r} without a reason")
    for finding in nag:
        if not _PREFIXED.fullmatch(finding):
            raise RiskError(
                f"finding {finding!r} has no pack, expected PACK::RULE such as AwsSolutions::AwsSolutions-S1"
            )
    for check in checkov:
        if not _CHECKOV.fullmatch(check):
            raise RiskError(f"check {check!r} is no Checkov id, expected one such as CKV_AWS_107")
    if nag:
        cdk.Validations.of(construct).acknowledge(*(cdk.Acknowledgment(id=finding, reason=reason) for finding in nag))
    if checkov:
        resource = _resource(construct)
        known: dict[str, list[dict[str, str]]] = resource.get_metadata("checkov") or {"skip": []}
        skips = checkov_skips(checkov, reason)
        resource.add_metadata("checkov", {"skip": [*known["skip"], *skips["skip"]]})


def checkov_skips(checks: Sequence[str], reason: str) -> dict[str, list[dict[str, str]]]:
    """Return the metadata by which Checkov skips checks on a resource, with the reason."""
    return {"skip": [{"id": check, "comment": reason} for check in checks]}


def accept_policy_risks(construct: Construct, documents: Iterable[PolicyDocument]) -> None:
    """Accept what policies below a construct have by design, in one call to Node, each with its reason.

    Args:
        construct: The policies' construct, or one above them: a finding names its wildcard, so that it stands for
            nothing else there.
        documents: The policies' documents.
    """
    reasons: dict[str, dict[str, None]] = {}
    for document in documents:
        reason = policy_reason(document)
        for finding in policy_findings(document):
            reasons.setdefault(finding, {})[reason] = None
    if reasons:
        cdk.Validations.of(construct).acknowledge(
            *(cdk.Acknowledgment(id=finding, reason="; ".join(why)) for finding, why in sorted(reasons.items()))
        )


def policy_reason(document: PolicyDocument) -> str:
    """Return why a policy has wildcards: the reasons of the statements that do."""
    return "; ".join(
        dict.fromkeys(s.reason for s in document.statements if s.effect == "Allow" and "*" in str(s.to_dict()))
    )


def policy_findings(document: PolicyDocument) -> Iterable[str]:
    """Return the cdk-nag findings that a policy document has by design: its wildcards, each by itself.

    cdk-nag reports every wildcard of every Allow, and knows neither boundaries nor Deny statements.
    """
    found: set[str] = set()
    for statement in document.statements:
        found.update(wildcard_findings(statement, map(shown, statement.resources)))
        if statement.effect == "Allow" and any(action.endswith(":*") for action in statement.actions):
            found.update(_FULL_ACCESS)
    return sorted(found)


def wildcard_findings(statement: Statement, resources: Iterable[str]) -> list[str]:
    """Return the cdk-nag findings for the wildcards of one statement; none for a Deny.

    Args:
        statement: The statement.
        resources: Its resources, as cdk-nag writes them.
    """
    if statement.effect != "Allow":
        return []
    wild = [f"Action::{action}" for action in statement.actions if "*" in action]
    wild += [f"Resource::{resource}" for resource in resources if "*" in resource]
    return [f"AwsSolutions::AwsSolutions-IAM5[{item}]" for item in dict.fromkeys(wild)]


def shown(resource: str) -> str:
    """Write an ARN as cdk-nag does, with references in angle brackets."""
    return re.sub(r"\$\{(AWS::\w+)\}", r"<\1>", resource)


def _resource(construct: IConstruct) -> cdk.CfnResource:
    """Return the CloudFormation resource of a construct."""
    resource = construct if isinstance(construct, cdk.CfnResource) else construct.node.default_child
    if not isinstance(resource, cdk.CfnResource):
        raise RiskError(f"construct {construct.node.path!r} has no CloudFormation resource to carry Checkov's metadata")
    return resource
