"""Terraform modules in JSON: one for each stack of agents, and one for the organization's policies.

Written for HashiCorp's AWS provider 5 and later. Sources: AWS provider, "aws_iam_role", "aws_iam_policy" and
"aws_cloudformation_stack".
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.iam.documents import minified
from sudo_mcp_guardrails.policies.export.hcl import given, module, template
from sudo_mcp_guardrails.policies.export.iam_json import policy_of
from sudo_mcp_guardrails.policies.export.manifest import ExportFile, pretty
from sudo_mcp_guardrails.policies.export.rest import BUCKET
from sudo_mcp_guardrails.policies.export.source import folders
from sudo_mcp_guardrails.policies.export.terraform_organization import KINDS, organization_module

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sudo_mcp_guardrails.policies.export.organization import OrganizationPolicy
    from sudo_mcp_guardrails.policies.export.rest import Rest
    from sudo_mcp_guardrails.policies.export.source import RoleSource, StackSource

FILE: Final = "main.tf.json"
REST: Final = "rest.template.json"
ORGANIZATION: Final = "organization"


def terraform(
    stacks: Sequence[tuple[StackSource, Rest | None]], policies: Sequence[OrganizationPolicy]
) -> tuple[ExportFile, ...]:
    """Return a module for each stack, in a folder of its name, and ``organization`` for an organization's policies.

    Args:
        stacks: Each stack's roles and policies, and what else it has.
        policies: The organization's policies.

    Raises:
        ExportError: For text that cannot be written as a Terraform template.
    """
    files: list[ExportFile] = []
    names = folders([stack for stack, _ in stacks])
    for stack, rest in stacks:
        folder = names[stack.file]
        files.append(ExportFile(f"{folder}/{FILE}", pretty(stack_module(stack, rest))))
        if rest is not None:
            files.append(ExportFile(f"{folder}/{REST}", minified(rest.template).encode()))
            files += [ExportFile(f"{folder}/assets/{asset.path}", asset.data) for asset in rest.assets]
    made_here = [policy for policy in policies if policy.kind in KINDS]
    if made_here:
        files.append(ExportFile(f"{ORGANIZATION}/{FILE}", pretty(organization_module(made_here))))
    return tuple(files)


def stack_module(stack: StackSource, rest: Rest | None = None) -> dict[str, Any]:
    """Return the module of one stack: its policies, boundaries, roles and attachments, and a stack of what is left."""
    references = {policy.arn: f"${{aws_iam_policy.{policy.id}.arn}}" for policy in stack.policies}
    # Every name is a reference where the module has the resource, so that Terraform makes that one first.
    references |= {role.arn: f"${{aws_iam_role.{role.id}.arn}}" for role in stack.roles}
    policies = {
        policy.id: given(
            name=template(policy.name),
            path=template(policy.path),
            description=template(policy.description),
            policy=template(minified(policy.document)),
        )
        for policy in stack.policies
    }
    roles = {role.id: _role(role, references) for role in stack.roles}
    attachments = {key: value for role in stack.roles for key, value in _attachments(stack, role, references)}
    inline = {
        f"{role.id}-{index}": {
            "name": template(name),
            "role": f"${{aws_iam_role.{role.id}.name}}",
            "policy": template(minified(document)),
        }
        for role in stack.roles
        for index, (name, document) in enumerate(role.inline)
    }
    resources = {
        "aws_iam_policy": policies,
        "aws_iam_role": roles,
        "aws_iam_role_policy": inline,
        "aws_iam_role_policy_attachment": attachments,
    }
    own = {role.name: f"${{aws_iam_role.{role.id}.arn}}" for role in stack.roles if role.agents}
    output: dict[str, Any] = {"roles": {"description": "ARN of each role of an agent, by its name", "value": own}}
    variable: dict[str, Any] = {}
    names = ("AccountId",) if rest is None else ("AccountId", "Region")
    if rest is not None:
        before = [f"{kind}.{name}" for kind, block in resources.items() for name in block]
        resources |= _rest(stack.name, rest, before)
        outputs = "${one(aws_cloudformation_stack.rest[*].outputs)}"
        output["outputs"] = {"description": "Outputs of what is not IAM; null where that is not made", "value": outputs}
    if rest is not None and rest.assets:
        variable["assets_bucket"] = {
            "type": "string",
            "default": "",
            "description": "Bucket for the code of what is not IAM, in the same Region; without one there is IAM alone",
        }
    return module(
        f"stack {stack.name} of the app, its agents' roles and policies as resources",
        resources,
        output=output,
        variable=variable,
        # IAM has no Region; the rest has one.
        made_for={name: stack.values[name] for name in names if name in stack.values},
    )


def _rest(name: str, rest: Rest, before: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return the stack of what is left, and the files that it needs in a bucket.

    Their keys are digests: other code is another object, and so another template.
    """
    wanted = {"count": '${var.assets_bucket == "" ? 0 : 1}'} if rest.assets else {}
    objects = {
        f"asset-{asset.sha256[:12]}": {
            **wanted,
            "bucket": "${var.assets_bucket}",
            "key": asset.path,
            "source": f"${{path.module}}/assets/{asset.path}",
        }
        for asset in rest.assets
    }
    stack = given(
        **wanted,
        name=template(name.replace("/", "-")),
        template_body=f'${{file("${{path.module}}/{REST}")}}',
        capabilities=["CAPABILITY_NAMED_IAM"],
        parameters={BUCKET: "${var.assets_bucket}"} if rest.assets else {},
        depends_on=[*before, *(f"aws_s3_object.{name}" for name in objects)],
    )
    return {"aws_s3_object": objects, "aws_cloudformation_stack": {"rest": stack}}


def _role(role: RoleSource, references: Mapping[str, str]) -> dict[str, Any]:
    return given(
        name=template(role.name),
        path=template(role.path),
        description=template(role.description),
        assume_role_policy=_trust(role, references),
        max_session_duration=role.session_seconds,
        permissions_boundary=None if role.boundary is None else _reference(role.boundary, references),
        tags={template(key): template(value) for key, value in sorted(role.tags.items())},
    )


def _trust(role: RoleSource, references: Mapping[str, str]) -> str:
    """Return a trust policy in which the roles of the module stand as references."""

    def principal(value: Any) -> Any:  # noqa: ANN401 - any JSON value
        if isinstance(value, list):
            return [principal(item) for item in value]
        if isinstance(value, dict):
            return {kind: principal(item) for kind, item in value.items()}
        return _marked(value) if value in references and value != role.arn else value

    statements = role.trust["Statement"]
    listed = statements if isinstance(statements, list) else [statements]
    changed = [{key: principal(v) if key == "Principal" else v for key, v in one.items()} for one in listed]
    text = template(minified({**role.trust, "Statement": changed}))
    for arn, reference in references.items():
        text = text.replace(_marked(arn), reference)
    return text


def _marked(arn: str) -> str:
    """Return what stands for an ARN until the text around it has been escaped."""
    return f"reference-{hashlib.sha256(arn.encode()).hexdigest()}"


def _attachments(
    stack: StackSource, role: RoleSource, references: Mapping[str, str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    for arn in role.policies:
        policy = policy_of(stack, arn)
        key = policy.id if policy is not None else hashlib.sha256(arn.encode()).hexdigest()[:12]
        yield (
            f"{role.id}-{key}",
            {"role": f"${{aws_iam_role.{role.id}.name}}", "policy_arn": _reference(arn, references)},
        )


def _reference(arn: str, references: Mapping[str, str]) -> str:
    return references.get(arn) or template(arn)
