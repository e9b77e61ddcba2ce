"""How each format of ``mcp-guardrails export`` is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.cli.app_roles import read_app
from sudo_mcp_guardrails.cli.export_wanted import DEFAULT_PACKS, Format

if TYPE_CHECKING:
    from pathlib import Path

    from sudo_mcp_guardrails.cli.export_wanted import Wanted
    from sudo_mcp_guardrails.cli.output import Answer
    from sudo_mcp_guardrails.policies.export.app import App
    from sudo_mcp_guardrails.policies.export.manifest import Export

Read = Callable[[], "App"]
"""Reads the app, where the format is of one."""


def app_of(app_dir: Path | None, answer: Answer, *, synth: bool) -> App:
    """Return what is exported of an app; see :func:`~sudo_mcp_guardrails.cli.app_roles.read_app`."""
    from sudo_mcp_guardrails.iam.assembly import read_assembly
    from sudo_mcp_guardrails.policies.export.app import App

    roles = read_app(app_dir, answer.report, synth=synth)
    agents = frozenset((role.template.file, role.logical_id) for _, role in roles.subjects)
    return App(roles.directory, read_assembly(roles.directory).templates, agents, roles.unknown)


def _scp_json(wanted: Wanted, _read: Read) -> Export:
    from sudo_mcp_guardrails.policies.export.manifest import Export
    from sudo_mcp_guardrails.policies.export.organization import organization_policies, scp_json

    policies = organization_policies(wanted.packs, wanted.settings)
    return Export(wanted.form.value, scp_json(policies, wanted.values))


def _iam_json(wanted: Wanted, read: Read) -> Export:
    from sudo_mcp_guardrails.policies.export.iam_json import iam_json
    from sudo_mcp_guardrails.policies.export.manifest import Export

    app = read()
    stacks = app.sources(trusted=False)
    return Export(wanted.form.value, iam_json(stacks, wanted.values), app.left_out(stacks))


def _terraform(wanted: Wanted, read: Read) -> Export:
    from sudo_mcp_guardrails.policies.export.manifest import Export
    from sudo_mcp_guardrails.policies.export.organization import organization_policies
    from sudo_mcp_guardrails.policies.export.terraform import terraform
    from sudo_mcp_guardrails.policies.export.terraform_organization import KINDS

    app = read()
    stacks, problems = app.rests(app.sources(trusted=True))
    # An app that has such policies has its own settings for them; a second set of the same names cannot be made.
    default = () if app.has_organization else DEFAULT_PACKS
    policies = organization_policies(wanted.packs or default, wanted.settings)
    problems += [
        f"policy {policy.name}: provider 5 does not know its type {policy.kind.value}, write it with --format scp-json"
        for policy in policies
        if policy.kind not in KINDS
    ]
    return Export(wanted.form.value, terraform(stacks, policies), tuple(problems))


def _cloudformation(wanted: Wanted, read: Read) -> Export:
    from sudo_mcp_guardrails.policies.export.cloudformation import cloudformation
    from sudo_mcp_guardrails.policies.export.manifest import Export

    app = read()
    return Export(wanted.form.value, cloudformation(app.directory, app.templates))


def _guard(wanted: Wanted, _read: Read) -> Export:
    from sudo_mcp_guardrails.policies.export.guard import guard
    from sudo_mcp_guardrails.policies.export.manifest import Export

    return Export(wanted.form.value, guard())


def _containment(wanted: Wanted, _read: Read) -> Export:
    from sudo_mcp_guardrails.policies.export.containment import containment
    from sudo_mcp_guardrails.policies.export.manifest import Export

    files = containment(wanted.settings.names, wanted.values, classes=wanted.classes, home=wanted.home)
    return Export(wanted.form.value, files)


MAKERS: Final[dict[Format, Callable[[Wanted, Read], Export]]] = {
    Format.SCP_JSON: _scp_json,
    Format.IAM_JSON: _iam_json,
    Format.CLOUDFORMATION: _cloudformation,
    Format.TERRAFORM: _terraform,
    Format.GUARD: _guard,
    Format.CONTAINMENT: _containment,
}
