"""How every command answers: one JSON object or text for people, and three exit codes.

With ``--json`` a command prints exactly one object on standard output, ``{"ok": …, "summary": {…}, "items":
[…]}``; progress and logs go to standard error either way. The exit code is 0 (ok), 1 (a finding, a refusal, a
surprise) or 2 (could not tell, or bad input; the object then carries ``"error"``).
"""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from sudo_mcp_guardrails.errors import GuardrailsError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

OK = 0
FOUND = 1
UNKNOWN = 2
INTERRUPTED = 130

JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]


@dataclass
class Answer:
    """What a command says; handed out by :func:`answering`.

    Attributes:
        as_json: whether ``--json`` was given.
        progress: a console on standard error, for progress and remarks.
        text: a console for people, on standard output; quiet with ``--json``, so that commands need not ask.
    """

    as_json: bool
    progress: Console = field(default_factory=lambda: Console(stderr=True, highlight=False, emoji=False))
    text: Console = field(init=False)
    _result: dict[str, Any] | None = field(default=None, init=False)
    _code: int = field(default=OK, init=False)

    def __post_init__(self) -> None:
        """Open the console for people; ARNs hold what rich would take for emoji, as in ``:::x:``."""
        self.text = Console(quiet=self.as_json, highlight=False, emoji=False)

    def report(self, line: str) -> None:
        """Say one line on standard error; serves as the ``report`` argument of the toolchain."""
        self.progress.print(line, markup=False, soft_wrap=True)

    def finish(
        self,
        *,
        ok: bool,
        summary: Mapping[str, Any],
        items: Sequence[Mapping[str, Any]] = (),
        unknown: str = "",
    ) -> None:
        """State the result, once.

        Args:
            ok: False makes the exit code 1.
            summary: the command's documented keys.
            items: one mapping for each thing that was looked at or found.
            unknown: what could not be told, in one line. It makes the exit code 2 where nothing was found (``ok``),
                and a result that is not ok; the object then carries it as ``"error"``, beside what could be told.
        """
        if self._result is not None:
            raise RuntimeError("a command has one result, and this one has stated it already")
        self._result = {"ok": ok and not unknown, "summary": dict(summary), "items": [dict(item) for item in items]}
        self._code = FOUND if not ok else UNKNOWN if unknown else OK
        if self._code == UNKNOWN:
            self._result["error"] = " ".join(unknown.split())

    def close(self) -> int:
        """Print the result where ``--json`` asks for it, and return the exit code."""
        if self._result is None:
            raise RuntimeError("a command ended without a result")
        if self._code == UNKNOWN:
            sys.stderr.write(f"error: {self._result['error']}\n")
        if self.as_json:
            _write(self._result)
        return self._code


@contextmanager
def answering(*, as_json: bool) -> Iterator[Answer]:
    """Run a command's body, and turn its result or its refusal into the contract above.

    Raises:
        typer.Exit: always, with the exit code; a :class:`GuardrailsError` becomes one line and code 2, Ctrl-C
            130. A bug passes through to :func:`sudo_mcp_guardrails.cli.main`.
    """
    answer = Answer(as_json)
    try:
        yield answer
    except GuardrailsError as error:
        write_error(str(error), as_json=as_json)
        raise typer.Exit(UNKNOWN) from error
    except KeyboardInterrupt:
        write_error("stopped", as_json=as_json)
        raise typer.Exit(INTERRUPTED) from None
    raise typer.Exit(answer.close())


def write_error(message: str, *, as_json: bool) -> None:
    """Say why there is no result: one line on standard error and, with ``--json``, the object."""
    line = " ".join(message.split())
    sys.stderr.write(f"error: {line}\n")
    if as_json:
        _write({"ok": False, "summary": {}, "items": [], "error": line})


def _write(answer: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer, indent=2, ensure_ascii=False) + "\n")
    sys.stdout.flush()
