"""What the commands of ``mcp-guardrails plan`` are given: their options, and the plan that these make of a file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from sudo_mcp_guardrails.approval.plan import Form
from sudo_mcp_guardrails.cli.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sudo_mcp_guardrails.approval.plan import Plan

Texts = list[str]

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The plan: JSON, or a template in YAML.")]
FormOption = Annotated[Form | None, typer.Option("--form", help="What it is. Default: told by its members.")]
AccountOption = Annotated[str, typer.Option(metavar="ID", help="Account, where the file does not say it.")]
RegionOption = Annotated[str, typer.Option(metavar="NAME", help="Region, where the file does not say it.")]
TargetOption = Annotated[str, typer.Option(metavar="NAME", help="Stack or workspace, where the file does not say it.")]
ParameterOption = Annotated[
    Texts | None, typer.Option("--parameter", metavar="NAME=VALUE", help="A template's parameter; repeatable.")
]
OptionOption = Annotated[
    Texts | None,
    typer.Option("--option", metavar="NAME=VALUE", help="How it is carried out, such as RoleARN=…; repeatable."),
]
PinOption = Annotated[
    Texts | None,
    typer.Option(
        "--pin", metavar="URI=VERSION", help="Version or hash of something outside, looked up by you; repeatable."
    ),
]
TemplateOption = Annotated[Path | None, typer.Option(metavar="FILE", help="Processed template of a change set.")]
DeployedOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Template that is deployed now. Default: none, all is created.")
]
DeployedParameterOption = Annotated[
    Texts | None,
    typer.Option(
        "--deployed-parameter",
        metavar="NAME=VALUE",
        help="Value that a parameter has now; repeatable. Default: not known, so that each may have changed.",
    ),
]
CurrentOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Properties that a resource has now, for Cloud Control.")
]
NestedOption = Annotated[
    list[Path] | None, typer.Option(metavar="FILE", help="Change set of a nested stack; repeatable.")
]
SavedOption = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Terraform's saved plan file, whose hash becomes part of the plan.")
]

_PAIRS: Final = {
    "parameters": "--parameter",
    "options": "--option",
    "versions": "--pin",
    "deployed_parameters": "--deployed-parameter",
}
_MAX_SAVED: Final = 512 * 1024 * 1024


class Given:
    """What the options say.

    Args:
        texts: account, Region and target.
        pairs: NAME=VALUE options, by what they are of :class:`~sudo_mcp_guardrails.approval.reading.Known`; None for
            one that is left out.
        files: Files beside the plan, likewise.
        nested: Change sets of nested stacks.
        saved: Terraform's saved plan file.

    Raises:
        InputError: A pair is none, or is there twice.
    """

    def __init__(
        self,
        texts: Mapping[str, str],
        pairs: Mapping[str, Sequence[str] | None],
        files: Mapping[str, Path | None],
        *,
        nested: Sequence[Path],
        saved: Path | None,
    ) -> None:
        self._texts = texts
        # Left out, what a parameter has now is not known, and all else is empty.
        self._pairs = {name: _pairs(name, given) for name, given in pairs.items() if given is not None}
        self._files = files
        self._nested = nested
        self._saved = saved

    def read(self, file: Path, form: Form | None) -> Plan:
        """Read the plan; raises InputError and PlanError."""
        from sudo_mcp_guardrails.approval.reading import Known, read_plan
        from sudo_mcp_guardrails.cli.plan_files import read_document

        known: dict[str, Any] = {**self._texts, **self._pairs}
        known |= {name: read_document(path) for name, path in self._files.items() if path is not None}
        known["nested"] = dict(map(_nested, self._nested))
        known["artifact"] = _hash(self._saved) if self._saved is not None else ""
        return read_plan(read_document(file), form=form, known=Known(**known))


def _pairs(name: str, given: Sequence[str]) -> dict[str, str]:
    """Return NAME=VALUE pairs; a URI may hold an equals sign itself, and the version behind it none."""
    option = _PAIRS[name]
    found: dict[str, str] = {}
    for text in given:
        key, separator, value = text.rpartition("=") if name == "versions" else text.partition("=")
        if not separator or not key:
            raise InputError(f"{option} has no name and value, expected NAME=VALUE")
        if key in found:
            raise InputError(f"{option} has {key!r} twice, expected it once")
        found[key] = value
    return found


def _nested(path: Path) -> tuple[str, Any]:
    """Return the ARN of a nested change set, and its answer or the pages of it."""
    from sudo_mcp_guardrails.approval.reading.source import loaded
    from sudo_mcp_guardrails.cli.plan_files import read_bytes

    document = loaded(read_bytes(path), str(path))
    first = document[0] if isinstance(document, list) and document else document
    arn = first.get("ChangeSetId") if isinstance(first, dict) else None
    if not isinstance(arn, str):
        raise InputError(f"{str(path)!r} has no ChangeSetId, expected an answer of DescribeChangeSet")
    return arn, document


def _hash(path: Path) -> str:
    found = hashlib.sha256()
    try:
        if path.stat().st_size > _MAX_SAVED:
            raise InputError(f"file {str(path)!r} has {path.stat().st_size} bytes, allowed are {_MAX_SAVED}")
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                found.update(chunk)
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror}") from error
    return found.hexdigest()
