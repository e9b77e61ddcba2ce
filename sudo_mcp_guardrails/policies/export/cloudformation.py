"""The templates of a synthesized app as they are, with the assets that they name, ready to be uploaded.

An asset that is a folder becomes the zip file that the template expects, without times in it, so that the same folder
gives the same bytes. Source: AWS CDK developer guide, "Assets"; the CDK's cloud assembly schema, ``AssetManifest``.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.policies.export.manifest import ExportError, ExportFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from sudo_mcp_guardrails.iam.assembly import Template

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest time that a zip file can hold."""
_MODE: Final = 0o644
_EXECUTABLE: Final = 0o755
_UNIX: Final = 3
_TEMPLATE: Final = ".template.json"
_VERSION_RULE: Final = "CheckBootstrapVersion"


def cloudformation(directory: Path, templates: Sequence[Template]) -> tuple[ExportFile, ...]:
    """Return the templates of an app, byte for byte, and under ``assets/`` what has to be uploaded before.

    Args:
        directory: The cloud assembly.
        templates: Its templates.

    Raises:
        ExportError: For an asset that is not in the assembly, or that is no file: a container image.
    """
    files: dict[str, ExportFile] = {}
    for template in templates:
        path = location(directory, template)
        notes: dict[str, Any] = {"stack": template.name}
        if _VERSION_RULE in template.body.get("Rules", {}):
            notes["bootstrap"] = template.body["Parameters"]["BootstrapVersion"]["Default"]
        _add(files, ExportFile(path.relative_to(directory).as_posix(), _read(path), notes))
        for file in (*assets(directory, path), *_nested(directory, path)):
            _add(files, file)
    return tuple(files.values())


def location(directory: Path, template: Template) -> Path:
    """Return where a template is in an assembly: a nested stack's is beside its parent's."""
    parent = template.parent
    return directory / template.file if parent is None else location(directory, parent).with_name(template.file)


def _add(files: dict[str, ExportFile], file: ExportFile) -> None:
    """Add a file; one that several stacks need has all the places that they want it in."""
    known = files.get(file.path)
    notes = dict(file.notes) if known is None else {**known.notes, **file.notes}
    if known is not None and "upload" in known.notes and "upload" in file.notes:
        more = [place for place in file.notes["upload"] if place not in known.notes["upload"]]
        notes["upload"] = [*known.notes["upload"], *more]
    files[file.path] = ExportFile(file.path, file.data, notes)


def assets(directory: Path, template: Path) -> Iterator[ExportFile]:
    """Yield the files that a stack needs beside templates, each with the places that the CDK would upload it to.

    Args:
        directory: The cloud assembly.
        template: The stack's template in it.

    Raises:
        ExportError: As :func:`cloudformation`.
    """
    found = _manifest(template)
    images = found.get("dockerImages", {})
    if images:
        raise ExportError(
            f"asset {next(iter(images))!r} of {template.name!r} is a container image, which no file can stand for, "
            "expected assets that are files"
        )
    for digest, asset in sorted(found.get("files", {}).items()):
        source = asset["source"]
        if source.get("path") is None:
            raise ExportError(f"asset {digest!r} of {template.name!r} is built by a command, expected a file")
        path = _source(directory, template, source["path"])
        if path.name.endswith(_TEMPLATE):
            continue  # it is among the templates, as is a nested stack's
        data = _zipped(path) if source.get("packaging") == "zip" else _read(path)
        yield ExportFile(f"assets/{_key(asset, digest)}", data, {"upload": _uploads(asset)})


def _nested(directory: Path, template: Path) -> Iterator[ExportFile]:
    """Yield the templates of a stack's nested stacks, with where they belong."""
    for asset in _manifest(template).get("files", {}).values():
        source = _source(directory, template, str(asset["source"].get("path")))
        if source.name.endswith(_TEMPLATE) and source != template:
            path = source.relative_to(directory).as_posix()
            yield ExportFile(path, _read(source), {"upload": _uploads(asset)})


def _source(directory: Path, template: Path, path: str) -> Path:
    """Return where an asset lies: a stage's is beside its folder, and so above its template."""
    found = (template.parent / path).resolve()
    if not found.is_relative_to(directory.resolve()):
        raise ExportError(
            f"asset {path!r} of {template.name!r} is not in the assembly, expected one that is staged there"
        )
    return directory / found.relative_to(directory.resolve())


def _manifest(template: Path) -> Any:  # noqa: ANN401 - any JSON value
    """Return the asset manifest of a stack; empty where it has none."""
    path = template.with_name(template.name.removesuffix(_TEMPLATE) + ".assets.json")
    return json.loads(_read(path)) if path.exists() else {}


def _key(asset: Mapping[str, Any], digest: str) -> str:
    """Return the name of an asset's file: the last part of its key in the bucket."""
    keys = sorted({str(place["objectKey"]).rsplit("/", 1)[-1] for place in asset["destinations"].values()})
    return keys[0] if keys else digest


def _uploads(asset: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return where an asset belongs: for each account and Region a bucket and a key."""
    places = [
        {
            "bucket": str(p["bucketName"]),
            "key": str(p["objectKey"]),
            **({"region": p["region"]} if "region" in p else {}),
        }
        for _, p in sorted(asset["destinations"].items())
    ]
    return list({json.dumps(place, sort_keys=True): place for place in places}.values())


def _zipped(folder: Path) -> bytes:
    """Return a folder as a zip file; the same bytes wherever and whenever it is made."""
    if not folder.is_dir():
        raise ExportError(f"asset {folder.name!r} is not in the assembly, expected a folder: synthesize the app again")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if not path.is_file():
                continue
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _EPOCH)
            executable = bool(path.stat().st_mode & 0o100)
            entry.external_attr = (0o100000 | (_EXECUTABLE if executable else _MODE)) << 16
            entry.create_system = _UNIX
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    return out.getvalue()


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ExportError(f"cannot read {path.name!r} of the assembly: {error.strerror}, synthesize it again") from None
