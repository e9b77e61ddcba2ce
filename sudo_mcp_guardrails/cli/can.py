"""``mcp-guardrails can``: who may do something, and why or why not.

Summary keys: ``action``, ``resource`` (null for any), ``roles``, ``may``, ``may_not``, ``unknown``; the last three
count items. Items: ``agent``, ``capability``, ``context``, ``may`` (true, false, or null where it could not be told),
``by`` (``evaluator`` for a resource that was named, else ``prover``), ``request`` (the one that is allowed, or null),
``sids``, ``statements`` (as ``layer:Sid``), ``reason`` and ``source``. The exit code is 0 whatever the answer, and 2
where there is none for some role.
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from itertools import product
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from sudo_mcp_guardrails.cli.app_roles import AppDirOption, read_app
from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.cli.output import JsonOption, answering
from sudo_mcp_guardrails.cli.requests import request_item, request_line
from sudo_mcp_guardrails.cli.sarif import SarifOption, SarifResult, SarifRule, write_sarif

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sudo_mcp_guardrails.iam.facts import Facts
    from sudo_mcp_guardrails.iam.properties import Subject

    Known = Mapping[str, tuple[str | tuple[str, ...] | None, ...]]

_ANSWERS = {True: ("may", "yellow"), False: ("may not", "green"), None: ("not known", "bold red")}
_REGION = "aws:RequestedRegion"


class Via(str, Enum):
    """How a call comes to AWS."""

    AWS_MCP = "aws-mcp"
    OTHER_MCP = "other-mcp"
    DIRECT = "direct"


ViaOption = Annotated[
    Via | None,
    typer.Option(help="How the calls come: through the AWS MCP Server, another managed one, or direct."),
]


def can(
    action: Annotated[str, typer.Argument(metavar="ACTION", help="Such as s3:DeleteBucket.")],
    resource: Annotated[
        str | None, typer.Argument(metavar="[RESOURCE]", help="ARN; any resource when left out.")
    ] = None,
    *,
    via: ViaOption = None,
    region: Annotated[str | None, typer.Option(help="Region that is asked for; any when left out.")] = None,
    context: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="A condition key of the request; repeatable.")
    ] = None,
    app_dir: AppDirOption = None,
    sarif: SarifOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say which agents' roles may do something, and why or why not."""
    from sudo_mcp_guardrails.iam.properties import CONTEXTS

    with answering(as_json=as_json) as answer:
        name = _action(action)
        stated = _stated(region, context or ())
        app = read_app(app_dir, answer.report)
        contexts = [via.value] if via else list(CONTEXTS)
        items: list[dict[str, Any]] = []
        for (subject, role), how in product(app.subjects, contexts):
            known = {**CONTEXTS[how], **stated}
            found = _any(subject, name, known) if resource is None else _one(subject, name, resource, known)
            items.append(
                {
                    "agent": subject.agent,
                    "capability": subject.capability,
                    "context": how,
                    **found,
                    "source": subject.source,
                    "file": str(app.directory / role.template.file),
                }
            )
        counts = {
            "may": sum(item["may"] is True for item in items),
            "may_not": sum(item["may"] is False for item in items),
            "unknown": sum(item["may"] is None for item in items) + len(app.undecided),
        }
        for line in _lines(items):
            answer.text.print(line, soft_wrap=True)
        able = {(item["source"], item["capability"]) for item in items if item["may"]}
        answer.text.print(
            f"{name} on {resource or 'any resource'}: {len(able)} of {len(app.subjects)} roles may", soft_wrap=True
        )
        if resource is not None:
            answer.report("a policy of the resource itself is not known here, and may allow or deny more")
        write_sarif(sarif, [SarifRule("can", f"a role may {name}")], _sarif(items, name))
        untold = [f"{counts['unknown']} answers could not be told"] if counts["unknown"] else []
        answer.finish(
            ok=True,
            summary={"action": name, "resource": resource, "roles": len(app.subjects), **counts},
            items=items,
            unknown="; ".join(filter(None, (app.unknown, *untold))),
        )


def _action(given: str) -> str:
    """Return an action as AWS spells it; raises InputError for a pattern, UnknownActionError for what is none."""
    from sudo_mcp_guardrails.iam.catalogue import UnknownActionError, catalogue_version, service_actions

    service, _, rest = given.partition(":")
    if not service or not rest or "*" in given or "?" in given:
        raise InputError(f"action {given!r} is not allowed, expected one in full, such as 's3:DeleteBucket'")
    names = {name.lower(): name for name in service_actions(service.lower())}
    if given.lower() not in names:
        raise UnknownActionError(f"action {given!r} is not in the action catalogue {catalogue_version()}")
    return names[given.lower()]


def _stated(region: str | None, context: Sequence[str]) -> Known:
    """Return what the options say about the request."""
    stated: dict[str, tuple[str | tuple[str, ...] | None, ...]] = {}
    for pair in context:
        key, separator, value = pair.partition("=")
        if not separator or ":" not in key:
            raise InputError(f"--context {pair!r} is not allowed, expected KEY=VALUE, such as 'aws:SourceIp=192.0.2.1'")
        if key.lower() in {name.lower() for name in stated}:
            raise InputError(f"--context has {key!r} twice, expected it once")
        stated[key.lower()] = (value,)
    if region is not None:
        stated[_REGION.lower()] = (region,)
    return stated


def _any(subject: Subject, action: str, known: Known) -> dict[str, Any]:
    """Ask the prover about any resource."""
    from sudo_mcp_guardrails.iam.prove import Prover
    from sudo_mcp_guardrails.iam.verdict import Verdict

    proof = Prover(subject.layers, _facts(subject, known)).actions([action])[action]
    may = {Verdict.WITNESS: True, Verdict.PROVED: False}.get(proof.verdict)
    return {
        "may": may,
        "by": "prover",
        "request": request_item(proof.requests[0]) if proof.requests else None,
        "sids": [sid for _, sid in proof.statements],
        "statements": [f"{layer}:{sid}" for layer, sid in proof.statements],
        "reason": proof.reason,
    }


def _one(subject: Subject, action: str, resource: str, known: Known) -> dict[str, Any]:
    """Ask the evaluator about one resource, in every context that the known keys leave."""
    from sudo_mcp_guardrails.iam.evaluate import evaluate
    from sudo_mcp_guardrails.iam.request import Request

    facts = _facts(subject, known)
    decided = []
    for values in product(*facts.alternatives.values()):
        keys = dict(zip(facts.alternatives, values, strict=True))
        named = keys.get(_REGION.lower(), ())
        request = Request(action, resource, facts.principal, keys, **({"region": named[0]} if named else {}))
        decided.append((request, evaluate(request, subject.layers)))
    # What one of the contexts lets through is allowed.
    request, decision = next((found for found in decided if found[1].allowed), decided[0])
    return {
        "may": decision.allowed,
        "by": "evaluator",
        "request": request_item(request) if decision.allowed else None,
        "sids": [sid for _, sid in decision.statements],
        "statements": [f"{layer}:{sid}" for layer, sid in decision.statements],
        "reason": str(decision),
    }


def _facts(subject: Subject, known: Known) -> Facts:
    """Return a role's facts with what is known of the call."""
    return replace(subject.facts, known={**subject.facts.known, **known})


def _lines(items: Sequence[dict[str, Any]]) -> Iterator[Text]:
    """Yield the answers, those that only differ in how the call comes as one."""
    rows: dict[tuple[str, str, bool | None, str], list[str]] = {}
    for item in items:
        rows.setdefault((item["agent"], item["capability"], item["may"], _why(item)), []).append(item["context"])
    for (agent, capability, may, why), contexts in rows.items():
        answer, style = _ANSWERS[may]
        yield Text.assemble(f"{agent} {capability} ", (answer, style), f" ({', '.join(contexts)})\n  {why}")


def _why(item: dict[str, Any]) -> str:
    """Return the request that is allowed and what allows it, or what denies."""
    if item["request"] is None:
        return str(item["reason"])
    through = ", ".join(item["statements"]) or "no policy at all"
    return f"{request_line(item['request'])}; let through by {through}"


def _sarif(items: Sequence[dict[str, Any]], action: str) -> list[SarifResult]:
    """Return a note for every role that may, and a warning where it could not be told."""
    return [
        SarifResult(
            "can",
            "note" if item["may"] else "warning",
            f"{item['agent']} {item['capability']} {item['context']} {_ANSWERS[item['may']][0]} {action}: {_why(item)}",
            item["file"],
            names=(item["source"],) if item["source"] else (),
        )
        for item in items
        if item["may"] is not False
    ]
