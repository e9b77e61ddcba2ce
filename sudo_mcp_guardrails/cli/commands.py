"""Which commands there are, and how the one that is wanted gets loaded.

Commands import the CDK, boto3 and more. So only the wanted one is imported; the others stand in the help with
the line that this table holds for them.
"""

from __future__ import annotations

import importlib
import logging
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from sudo_mcp_guardrails.cli.version import show_version

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True)
class Command:
    """One command, or one group of them.

    Attributes:
        name: as typed.
        target: ``module:attribute`` of a function with typer's annotations; for a group, of a ``typer.Typer``, or of a
        table like this one where its commands import much.
        summary: one line for ``mcp-guardrails --help``.
        default: of a group: the command that an option or ``--`` right behind the group's name means.
    """

    name: str
    target: str
    summary: str
    default: str = ""

    def load(self) -> Callable[..., object] | typer.Typer | tuple[Command, ...]:
        """Import the command."""
        module, _, attribute = self.target.partition(":")
        loaded: Callable[..., object] | typer.Typer | tuple[Command, ...]
        loaded = getattr(importlib.import_module(module), attribute)
        return loaded


COMMANDS = (
    Command(
        "prove",
        "sudo_mcp_guardrails.cli.prove:prove",
        "Show that no agent can escalate, or the request with which one can.",
    ),
    Command(
        "mutants",
        "sudo_mcp_guardrails.cli.mutants:mutants",
        "Take each Deny of the agents' policies away, and show what is then possible.",
    ),
    Command(
        "can",
        "sudo_mcp_guardrails.cli.can:can",
        "Say which agents' roles may do something, and why or why not.",
    ),
    Command(
        "effective",
        "sudo_mcp_guardrails.cli.effective:effective",
        "Count what remains of all actions for an agent, by service and access level.",
    ),
    Command(
        "lint",
        "sudo_mcp_guardrails.cli.lint:lint",
        "Find policy statements that do nothing, or something else than they say.",
    ),
    Command(
        "export",
        "sudo_mcp_guardrails.cli.export:export",
        "Write the guardrails as files that stand alone, for those who do not use the CDK.",
    ),
    Command(
        "plan",
        "sudo_mcp_guardrails.cli.plan:app",
        "Say what a template, a change set, a Terraform plan or API calls would change, and its digest.",
    ),
    Command(
        "trail",
        "sudo_mcp_guardrails.cli.trail:COMMANDS",
        "Keep CloudTrail's events, each once, and trace a call to the person behind it.",
    ),
    Command(
        "detect",
        "sudo_mcp_guardrails.cli.detect:detect",
        "Look at events for what agents should not have done, or test the rules.",
    ),
    Command(
        "approvals",
        "sudo_mcp_guardrails.cli.approvals:COMMANDS",
        "Decide about what agents propose, and check and export the evidence of it.",
    ),
    Command(
        "gateway",
        "sudo_mcp_guardrails.cli.gateway:COMMANDS",
        "Guard every call of a tool: stand between an MCP client and a server, or look at a script.",
        default="run",
    ),
    Command(
        "contain",
        "sudo_mcp_guardrails.cli.contain:contain",
        "Stop one agent, a class of agents, or all of them, by the deployed kill switch.",
    ),
    Command(
        "restore",
        "sudo_mcp_guardrails.cli.restore:restore",
        "Undo a containment from its record.",
    ),
    Command(
        "drill",
        "sudo_mcp_guardrails.cli.drill:drill",
        "Rehearse a containment on the embedded AWS, and show that all is as it was afterwards.",
    ),
    Command(
        "demo",
        "sudo_mcp_guardrails.cli.demo:demo",
        "Deploy three agents on the embedded AWS, and attack them.",
    ),
    Command(
        "local",
        "sudo_mcp_guardrails.cli.local:app",
        "Start, stop and use the embedded AWS by hand.",
    ),
)


def wanted_commands(arguments: Sequence[str]) -> list[str]:
    """The names in ``arguments`` that may be a group's and a command's: options in front of these take no values."""
    return [argument for argument in arguments if not argument.startswith("-")][:2]


def with_default(arguments: Sequence[str], commands: Sequence[Command] = COMMANDS) -> list[str]:
    """The arguments, with a group's default command where its name is followed by an option or by ``--``."""
    given = list(arguments)
    at = next((number for number, argument in enumerate(given) if not argument.startswith("-")), len(given))
    for command in commands:
        behind = given[at + 1 : at + 2]
        if command.default and given[at : at + 1] == [command.name] and behind and behind[0].startswith("-"):
            return given if behind[0] in {"-h", "--help"} else [*given[: at + 1], command.default, *given[at + 1 :]]
    return given


def build_app(wanted: Sequence[str], commands: Sequence[Command] = COMMANDS) -> typer.Typer:
    """The command line, of which only the command ``wanted`` is imported.

    Args:
        wanted: its name, behind that of its group where it has one; none or unknown ones import none.
        commands: the table.
    """
    app = typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    _add(app, wanted, commands)
    return app


def _add(app: typer.Typer, wanted: Sequence[str], commands: Sequence[Command]) -> None:
    for command in commands:
        target = command.load() if [command.name] == list(wanted[:1]) else _nothing
        if isinstance(target, tuple):
            group = typer.Typer(no_args_is_help=True)
            _add(group, wanted[1:], target)
            target = group
        if isinstance(target, typer.Typer):
            app.add_typer(target, name=command.name, help=command.summary)
        else:
            app.command(command.name, help=command.summary)(target)


def _nothing() -> None:
    """What stands for a command that is not wanted, and so never runs."""


def _options(
    *,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Write the log to standard error.")] = False,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    """Guardrails for AI agents that work in AWS, and the proof that they hold."""
    level = logging.DEBUG if verbose else logging.WARNING
    logging.basicConfig(level=level, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s", force=True)
    # boto3's own debug log shows requests in full; nobody who asks for ours wants it.
    for noisy in ("boto3", "botocore", "urllib3"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
