"""``mcp-guardrails prove``: show that no agent can escalate, or the request with which one can.

Summary keys: ``agents``, ``properties``, ``proved``, ``witnesses``, ``not_proved``, ``seconds``. Items: ``agent``,
``capability``, ``context`` (``aws-mcp``, ``other-mcp``, ``direct``), ``property``, ``verdict`` (``PROVED``,
``WITNESS``, ``NOT PROVED``), ``request`` (a witness's requests, one for each step; else null) and ``sids`` (of a
witness what lets it through, of a proof what blocks it); also ``statements`` (the same as ``layer:Sid``), ``reason``,
``title`` and ``source``. The exit code is 1 for a witness, and without one 2 for anything that is not proved.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from sudo_mcp_guardrails.cli.app_roles import AppDirOption, read_app
from sudo_mcp_guardrails.cli.given import DEFAULT_PRINCIPAL, Given, escalations
from sudo_mcp_guardrails.cli.inputs import InputError
from sudo_mcp_guardrails.cli.output import Answer, JsonOption, answering
from sudo_mcp_guardrails.cli.requests import request_item, request_line
from sudo_mcp_guardrails.cli.sarif import SarifOption, SarifResult, SarifRule, write_sarif

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sudo_mcp_guardrails.iam.properties import Property, Result, Subject

_PROVED = "PROVED"
_WITNESS = "WITNESS"
_NOT_PROVED = "NOT PROVED"
_LEVELS = {_WITNESS: "error", _NOT_PROVED: "warning"}
_STYLES = {_WITNESS: "bold red", _NOT_PROVED: "yellow", _PROVED: "green"}


class ResourcePolicies(str, Enum):
    """What is assumed of resource policies."""

    WORST = "worst"
    NONE = "none"


@dataclass(frozen=True)
class _Task:
    """One role and what is to be proved about it.

    Args:
        subject: The role.
        properties: What must be impossible.
        file: Where it was read from, for reports.
    """

    subject: Subject
    properties: tuple[Property, ...]
    file: str


@dataclass(frozen=True)
class _Asked:
    """All that is to be proved.

    Args:
        tasks: The roles.
        undecided: An item for each role about which nothing can be proved.
        unknown: What else is missing, in words.
    """

    tasks: Sequence[_Task]
    undecided: Sequence[dict[str, Any]] = ()
    unknown: str = ""


Policies = list[Path]


def prove(
    *,
    app_dir: AppDirOption = None,
    identity: Annotated[Policies | None, typer.Option(metavar="FILE", help="Identity policy; repeatable.")] = None,
    boundary: Annotated[Path | None, typer.Option(metavar="FILE", help="Permissions boundary.")] = None,
    session: Annotated[Policies | None, typer.Option(metavar="FILE", help="Session policy; repeatable.")] = None,
    scp: Annotated[
        Policies | None, typer.Option(metavar="FILE", help="Service control policy; repeatable, all of one level.")
    ] = None,
    principal: Annotated[
        str | None, typer.Option(metavar="ARN", help=f"Role or user with these policies: {DEFAULT_PRINCIPAL}.")
    ] = None,
    resource_policies: Annotated[
        ResourcePolicies,
        typer.Option(help="What is assumed of resource policies, with policies as files: the worst, or that none."),
    ] = ResourcePolicies.WORST,
    sarif: SarifOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show that no agent can escalate, or the request with which one can."""
    with answering(as_json=as_json) as answer:
        given = Given(
            identity=tuple(identity or ()),
            boundary=boundary,
            session=tuple(session or ()),
            scps=tuple(scp or ()),
            principal=principal or DEFAULT_PRINCIPAL,
            resource_policies=resource_policies.value,
        )
        if given.any and app_dir is not None:
            raise InputError("--app-dir and policies as files are given, expected one of them")
        if not given.any and (principal is not None or resource_policies is not ResourcePolicies.WORST):
            raise InputError("--principal and --resource-policies go with policies as files, such as --identity")
        started = time.perf_counter()
        asked = _of_files(given, answer) if given.any else _of_app(app_dir, answer)
        items = list(asked.undecided)
        with answer.progress.status("proving") as status:
            for task in asked.tasks:
                status.update(f"proving {task.subject.agent} {task.subject.capability}")
                items += _prove(task)
        summary = _summary(asked, items, time.perf_counter() - started)
        _print(answer, items, summary)
        write_sarif(sarif, _rules(asked), _sarif(items))
        reasons = [asked.unknown] if asked.unknown else []
        if summary["not_proved"]:
            reasons.append(f"{summary['not_proved']} properties are not proved")
        answer.finish(ok=not summary["witnesses"], summary=summary, items=items, unknown="; ".join(reasons))


def _of_files(given: Given, answer: Answer) -> _Asked:
    """Return the question about policies as files: every known way to more permissions."""
    subject = given.subject(answer.report)
    return _Asked([_Task(subject, escalations(), subject.source)])


def _of_app(app_dir: Path | None, answer: Answer) -> _Asked:
    """Return the questions about the agents of an app."""
    from sudo_mcp_guardrails.policies.properties import agent_properties

    app = read_app(app_dir, answer.report)
    tasks = [
        _Task(subject, agent_properties(subject), str(app.directory / role.template.file))
        for subject, role in app.subjects
    ]
    undecided: list[dict[str, Any]] = [
        {
            "agent": one.agent,
            "capability": "",
            "context": "",
            "property": "",
            "verdict": _NOT_PROVED,
            "request": None,
            "sids": [],
            "statements": [],
            "reason": one.reason,
            "title": "nothing can be proved about the role",
            "source": one.role.construct_path or one.role.name,
            "file": str(app.directory / one.role.template.file),
        }
        for one in app.undecided
    ]
    return _Asked(tasks, undecided, "; ".join(app.problems))


def _prove(task: _Task) -> Iterator[dict[str, Any]]:
    from sudo_mcp_guardrails.iam.properties import prove_subject

    for result in prove_subject(task.subject, task.properties):
        yield _item(result, task.file)


def _item(result: Result, file: str) -> dict[str, Any]:
    """Return a result for machines."""
    proof = result.proof
    return {
        "agent": result.subject.agent,
        "capability": result.subject.capability,
        "context": result.context,
        "property": result.property.id,
        "verdict": proof.verdict.value,
        "request": [request_item(request) for request in proof.requests] or None,
        "sids": [sid for _, sid in proof.statements],
        "statements": [f"{layer}:{sid}" for layer, sid in proof.statements],
        "reason": proof.reason,
        "title": result.property.title,
        "source": result.subject.source,
        "file": file,
    }


def _summary(asked: _Asked, items: Sequence[dict[str, Any]], seconds: float) -> dict[str, Any]:
    verdicts = Counter(item["verdict"] for item in items)
    return {
        "agents": len({item["agent"] for item in items}),
        "properties": len({p.id for task in asked.tasks for p in task.properties}),
        "proved": verdicts[_PROVED],
        "witnesses": verdicts[_WITNESS],
        "not_proved": verdicts[_NOT_PROVED],
        "seconds": round(seconds, 2),
    }


def _print(answer: Answer, items: Sequence[dict[str, Any]], summary: dict[str, Any]) -> None:
    answer.text.print(_table(items))
    told: dict[str, list[dict[str, Any]]] = {}
    for item in items:
        if item["verdict"] != _PROVED:
            told.setdefault(_gist(item), []).append(item)
    for gist, same in told.items():
        first = same[0]
        contexts = ", ".join(filter(None, (item["context"] for item in same)))
        head = " ".join(filter(None, (first["agent"], first["capability"], f"({contexts})" if contexts else "")))
        answer.text.print(
            Text.assemble((first["verdict"], _STYLES[first["verdict"]]), f" {head}: {gist}"), soft_wrap=True
        )
    answer.text.print(
        f"{summary['agents']} agents, {summary['properties']} properties: {summary['proved']} proved, "
        f"{summary['witnesses']} witnesses, {summary['not_proved']} not proved, {summary['seconds']} s"
    )


def _table(items: Sequence[dict[str, Any]]) -> Table:
    """Return how many properties came out how, for each role and context."""
    table = Table(box=None, pad_edge=False)
    for column in ("agent", "capability", "context"):
        table.add_column(column)
    for verdict in _STYLES:
        table.add_column(verdict.lower(), justify="right")
    counts: dict[tuple[str, str, str], Counter[str]] = {}
    for item in items:
        counts.setdefault((item["agent"], item["capability"], item["context"]), Counter())[item["verdict"]] += 1
    for row, count in counts.items():
        cells = [Text(str(count[v]), _STYLES[v] if count[v] else "dim") for v in _STYLES]
        table.add_row(*map(Text, row), *cells)
    return table


def _gist(item: dict[str, Any]) -> str:
    """Return a witness, or why something is not proved, in lines that are the same for all contexts it holds in."""
    lines = [": ".join(filter(None, (item["property"], item["title"])))]
    lines += [f"  {request_line(request)}" for request in item["request"] or ()]
    if item["statements"]:
        lines.append(f"  let through by {', '.join(item['statements'])}")
    if item["verdict"] == _NOT_PROVED:
        lines.append(f"  {item['reason']}")
    lines.append(f"  {item['source']}")
    return "\n".join(lines)


def _rules(asked: _Asked) -> list[SarifRule]:
    rules = [
        SarifRule(f"proof/{p.id}", p.title, source=next((s for s in p.sources if s.startswith("https://")), ""))
        for task in asked.tasks
        for p in task.properties
    ]
    return [*rules, SarifRule("proof/undecided", "nothing can be proved about a role")]


def _sarif(items: Sequence[dict[str, Any]]) -> list[SarifResult]:
    return [
        SarifResult(
            f"proof/{item['property'] or 'undecided'}",
            _LEVELS[item["verdict"]],
            f"{item['agent']} {item['capability']} {item['context']}: {_gist(item)}",
            item["file"],
            names=(item["source"],) if item["source"] else (),
        )
        for item in items
        if item["verdict"] in _LEVELS
    ]
