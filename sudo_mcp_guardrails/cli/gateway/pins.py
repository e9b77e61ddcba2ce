"""``mcp-guardrails gateway pins``: compare servers with the lock file, and look at the lock file itself."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.cli.gateway.pinning import items_of, proposed, sandbox_of, show
from sudo_mcp_guardrails.cli.output import JsonOption, answering

if TYPE_CHECKING:
    from sudo_mcp_guardrails.gateway.pins.changed import Changed
    from sudo_mcp_guardrails.gateway.pins.findings import Finding

app = typer.Typer(no_args_is_help=True)
LockOption = Annotated[Path, typer.Option(help="The lock file.")]
_LOCK = Path("mcp-guardrails.lock.json")


@app.command()
def diff(
    *,
    names: Annotated[list[str] | None, typer.Argument(help="Servers of the lock file; all when left out.")] = None,
    lock: LockOption = _LOCK,
    sandbox: Annotated[bool, typer.Option(help="Run commands in a sandbox while they are asked.")] = True,
    host: Annotated[
        list[str] | None, typer.Option(help="HOST[:PORT] that servers may reach in their sandbox; repeatable.")
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option(help="NAME=VARIABLE: a header to URLs, from the environment; repeatable.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Ask pinned servers anew, and show what is not as it was pinned. Exit code 1 where something is not.

    Summary: ``servers``, ``changed``, ``changes``, ``findings``.
    """
    from sudo_mcp_guardrails.gateway.pins.files import read_lock

    with answering(as_json=as_json) as answer:
        known = read_lock(lock)
        wanted = names or sorted(known.servers)
        strange = sorted(set(wanted) - set(known.servers))
        if strange:
            raise InputError(f"server {strange[0]!r} is not in {lock}, expected of {sorted(known.servers)}")
        held = sandbox_of(host or (), wanted=sandbox, answer=answer)
        changes: list[Changed] = []
        findings: list[Finding] = []
        changed = 0
        for name in wanted:
            launch: dict[str, Any] = dict(known.servers[name].launch)
            command, url = launch.get("command", []), launch.get("url", "")
            found = proposed(known, name, command, url, headers=header or () if url else (), sandbox=held)
            changed += bool(found.changes)
            changes += found.changes
            findings += found.findings
        show(answer, changes, findings)
        answer.text.print(f"{changed} of {len(wanted)} servers are not as they are pinned", markup=False)
        answer.finish(
            ok=not changes,
            summary={"servers": len(wanted), "changed": changed, "changes": len(changes), "findings": len(findings)},
            items=items_of(changes, findings),
        )


@app.command()
def check(*, lock: LockOption = _LOCK, as_json: JsonOption = False) -> None:
    """Read the lock file, and show findings that nobody accepted. Starts nothing. Exit code 1 where there are some.

    Summary: ``servers``, ``tools``, ``reviewed``, ``findings``.
    """
    from sudo_mcp_guardrails.gateway.pins.files import read_lock
    from sudo_mcp_guardrails.gateway.pins.pinning import findings_of, key_of

    with answering(as_json=as_json) as answer:
        known = read_lock(lock)
        left = [each for each in findings_of(known) if key_of(each) not in known.servers[each.server].accepted]
        tools = [pin for server in known.servers.values() for pin in server.lists.get("tools", {}).values()]
        reviewed = sum(bool(pin.labels.reviewed_by) for pin in tools)
        show(answer, (), left)
        line = f"{len(known.servers)} servers, {len(tools)} tools, labels of {reviewed} reviewed, {len(left)} findings"
        answer.text.print(line, markup=False)
        answer.finish(
            ok=not left,
            summary={
                "servers": len(known.servers),
                "tools": len(tools),
                "reviewed": reviewed,
                "findings": len(left),
            },
            items=items_of((), left),
        )
