"""``mcp-guardrails gateway verify`` and ``replay``: whether the guard's log is whole, and what other rules would say.

``verify``: summary ``records``, ``broken``, ``seals``, ``calls``, ``statements``; items: ``line`` and ``problem``. Exit
code 0 where nothing is broken. ``replay``: summary ``calls``, ``changed``, ``asked_before``, ``asked_now``; items:
``session``, ``call``, ``tool``, ``before``, ``now``, ``elsewhere``, ``changed``. Exit code 0 where nothing changed. A
log that is broken is not replayed.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.cli.output import JsonOption, answering

if TYPE_CHECKING:
    from sudo_mcp_guardrails.gateway.provenance.reading import Read

_MOST_RULES: Final = 65_536

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="A log of the guard.")]
KeyOption = Annotated[Path, typer.Option(help="The guard's public key, in PEM.")]


def verify(
    file: FileArgument,
    *,
    key: KeyOption,
    statements: Annotated[Path | None, typer.Option(help="Write in-toto statements here, a line each.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Check that a log is whole: nothing changed, missing or moved, and everything under a signature."""
    from sudo_mcp_guardrails.gateway.provenance.statement import statements as made_of

    with answering(as_json=as_json) as answer:
        read = _read(file, key)
        made = [] if read.problems else list(made_of(read.records))
        if statements is not None and not read.problems:
            try:
                statements.write_text("".join(json.dumps(each, sort_keys=True) + "\n" for each in made), "utf-8")
            except OSError as error:
                raise InputError(f"{str(statements)!r} cannot be written: {error.strerror}") from error
        for place, text in read.problems:
            answer.text.print(f"line {place}: {text}", markup=False)
        answer.text.print(f"{read.lines} records, {read.seals} seals, {len(read.problems)} broken", markup=False)
        answer.finish(
            ok=not read.problems,
            summary={
                "records": read.lines,
                "broken": len(read.problems),
                "seals": read.seals,
                "calls": sum(each["kind"] == "call" for each in read.records),
                "statements": len(made),
            },
            items=[{"line": place, "problem": text} for place, text in read.problems],
        )


def replay(
    file: FileArgument,
    *,
    key: KeyOption,
    rules: Annotated[Path, typer.Option(help="JSON: scope, least, bound, links, lock; what is left out stays.")],
    as_json: JsonOption = False,
) -> None:
    """Decide a recorded session again under other rules of taint."""
    from sudo_mcp_guardrails.cli.gateway.given import read_text
    from sudo_mcp_guardrails.gateway.provenance.replay import policy_of
    from sudo_mcp_guardrails.gateway.provenance.replay import replay as decided

    with answering(as_json=as_json) as answer:
        read = _read(file, key)
        if read.problems:
            raise InputError(f"log {str(file)!r} is broken at line {read.problems[0][0]}, expected one that verifies")
        try:
            policy = policy_of(json.loads(read_text(rules, _MOST_RULES)))
        except ValueError as error:
            raise InputError(f"rules {str(rules)!r} are not JSON: {error}") from error
        found = list(decided(read.records, policy))
        changed = [each for each in found if each.changed]
        for each in changed:
            before = ", ".join(each.before) or "nothing"
            line = f"{each.session} {each.call} {each.tool}: {before}, now {each.now or 'nothing'}"
            answer.text.print(line, markup=False)
        answer.text.print(f"{len(changed)} of {len(found)} calls are decided otherwise", markup=False)
        answer.finish(
            ok=not changed,
            summary={
                "calls": len(found),
                "changed": len(changed),
                "asked_before": sum(bool(each.before) for each in found),
                "asked_now": sum(bool(each.now) for each in found),
            },
            items=[
                {"session": each.session, "call": each.call, "tool": each.tool, "before": list(each.before)}
                | {"now": each.now or None, "elsewhere": list(each.elsewhere), "changed": each.changed}
                for each in found
            ],
        )


def _read(file: Path, key: Path) -> Read:
    from sudo_mcp_guardrails.gateway.provenance.keys import read_public
    from sudo_mcp_guardrails.gateway.provenance.reading import read_log

    public = read_public(key)
    try:
        with file.open("rb") as opened:
            return read_log(opened, public)
    except OSError as error:
        raise InputError(f"{str(file)!r} cannot be read: {error.strerror}") from error
