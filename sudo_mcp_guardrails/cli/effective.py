"""``mcp-guardrails effective``: what remains of all actions for an agent, by service and access level.

Summary keys: ``agent``, ``context``, ``catalogue``, ``seconds``, and ``capabilities``: for each the counts ``total``,
``remaining``, ``anywhere``, ``own`` and ``unknown``. Items, for each service and level of which anything remains:
``capability``, ``service``, ``level``, ``total``, ``remaining``, ``anywhere`` (on resources that are not the agent's
own), ``own`` (on its own alone) and ``unknown`` (could not be told; counted in ``anywhere``). The exit code is 0, or 2
where something could not be told.

The ``workload`` subject, which stands for any role that the agent's resources may carry, is left out: its identity
policies are assumed to allow everything, so its counts would be of the boundary and of no role that there is.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from sudo_mcp_guardrails.cli.app_roles import AppDirOption, AppRoles, read_app
from sudo_mcp_guardrails.cli.can import Via
from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.cli.output import JsonOption, answering
from sudo_mcp_guardrails.cli.sarif import SarifOption, SarifResult, SarifRule, write_report, write_sarif

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sudo_mcp_guardrails.cli.remaining import Remaining
    from sudo_mcp_guardrails.iam.properties import Subject

_COUNTS = ("total", "remaining", "anywhere", "own", "unknown")


def effective(
    agent: Annotated[str, typer.Argument(metavar="AGENT", help="Name of the agent.")],
    *,
    via: Annotated[
        Via, typer.Option(help="How the calls come: through the AWS MCP Server, another managed one, or direct.")
    ] = Via.DIRECT,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a heat map to FILE as well.", dir_okay=False)
    ] = None,
    app_dir: AppDirOption = None,
    sarif: SarifOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count what remains of all actions for an agent, by service and access level."""
    from sudo_mcp_guardrails.cli.heatmap import render
    from sudo_mcp_guardrails.iam.catalogue import catalogue_version

    with answering(as_json=as_json) as answer:
        app = read_app(app_dir, answer.report)
        subjects = _subjects(app, agent)
        started = time.perf_counter()
        counts: dict[str, list[Remaining]] = {}
        with answer.progress.status("asking") as status:
            for name, subject in subjects.items():
                status.update(f"asking for every action of {name}")
                counts[name] = _count(subject, via)
        totals = {name: {key: sum(getattr(c, key) for c in rows) for key in _COUNTS} for name, rows in counts.items()}
        items = [_item(name, count) for name, rows in counts.items() for count in rows if count.remaining]
        answer.text.print(_table(counts))
        for name, total in totals.items():
            answer.text.print(
                f"{name}: {total['remaining']} of {total['total']} actions remain, {total['anywhere']} anywhere, "
                f"{total['own']} on own resources alone"
            )
        if html is not None:
            write_report(html, render(agent, counts, context=via.value, catalogue=catalogue_version()))
            answer.text.print(f"heat map: {html}", soft_wrap=True)
        file = str(app.directory / next(role.template.file for subject, role in app.subjects if subject.agent == agent))
        write_sarif(sarif, [SarifRule("effective", "what remains for an agent")], _sarif(items, agent, file))
        untold = sum(total["unknown"] for total in totals.values())
        answer.finish(
            ok=True,
            summary={
                "agent": agent,
                "context": via.value,
                "catalogue": catalogue_version(),
                "capabilities": totals,
                "seconds": round(time.perf_counter() - started, 2),
            },
            items=items,
            unknown="; ".join(filter(None, (app.unknown, f"{untold} actions could not be told" if untold else ""))),
        )


def _subjects(app: AppRoles, agent: str) -> dict[str, Subject]:
    """Return the agent's roles by capability, with the account where there are several; without ``workload``."""
    from sudo_mcp_guardrails.policies.subjects import WORKLOAD

    found = [subject for subject, _ in app.subjects if subject.agent == agent and subject.capability != WORKLOAD]
    if not found:
        known = ", ".join(sorted({subject.agent for subject, _ in app.subjects})) or "none"
        raise InputError(f"agent {agent!r} is not in the templates, allowed are {known}")
    several = len({subject.facts.principal.account for subject in found}) > 1
    return {
        f"{subject.capability} in {subject.facts.principal.account}" if several else subject.capability: subject
        for subject in found
    }


def _count(subject: Subject, via: Via) -> list[Remaining]:
    from sudo_mcp_guardrails.cli.remaining import remaining
    from sudo_mcp_guardrails.iam.properties import CONTEXTS

    known = {**subject.facts.known, **CONTEXTS[via.value]}
    return list(remaining(subject, replace(subject.facts, known=known)))


def _item(capability: str, count: Remaining) -> dict[str, Any]:
    return {
        "capability": capability,
        "service": count.service,
        "level": count.level,
        **{key: getattr(count, key) for key in _COUNTS},
    }


def _table(counts: Mapping[str, Sequence[Remaining]]) -> Table:
    """Return what remains by service and capability: anywhere, and on own resources alone behind a plus."""
    table = Table(box=None, pad_edge=False, caption="actions allowed anywhere, + on own resources alone")
    table.add_column("service")
    for name in counts:
        for kind in ("reads", "changes"):
            table.add_column(f"{name}\n{kind}", justify="right", no_wrap=True)
    services = dict.fromkeys(c.service for rows in counts.values() for c in rows if c.remaining)
    for service in sorted(services):
        cells = []
        for rows in counts.values():
            of_service = [c for c in rows if c.service == service]
            reads = [c for c in of_service if c.level in {"List", "Read"}]
            cells += [_cell(reads), _cell([c for c in of_service if c not in reads])]
        table.add_row(service, *cells)
    return table


def _cell(counts: Sequence[Remaining]) -> str:
    anywhere, own = sum(c.anywhere for c in counts), sum(c.own for c in counts)
    if not anywhere and not own:
        return "-"
    return f"{anywhere} + {own}" if own else str(anywhere)


def _sarif(items: Sequence[dict[str, Any]], agent: str, file: str) -> list[SarifResult]:
    """Return a note for each service and level of which something remains."""
    return [
        SarifResult(
            "effective",
            "warning" if item["unknown"] else "note",
            f"{agent} {item['capability']}: {item['remaining']} of {item['total']} {item['level']} actions of "
            f"{item['service']} remain, {item['anywhere']} anywhere, {item['own']} on own resources alone",
            file,
        )
        for item in items
    ]
