"""What contains agents, as files: for accounts and organizations that are not managed by the CDK.

They are made beforehand and attached when it happens, the SCPs to nothing until then; so they are in no Terraform
module that attaches what it has, and in no pack of the organization's standing policies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import SCP_LIMIT, minified
from sudo_mcp_guardrails.policies.containment.names import (
    boundary_name,
    deny_name,
    response_name,
)
from sudo_mcp_guardrails.policies.containment.responder_trust import response_trust
from sudo_mcp_guardrails.policies.containment.responders import response_policy
from sudo_mcp_guardrails.policies.containment.roles import deny_boundary, deny_policy, deny_trust
from sudo_mcp_guardrails.policies.containment.scps import all_scp, class_scp
from sudo_mcp_guardrails.policies.export.manifest import ExportFile
from sudo_mcp_guardrails.policies.export.source import resolved
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sudo_mcp_guardrails.iam.documents import PolicyDocument
    from sudo_mcp_guardrails.policies.naming import GuardrailNames

MANAGED_LIMIT: Final = 6_144
TRUST_LIMIT: Final = 2_048
"""Characters of a managed policy and of a trust policy (IAM user guide, "IAM and AWS STS quotas")."""


def containment(
    names: GuardrailNames, values: Mapping[str, str], *, classes: Sequence[str] = (), home: str = ""
) -> tuple[ExportFile, ...]:
    """Return what contains agents in one account, and the SCPs for the organization.

    Args:
        names: Names of the guardrails' own resources.
        values: The pseudo parameters that are known; the account's own are needed.
        classes: Classes of agents that get an SCP of their own, such as ``release-*``. Default: none.
        home: Account of the kill switch, whose function becomes the response role. Default: the same account.

    Raises:
        ContainmentPolicyError: A class is none.
        ExportError: A pseudo parameter is not known.
    """
    function = f"arn:{PARTITION}:iam::{home or ACCOUNT}:role/{names.prefix}/{names.prefix}-responder"
    iam = (
        (deny_name(names), deny_policy(), MANAGED_LIMIT),
        (boundary_name(names), deny_boundary(), MANAGED_LIMIT),
        (f"{names.prefix}-contained-trust", deny_trust(), TRUST_LIMIT),
        (response_name(names), response_policy(names), MANAGED_LIMIT),
        (f"{response_name(names)}-trust", response_trust(names, [function]), TRUST_LIMIT),
    )
    scps = (all_scp(names), *(class_scp(names, pattern) for pattern in dict.fromkeys(classes)))
    return (
        *(_file(f"iam/{name}", document, limit, values) for name, document, limit in iam),
        *(_file(f"scp/{document.name}", document, SCP_LIMIT, values) for document in scps),
    )


def _file(path: str, document: PolicyDocument, limit: int, values: Mapping[str, str]) -> ExportFile:
    text = minified(resolved(document.to_dict(), values, f"policy {document.name!r}"))
    return ExportFile(f"{path}.json", text.encode(), {"characters": len(text), "limit": limit})
