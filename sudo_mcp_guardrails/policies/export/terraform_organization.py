"""The module of an organization's policies, for Terraform.

Sources: AWS provider, "aws_organizations_policy" and "aws_organizations_policy_attachment".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.iam.documents import minified
from sudo_mcp_guardrails.policies.export.hcl import given, module, template
from sudo_mcp_guardrails.policies.export.source import safe
from sudo_mcp_guardrails.policies.organization.guardrail import PolicyKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.policies.export.organization import OrganizationPolicy

KINDS: Final = (PolicyKind.SCP, PolicyKind.RCP, PolicyKind.EC2)
"""Types of policies that provider 5 knows; it refuses newer ones, such as ``S3_POLICY``."""
_TARGET: Final = "^(r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}|[0-9]{12})$"


def organization_module(policies: Sequence[OrganizationPolicy]) -> dict[str, Any]:
    """Return the module of an organization's policies; attached to the targets that it is given, by default none.

    Organizations refuses changes at the same time, so each resource waits for the one before it.
    Source: Organizations API reference, ``ConcurrentModificationException``.
    """
    made: dict[str, dict[str, Any]] = {}
    attached: dict[str, dict[str, Any]] = {}
    variables: dict[str, dict[str, Any]] = {}
    before: list[str] = []
    for policy in policies:
        name = safe(policy.name)
        made[name] = given(
            name=template(policy.name),
            description=template(policy.description),
            type=policy.kind.value,
            content=template(minified(policy.content)),
            depends_on=before,
        )
        before = [f"aws_organizations_policy.{name}"]
    for policy in policies:
        name, variable = safe(policy.name), f"{policy.kind.name.lower()}_targets"
        variables[variable] = _targets(policy.kind, variable)
        attached[name] = {
            "for_each": f"${{toset(var.{variable})}}",
            "policy_id": f"${{aws_organizations_policy.{name}.id}}",
            "target_id": "${each.value}",
            "depends_on": before,
        }
        before = [f"aws_organizations_policy_attachment.{name}"]
    ids = {policy.name: f"${{aws_organizations_policy.{safe(policy.name)}.id}}" for policy in policies}
    return module(
        "policies of the organization, for the management account or a delegated administrator; "
        "with several targets apply with -parallelism=1",
        {"aws_organizations_policy": made, "aws_organizations_policy_attachment": attached},
        output={"policies": {"description": "Id of each policy, by its name", "value": ids}},
        variable=variables,
    )


def _targets(kind: PolicyKind, variable: str) -> dict[str, Any]:
    return {
        "type": "list(string)",
        "default": [],
        "description": f"Root, OU or account ids that the {kind.value} policies are attached to",
        "validation": [
            {
                "condition": f'${{alltrue([for id in var.{variable} : can(regex("{_TARGET}", id))])}}',
                "error_message": "expected ids of a root (r-…), an organizational unit (ou-…) or an account",
            }
        ],
    }
