"""``mcp-guardrails gateway pin -- COMMAND…``: look at a server, and let nothing but what was seen through from then on.

Exit code 0 where it is pinned as it is, 1 where a person has yet to accept something, 2 where the server cannot be
asked or pinned. Summary: ``server``, ``tools``, ``changes``, ``findings``, ``written``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.cli.gateway.pinning import items_of, name_of, proposed, sandbox_of, show
from sudo_mcp_guardrails.cli.output import JsonOption, answering


def pin(
    *,
    command: Annotated[
        list[str] | None, typer.Argument(help="The server, behind --, as its client would start it.")
    ] = None,
    url: Annotated[str, typer.Option(help="The server's endpoint, where it is on streamable HTTP.")] = "",
    name: Annotated[str, typer.Option(help="The server's name in the lock file.")] = "",
    lock: Annotated[Path, typer.Option(help="The lock file.")] = Path("mcp-guardrails.lock.json"),
    accept: Annotated[list[str] | None, typer.Option(help="Key of a finding that you accept; repeatable.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="You have seen what is shown, and accept it.")] = False,
    sandbox: Annotated[bool, typer.Option(help="Run the command in a sandbox while it is asked.")] = True,
    host: Annotated[
        list[str] | None, typer.Option(help="HOST[:PORT] that the server may reach in its sandbox; repeatable.")
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option(help="NAME=VARIABLE: a header to the URL, from the environment; repeatable.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a server is, and pin it once a person says yes."""
    from sudo_mcp_guardrails.gateway.pins.files import read_lock, write_lock
    from sudo_mcp_guardrails.gateway.pins.pinning import key_of

    with answering(as_json=as_json) as answer:
        words = command or []
        server = name_of(words, url, name)
        before = read_lock(lock, missing=True)
        held = sandbox_of(host or (), wanted=sandbox, answer=answer) if words else None
        found = proposed(before, server, words, url, headers=header or (), sandbox=held)
        accepted = set(accept or ())
        strange = accepted - {key_of(each) for each in found.findings}
        if strange:
            raise InputError(f"--accept {min(strange)!r} is not allowed, expected the key of a finding that is shown")
        left = [each for each in found.findings if key_of(each) not in accepted]
        show(answer, found.changes, left)
        written = not left and (yes or _agreed(as_json=as_json, nothing=not found.changes))
        if written:
            write_lock(lock, found.accepted(before, sorted(accepted)))
            answer.text.print(f"pinned {server} in {lock}", markup=False)
        elif not left:
            answer.report("not pinned: nobody said yes; look at it, and run the command again with --yes")
        else:
            answer.report(f"not pinned: {len(left)} findings; accept each by --accept KEY, or leave the server alone")
        answer.finish(
            ok=written,
            summary={
                "server": server,
                "tools": len(found.pin.lists.get("tools", {})),
                "changes": len(found.changes),
                "findings": len(left),
                "written": written,
            },
            items=items_of(found.changes, left),
        )


def _agreed(*, as_json: bool, nothing: bool) -> bool:
    """Ask the person at the terminal; where nobody is, the answer is no, but for a pin that stays as it is."""
    if nothing:
        return True
    if as_json or not sys.stdin.isatty():
        return False
    return typer.confirm("Pin this?", default=False, err=True)
