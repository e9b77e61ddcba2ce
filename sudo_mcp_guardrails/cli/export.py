"""``mcp-guardrails export``: the guardrails as files that stand alone, for those who do not use the CDK.

Summary keys: ``format``, ``files`` and ``bytes`` (the manifest included), ``folder``, ``left_out`` (what the app has
and this format does not). Items: ``file``, ``bytes``, ``sha256``; of a policy of the organization also ``type``,
``characters`` and ``limit``, of an asset ``upload``. The same input writes the same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sudo_mcp_guardrails.cli.app_roles import AppDirOption, SynthOption
from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.cli.export_makers import MAKERS, app_of
from sudo_mcp_guardrails.cli.export_values import account_of, values_of
from sudo_mcp_guardrails.cli.export_wanted import (
    DEFAULT_PACKS,
    OF_AN_APP,
    OF_AN_ORGANIZATION,
    PREFIXED,
    Format,
    Wanted,
)
from sudo_mcp_guardrails.cli.output import Answer, JsonOption, answering

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.export.manifest import Export


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
        if form not in OF_AN_APP and (app_dir is not None or synth):
            raise InputError(f"--app-dir and --synth do not go with --format {form.value}, expected neither")
        if form not in PREFIXED and prefix:
            raise InputError(f"--prefix does not go with --format {form.value}, expected none")
        if form is not Format.CONTAINMENT and (agent_class or home):
            raise InputError(f"--class and --home do not go with --format {form.value}, expected --format containment")
        if form not in OF_AN_ORGANIZATION and (pack or organization_id or regions):
            raise InputError(
                f"--pack, --organization-id and --regions do not go with --format {form.value}, expected none"
            )
        wanted = Wanted(
            form=form,
            packs=tuple(dict.fromkeys(pack or (DEFAULT_PACKS if form is Format.SCP_JSON else ()))),
            prefix=prefix,
            organization_id=organization_id,
            regions=tuple(regions or ()),
            values=values_of(partition, account, region),
            classes=tuple(dict.fromkeys(agent_class or ())),
            home=account_of("--home", home),
        )
        with answer.progress.status(f"exporting {form.value}"):
            made = MAKERS[form](wanted, lambda: app_of(app_dir, answer, synth=synth))
        _write(wanted, made, out, answer, force=force)


def _write(wanted: Wanted, made: Export, out: Path, answer: Answer, *, force: bool) -> None:
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
