"""The agents' roles in the templates of an app, for the commands that ask about them."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from sudo_mcp_guardrails.cli.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.iam.properties import Subject
    from sudo_mcp_guardrails.iam.templates import TemplateRole
    from sudo_mcp_guardrails.policies.subjects import Undecided

_SECONDS: Final = 300.0
_MANIFEST: Final = "manifest.json"

AppDirOption = Annotated[
    Path | None,
    typer.Option(
        "--app-dir",
        "-a",
        metavar="DIR",
        help="Cloud assembly to read; the output of cdk.json when left out, synthesized first where there is none.",
    ),
]

SynthOption = Annotated[
    bool, typer.Option("--synth", help="Synthesize the app of cdk.json first, though there are templates already.")
]


@dataclass(frozen=True)
class AppRoles:
    """What the templates of an app say about agents.

    Args:
        directory: The cloud assembly.
        subjects: The agents' roles, each with the template that it stands in.
        undecided: Roles on an agents' path about which nothing can be said.
        problems: What else stands in the way of a proof of all of the app, in words.
    """

    directory: Path
    subjects: tuple[tuple[Subject, TemplateRole], ...]
    undecided: tuple[Undecided, ...]
    problems: tuple[str, ...]

    @property
    def unknown(self) -> str:
        """Why an answer about the app is not the whole one; empty where it is."""
        roles = (f"role {u.role.name!r}: {u.reason}" for u in self.undecided)
        return "; ".join((*self.problems, *roles))


def read_app(directory: Path | None, report: Callable[[str], None], *, synth: bool = False) -> AppRoles:
    """Read the agents' roles out of an app's templates, synthesizing the app where there are none.

    Args:
        directory: The cloud assembly; None for the one that ``cdk.json`` names.
        report: Told what takes time.
        synth: Whether to synthesize the app also where there are templates.

    Raises:
        InputError: There is neither an assembly nor a ``cdk.json``, or no template declares an agent.
        ToolchainError: The app does not synthesize.
        TemplateError: A template is malformed.
    """
    from sudo_mcp_guardrails.iam.assembly import read_assembly
    from sudo_mcp_guardrails.iam.templates import read_templates
    from sudo_mcp_guardrails.policies.gate import unread
    from sudo_mcp_guardrails.policies.subjects import read_subjects

    found = directory or _output()
    problems: list[str] = []
    if synth and directory is not None:
        raise InputError("--app-dir and --synth are given, expected one of them")
    if directory is None and (synth or not (found / _MANIFEST).exists()):
        problems += _synthesize(found, report)
    if not (found / _MANIFEST).exists():
        raise InputError(f"{str(found)!r} is no cloud assembly, expected a folder that cdk synth has written")
    report(f"reading the templates in {found}")
    assembly = read_assembly(found)
    problems += unread(assembly)
    subjects = read_subjects(assembly.templates, read_templates(assembly.templates))
    problems += subjects.problems
    if not subjects.declared and not subjects.decided and not subjects.undecided:
        # To call an app without agents proved would be true of any template in the world.
        raise InputError(f"no template in {str(found)!r} declares an agent, expected AgentGuardrails in the app")
    return AppRoles(found, subjects.decided, subjects.undecided, tuple(problems))


def _output() -> Path:
    """Return where ``cdk.json`` has assemblies written; the CDK's own default without one."""
    return Path(str(_settings().get("output", "cdk.out")))


def _settings() -> dict[str, Any]:
    try:
        found = json.loads(Path("cdk.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise InputError(f"cdk.json is not readable as JSON: {error}") from error
    if not isinstance(found, dict):
        raise InputError(f"cdk.json: expected an object, got {type(found).__name__}")
    return found


def _synthesize(directory: Path, report: Callable[[str], None]) -> list[str]:
    """Synthesize the app of ``cdk.json``; return why that failed, where it left templates all the same.

    The gate and the rule packs fail a synthesis after its templates are written; a proof can still look at these.
    """
    if not Path("cdk.json").exists():
        raise InputError(
            f"neither {str(directory)!r} nor cdk.json is here: run this where the CDK app is, name its templates with "
            "--app-dir, or policies with --identity"
        )
    from sudo_mcp_guardrails.toolchain.cdk_cli import ensure_cdk_cli
    from sudo_mcp_guardrails.toolchain.errors import ToolchainError
    from sudo_mcp_guardrails.toolchain.process import run

    report("synthesizing the app of cdk.json")
    command = [*ensure_cdk_cli(report), "synth", "--quiet", "--no-notices", "--no-color", "--output", str(directory)]
    # The app's `python3` has to be the one that this library is installed in.
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    try:
        run(
            command,
            doing="synthesize the app of cdk.json",
            advice="run cdk synth by itself to see all that it says",
            timeout=_SECONDS,
            env={"PATH": path, "CDK_DISABLE_CLI_TELEMETRY": "true"},
        )
    except ToolchainError as error:
        if not (directory / _MANIFEST).exists():
            raise
        report(f"warning: {error}; going on with the templates that it wrote")
        return [str(error)]
    return []
