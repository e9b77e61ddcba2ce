"""Agents' roles as IAM's own JSON: what ``aws iam create-role`` and ``create-policy`` take as ``file://``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.policies.export.manifest import ExportFile, pretty
from sudo_mcp_guardrails.policies.export.source import folders, resolved, safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sudo_mcp_guardrails.policies.export.source import PolicySource, RoleSource, StackSource


def iam_json(stacks: Sequence[StackSource], values: Mapping[str, str]) -> tuple[ExportFile, ...]:
    """Return the policies and roles of each stack: ``STACK/policies/NAME.json``, ``STACK/roles/NAME/…``.

    A role has ``trust.json`` and ``role.json``, which is the input of ``aws iam create-role --cli-input-json`` but for
    the trust policy, with the ARNs to attach beside it.

    Args:
        stacks: The stacks.
        values: The pseudo parameters that are known; a stack's own go first.

    Raises:
        ExportError: For a pseudo parameter that is not known.
    """
    names = folders(stacks)
    return tuple(file for stack in stacks for file in _stack(stack, names[stack.file], {**values, **stack.values}))


def _stack(stack: StackSource, folder: str, values: Mapping[str, str]) -> Iterator[ExportFile]:
    boundaries = {role.boundary for role in stack.roles}
    names: dict[str, str] = {}
    for policy in stack.policies:
        kind = "boundaries" if policy.arn in boundaries else "policies"
        names[policy.arn] = f"{kind}/{safe(policy.name)}.json"
        document = resolved(policy.document, values, f"policy {policy.name!r}")
        arn = resolved(policy.arn, values, f"policy {policy.name!r}")
        yield ExportFile(f"{folder}/{names[policy.arn]}", pretty(document), {"arn": arn})
    for role in stack.roles:
        yield from _role(folder, role, values, names)


def _role(folder: str, role: RoleSource, values: Mapping[str, str], names: Mapping[str, str]) -> Iterator[ExportFile]:
    place = f"{folder}/roles/{safe(role.name)}"
    what = f"role {role.name!r}"
    yield ExportFile(f"{place}/trust.json", pretty(resolved(role.trust, values, what)))
    for name, document in role.inline:
        yield ExportFile(f"{place}/inline/{safe(name)}.json", pretty(resolved(document, values, what)))
    described: dict[str, Any] = {
        "RoleName": role.name,
        "Path": role.path,
        "Description": role.description,
        "MaxSessionDuration": role.session_seconds,
        "PermissionsBoundary": role.boundary,
        "Tags": [{"Key": key, "Value": value} for key, value in sorted(role.tags.items())],
    }
    body = {
        "arn": role.arn,
        "createRole": {key: value for key, value in described.items() if value},
        "attach": [{"arn": arn, **_file(arn, names)} for arn in role.policies],
        "boundary": None if role.boundary is None else {"arn": role.boundary, **_file(role.boundary, names)},
    }
    yield ExportFile(f"{place}/role.json", pretty(resolved(body, values, what)))


def _file(arn: str, names: Mapping[str, str]) -> dict[str, str]:
    """Return where a policy's document is, as seen from the stack's folder; nothing for one of another stack."""
    return {"file": names[arn]} if arn in names else {}


def policy_of(stack: StackSource, arn: str | None) -> PolicySource | None:
    """Return the stack's policy of an ARN; None where it has none."""
    return next((policy for policy in stack.policies if policy.arn == arn), None)
