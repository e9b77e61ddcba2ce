"""``mcp-guardrails prove``: show that no agent can escalate, or the request with which one can.

Summary keys: ``agents``, ``properties``, ``proved``, ``witnesses``, ``not_proved``, ``seconds`` (of the proof, without
a synthesis). Items: ``agent``, ``capability``, ``context`` (``aws-mcp``, ``other-mcp``, ``direct``), ``property``,
``verdict`` (``PROVED``, ``WITNESS``, ``NOT PROVED``), ``request`` (a witness's requests, one for each step; else null)
and ``sids`` (of a witness what lets it through, of a proof what blocks it); also ``statements`` (the same as
``layer:Sid``), ``reason``, ``title``, ``source`` and ``file``. The exit code is 1 for a witness, and without one 2 for
anything that is not proved.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sudo_mcp_guardrails.cli.app_roles import AppDirOption, SynthOption, read_app
from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.cli.given import DEFAULT_PRINCIPAL, Given, escalations
from sudo_mcp_guardrails.cli.output import Answer, JsonOption, answering
from sudo_mcp_guardrails.cli.proof_report import (
    NOT_PROVED,
    PROVED,
    WITNESS,
    Item,
    result_details,
    result_item,
    result_table,
    sarif_results,
    undecided_item,
)
from sudo_mcp_guardrails.cli.sarif import SarifOption, SarifRule, write_sarif

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sudo_mcp_guardrails.iam.documents import PolicyDocument
    from sudo_mcp_guardrails.iam.properties import Property, Subject


class Layer(str, Enum):
    """A layer that is proved by itself."""

    ORGANIZATION = "organization"


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
    undecided: Sequence[Item] = ()
    unknown: str = ""


Policies = list[Path]


def prove(
    *,
    app_dir: AppDirOption = None,
    synth: SynthOption = False,
    layer: Annotated[
        Layer | None,
        typer.Option(help="Prove a layer by itself: the organization's SCPs, on a new agent role with full access."),
    ] = None,
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
        if given.any and (app_dir is not None or synth):
            raise InputError("an app and policies as files are given, expected one of them")
        if not given.any and (principal is not None or resource_policies is not ResourcePolicies.WORST):
            raise InputError("--principal and --resource-policies go with policies as files, such as --identity")
        if layer is not None and (given.any or app_dir is not None or synth):
            raise InputError("--layer proves the library's own policies, expected no app and no policies as files")
        scps = _organization() if layer is not None else ()
        if layer is not None:
            asked = _of_organization(scps)
        else:
            asked = _of_files(given, answer) if given.any else _of_app(app_dir, answer, synth=synth)
        started = time.perf_counter()
        items = list(asked.undecided)
        with answer.progress.status("proving") as status:
            for task in asked.tasks:
                status.update(f"proving {task.subject.agent} {task.subject.capability}")
                items += _prove(task)
        summary = _summary(asked, items, time.perf_counter() - started)
        if layer is not None:
            summary |= _blocked(items, scps)
            answer.text.print("nobody off the agents' path is bound" if not asked.unknown else asked.unknown)
        answer.text.print(result_table(items))
        for text in result_details(items):
            answer.text.print(text, soft_wrap=True)
        answer.text.print(
            f"{summary['agents']} agents, {summary['properties']} properties: {summary['proved']} proved, "
            f"{summary['witnesses']} witnesses, {summary['not_proved']} not proved, {summary['seconds']} s"
        )
        write_sarif(sarif, _rules(asked), sarif_results(items))
        reasons = [asked.unknown] if asked.unknown else []
        if summary["not_proved"]:
            reasons.append(f"{summary['not_proved']} properties are not proved")
        answer.finish(ok=not summary["witnesses"], summary=summary, items=items, unknown="; ".join(reasons))


def _organization() -> tuple[PolicyDocument, ...]:
    from sudo_mcp_guardrails.policies.organization.packs import agent_scps

    return agent_scps()


def _of_organization(scps: tuple[PolicyDocument, ...]) -> _Asked:
    """Return the question whether SCPs alone stop a new agent role that may do everything, and nobody else."""
    from sudo_mcp_guardrails.policies.naming import GuardrailNames
    from sudo_mcp_guardrails.policies.organization.proof import asked_of, lost_by_others, new_agents

    names = GuardrailNames()
    tasks = [
        _Task(
            subject, tuple(replace(p, steps=asked_of(subject, p.steps, names)) for p in escalations()), subject.source
        )
        for subject in new_agents(scps, names)
    ]
    return _Asked(tasks, unknown="; ".join(lost_by_others(scps, names)))


def _blocked(items: Sequence[Item], scps: tuple[PolicyDocument, ...]) -> dict[str, int]:
    """Return how many escalation sets are blocked for every role in every context, and what that takes."""
    from sudo_mcp_guardrails.iam.documents import SCP_LIMIT

    sets = {item["property"] for item in items}
    open_sets = {item["property"] for item in items if item["verdict"] != PROVED}
    sizes = [document.check_size(SCP_LIMIT) for document in scps]
    return {"sets": len(sets), "blocked": len(sets - open_sets), "policies": len(scps), "bytes": sum(sizes)}


def _of_files(given: Given, answer: Answer) -> _Asked:
    """Return the question about policies as files: every known way to more permissions."""
    subject = given.subject(answer.report)
    return _Asked([_Task(subject, escalations(), subject.source)])


def _of_app(app_dir: Path | None, answer: Answer, *, synth: bool) -> _Asked:
    """Return the questions about the agents of an app."""
    from sudo_mcp_guardrails.policies.properties import agent_properties

    app = read_app(app_dir, answer.report, synth=synth)
    tasks = [
        _Task(subject, agent_properties(subject), str(app.directory / role.template.file))
        for subject, role in app.subjects
    ]
    undecided = [undecided_item(one, str(app.directory / one.role.template.file)) for one in app.undecided]
    return _Asked(tasks, undecided, "; ".join(app.problems))


def _prove(task: _Task) -> Iterator[Item]:
    from sudo_mcp_guardrails.iam.properties import prove_subject

    for result in prove_subject(task.subject, task.properties):
        yield result_item(result, task.file)


def _summary(asked: _Asked, items: Sequence[Item], seconds: float) -> dict[str, Any]:
    verdicts = Counter(item["verdict"] for item in items)
    return {
        "agents": len({item["agent"] for item in items}),
        "properties": len({p.id for task in asked.tasks for p in task.properties}),
        "proved": verdicts[PROVED],
        "witnesses": verdicts[WITNESS],
        "not_proved": verdicts[NOT_PROVED],
        "seconds": round(seconds, 2),
    }


def _rules(asked: _Asked) -> list[SarifRule]:
    from sudo_mcp_guardrails.policies.subjects import UNDECIDED_RULES

    rules = [
        SarifRule(f"proof/{p.id}", p.title, source=next((s for s in p.sources if s.startswith("https://")), ""))
        for task in asked.tasks
        for p in task.properties
    ]
    return [*rules, *(SarifRule(rule, title) for rule, title in UNDECIDED_RULES.items())]
