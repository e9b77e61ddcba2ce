"""``mcp-guardrails``: the command line, one file a command."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, cast

import typer

from sudo_mcp_guardrails.cli.commands import build_app, wanted_commands, with_default
from sudo_mcp_guardrails.cli.output import INTERRUPTED, UNKNOWN, write_error
from sudo_mcp_guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType

__all__ = ["main"]

_log = logging.getLogger(__name__)

# typer does not hand out the error that all bad usage derives from, but it does hand out one child of it.
_UsageError = cast("type[Exception]", typer.BadParameter.__mro__[1])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: what follows the program's name; ``sys.argv`` when left out.

    Returns:
        0 (ok), 1 (a finding, a refusal, a surprise), 2 (could not tell, or bad input) or 130 (stopped by
        Ctrl-C).
    """
    given = with_default(sys.argv[1:] if arguments is None else arguments)
    as_json = "--json" in given
    if not given:
        given = ["--help"]
    _stop_on_sigterm()
    try:
        app = build_app(wanted_commands(given))
        code = app(given, prog_name="mcp-guardrails", standalone_mode=False)
    except _UsageError as error:
        reason = str(getattr(error, "format_message", error.__str__)()).rstrip(".") or "no command was given"
        write_error(f"{reason}; see mcp-guardrails --help", as_json=as_json)
        return UNKNOWN
    except GuardrailsError as error:
        write_error(str(error), as_json=as_json)
        return UNKNOWN
    except (KeyboardInterrupt, typer.Abort):
        write_error("stopped", as_json=as_json)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe left, as `head` does. Python would write to it once more at exit, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNKNOWN
    except Exception as error:  # noqa: BLE001 - logged with its trace, and told
        # A bug of ours. It must not look like 1, which says that something was found; the trace is for the
        # report.
        _log.exception("internal error")
        write_error(f"internal error: {type(error).__name__}: {error}", as_json=as_json)
        return UNKNOWN
    return code if isinstance(code, int) else 0


def _stop_on_sigterm() -> None:
    """Let a polite kill clean up as Ctrl-C does: the servers that a command started must not outlive it."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _interrupt)


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
