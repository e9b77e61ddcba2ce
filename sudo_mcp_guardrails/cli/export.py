"""``mcp-guardrails export``: the guardrails as files that stand alone, for those who do not use the CDK.

Summary keys: ``format``, ``files`` and ``bytes`` (the manifest included), ``folder``, ``left_out`` (what the app has
and this format does not). Items: ``file``, ``bytes``, ``sha256``; of a policy of the organization also ``type``,
``characters`` and ``limit``, of an asset ``upload``. The same input writes the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from sudo_mcp_guardrails.cli.app_roles import AppDirOption, SynthOption, read_app
from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.cli.export_values import account_of, values_of
from sudo_mcp_guardrails.cli.output import Answer, JsonOption, answering

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.policies.export.app import App
    from sudo_mcp_guardrails.policies.export.manifest import Export
    from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings


class Format(str, Enum):
    """What is written."""

    SCP_JSON = "scp-json"
    IAM_JSON = "iam-json"
    CLOUDFORMATION = "cloudformation"
    TERRAFORM = "terraform"
    GUARD = "guard"
    CONTAINMENT = "containment"


_OF_AN_APP = (Format.IAM_JSON, Format.CLOUDFORMATION, Format.TERRAFORM)
_OF_AN_ORGANIZATION = (Format.SCP_JSON, Format.TERRAFORM)
_PREFIXED = (*_OF_AN_ORGANIZATION, Format.CONTAINMENT)
_DEFAULT_PACKS = ("agents",)

Names = list[str]


def export(
    *,
    form: Annotated[Format, typer.Option("--format", help="What to write.")],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Folder to write to, empty or new.")],
    app_dir: AppDirOption = None,
    synth: SynthOption = False,
    pack: Annotated[
        Names | None,
        typer.Option(
            metavar="NAME",
            help="Pack of organization policies; repeatable. Default: agents; none "
            "where the app of a Terraform export has some itself.",
        ),
    ] = None,
    prefix: Annotated[
        str | None, typer.Option(metavar="PREFIX", help="Name prefix of the guardrails' own resources.")
    ] = None,
    organization_id: Annotated[str, typer.Option(metavar="ID", help="Organization, such as o-a1b2c3d4e5.")] = "",
    regions: Annotated[
        Names | None, typer.Option(metavar="REGION", help="Region that may be used; repeatable. Default: all.")
    ] = None,
    agent_class: Annotated[
        Names | None,
        typer.Option("--class", metavar="PATTERN", help="Class of agents with an SCP of its own; repeatable."),
    ] = None,
    home: Annotated[str, typer.Option("--home", metavar="ID", help="Account of the kill switch.")] = "",
    partition: Annotated[
        str | None, typer.Option(metavar="NAME", help="Partition, where no template says it. Default: aws.")
    ] = None,
    account: Annotated[str | None, typer.Option(metavar="ID", help="Account, where no template says it.")] = None,
    region: Annotated[str | None, typer.Option(metavar="NAME", help="Region, where no template says it.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write also where there are other files; they stay.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write the guardrails as files that stand alone."""
    with answering(as_json=as_json) as answer:
        if form not in _OF_AN_APP and (app_dir is not None or synth):
            raise InputError(f"--app-dir and --synth do not go with --format {form.value}, expected neither")
        if form not in _PREFIXED and prefix:
            raise InputError(f"--prefix does not go with --format {form.value}, expected none")
        if form is not Format.CONTAINMENT and (agent_class or home):
            raise InputError(f"--class and --home do not go with --format {form.value}, expected --format containment")
        if form not in _OF_AN_ORGANIZATION and (pack or organization_id or regions):
            raise InputError(
                f"--pack, --organization-id and --regions do not go with --format {form.value}, expected none"
            )
        wanted = _Wanted(
            form=form,
            packs=tuple(dict.fromkeys(pack or (_DEFAULT_PACKS if form is Format.SCP_JSON else ()))),
            prefix=prefix,
            organization_id=organization_id,
            regions=tuple(regions or ()),
            values=values_of(partition, account, region),
            classes=tuple(dict.fromkeys(agent_class or ())),
            home=account_of("--home", home),
        )
        with answer.progress.status(f"exporting {form.value}"):
            made = _MAKERS[form](wanted, lambda: _app(app_dir, answer, synth=synth))
        _write(wanted, made, out, answer, force=force)


@dataclass(frozen=True)
class _Wanted:
    """What is asked for.

    Args:
        form: The format.
        packs: Packs of organization policies; none for the default.
        prefix: Name prefix; None for the library's.
        organization_id: The organization's id; empty where unknown.
        regions: Regions that may be used; none for no limit.
        values: The pseudo parameters that are given.
        classes: Of agents, with an SCP of their own.
        home: Account of the kill switch; empty for the same.
    """

    form: Format
    packs: tuple[str, ...]
    prefix: str | None
    organization_id: str
    regions: tuple[str, ...]
    values: Mapping[str, str]
    classes: tuple[str, ...] = ()
    home: str = ""

    @property
    def settings(self) -> OrganizationSettings:
        """What the organization's policies are made from."""
        from sudo_mcp_guardrails.policies.naming import GuardrailNames
        from sudo_mcp_guardrails.policies.organization.settings import OrganizationSettings

        return OrganizationSettings(
            names=GuardrailNames(self.prefix) if self.prefix else GuardrailNames(),
            organization_id=self.organization_id,
            regions=self.regions,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return what the manifest says of it."""
        found: dict[str, Any] = {"values": dict(sorted(self.values.items()))}
        if self.form in _OF_AN_ORGANIZATION:
            found |= {
                "packs": list(self.packs),
                "prefix": self.settings.names.prefix,
                "organizationId": self.organization_id,
                "regions": list(self.regions),
            }
        if self.form is Format.CONTAINMENT:
            found |= {"prefix": self.settings.names.prefix, "classes": list(self.classes), "home": self.home}
        return found


_Read = Callable[[], "App"]


def _app(app_dir: Path | None, answer: Answer, *, synth: bool) -> App:
    from sudo_mcp_guardrails.iam.assembly import read_assembly
    from sudo_mcp_guardrails.policies.export.app import App

    roles = read_app(app_dir, answer.report, synth=synth)
    agents = frozenset((role.template.file, role.logical_id) for _, role in roles.subjects)
    return App(roles.directory, read_assembly(roles.directory).templates, agents, roles.unknown)


def _scp_json(wanted: _Wanted, _read: _Read) -> Export:
    from sudo_mcp_guardrails.policies.export.manifest import Export
    from sudo_mcp_guardrails.policies.export.organization import organization_policies, scp_json

    policies = organization_policies(wanted.packs, wanted.settings)
    return Export(wanted.form.value, scp_json(policies, wanted.values))


def _iam_json(wanted: _Wanted, read: _Read) -> Export:
    from sudo_mcp_guardrails.policies.export.iam_json import iam_json
    from sudo_mcp_guardrails.policies.export.manifest import Export

    app = read()
    stacks = app.sources(trusted=False)
    return Export(wanted.form.value, iam_json(stacks, wanted.values), app.left_out(stacks))


def _terraform(wanted: _Wanted, read: _Read) -> Export:
    from sudo_mcp_guardrails.policies.export.manifest import Export
    from sudo_mcp_guardrails.policies.export.organization import organization_policies
    from sudo_mcp_guardrails.policies.export.terraform import terraform
    from sudo_mcp_guardrails.policies.export.terraform_organization import KINDS

    app = read()
    stacks, problems = app.rests(app.sources(trusted=True))
    # An app that has such policies has its own settings for them; a second set of the same names cannot be made.
    default = () if app.has_organization else _DEFAULT_PACKS
    policies = organization_policies(wanted.packs or default, wanted.settings)
    problems += [
        f"policy {policy.name}: provider 5 does not know its type {policy.kind.value}, write it with --format scp-json"
        for policy in policies
        if policy.kind not in KINDS
    ]
    return Export(wanted.form.value, terraform(stacks, policies), tuple(problems))


def _cloudformation(wanted: _Wanted, read: _Read) -> Export:
    from sudo_mcp_guardrails.policies.export.cloudformation import cloudformation
    from sudo_mcp_guardrails.policies.export.manifest import Export

    app = read()
    return Export(wanted.form.value, cloudformation(app.directory, app.templates))


def _guard(wanted: _Wanted, _read: _Read) -> Export:
    from sudo_mcp_guardrails.policies.export.guard import guard
    from sudo_mcp_guardrails.policies.export.manifest import Export

    return Export(wanted.form.value, guard())


def _containment(wanted: _Wanted, _read: _Read) -> Export:
    from sudo_mcp_guardrails.policies.export.containment import containment
    from sudo_mcp_guardrails.policies.export.manifest import Export

    files = containment(wanted.settings.names, wanted.values, classes=wanted.classes, home=wanted.home)
    return Export(wanted.form.value, files)


_MAKERS: Final[dict[Format, Callable[[_Wanted, _Read], Export]]] = {
    Format.SCP_JSON: _scp_json,
    Format.IAM_JSON: _iam_json,
    Format.CLOUDFORMATION: _cloudformation,
    Format.TERRAFORM: _terraform,
    Format.GUARD: _guard,
    Format.CONTAINMENT: _containment,
}


def _write(wanted: _Wanted, made: Export, out: Path, answer: Answer, *, force: bool) -> None:
    """Write the files and say so."""
    import sudo_mcp_guardrails
    from sudo_mcp_guardrails.policies.export.directory import write
    from sudo_mcp_guardrails.policies.export.manifest import total, versions

    manifest = made.manifest(versions(sudo_mcp_guardrails.__version__), wanted.to_dict())
    files = (*made.files, manifest)
    write(files, out, force=force)
    for file in files:
        meter = f", {file.notes['characters']} of {file.notes['limit']} characters" if "limit" in file.notes else ""
        answer.text.print(f"{out / file.path}: {len(file.data)} bytes{meter}", soft_wrap=True, markup=False)
    for resource in made.left_out:
        answer.text.print(f"left out: {resource}", soft_wrap=True, markup=False)
    answer.text.print(f"{len(files)} files, {total(files)} bytes in {out}", soft_wrap=True, markup=False)
    answer.finish(
        ok=True,
        summary={
            "format": made.format,
            "files": len(files),
            "bytes": total(files),
            "folder": str(out),
            "left_out": list(made.left_out),
        },
        items=[file.to_dict() for file in files],
    )
