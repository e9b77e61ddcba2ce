"""``mcp-guardrails demo``: deploy three agents on the embedded AWS, and attack them.

Summary keys: ``scenarios``, ``agreed``, ``surprises``, ``seconds``; also ``steps`` (name to seconds) and
``accepted_findings``, and ``trail``: what the audit pipeline made of the agents' calls and of the samples, null where
the app has no stack ``Trail``. Its keys: ``shown_by``, ``ok``, ``problems``, ``files``, ``samples``, ``events``,
``unique``, ``duplicates``, ``conflicts``, ``dead_letters``, ``rejected``, ``messages``, ``searchable``,
``attributed``, ``seconds``, ``locked``, ``runs``, ``trace`` (see ``trail trace``), ``reconciled``, ``cold_start_ms``,
``warm_ms`` and ``function_mb``. And ``approvals``: what the evidence of the approvals is worth, null where the app
has no stack ``Approvals``. Its keys: ``ok``, ``problems``, ``page``, ``served`` (whether the page came), ``records``,
``chains``, ``broken``, ``states`` (of the approvals, replayed), ``verified_by``. And ``watching``: what the
detections found in the trail's files, null where there is none; its keys: ``ok``, ``problems``, ``events``,
``agents``, ``findings``, ``contains``, ``rules`` (findings of each), ``seconds``. And ``containment``: what the kill
switch did to a live session; its keys: ``ok``, ``problems``, ``level``, ``agent``, ``after`` (what the session was
answered), ``seconds``. And ``gateway``: what came of calls through the guard, null where its packages are not
installed; its keys: ``ok``, ``problems``, ``scenes`` (each ``id``, ``expected``, ``came``, ``detail``), ``seconds``.
Items that are about approvals say in ``recorded`` what was recorded of them, and where.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from sudo_mcp_guardrails.cli.output import JsonOption, answering
from sudo_mcp_guardrails.local.demo.play import Outcome


def demo(
    *,
    app: Annotated[Path, typer.Option(help="The CDK app to deploy.")] = Path("app.py"),
    output: Annotated[Path, typer.Option(help="Folder for the report and the templates.")] = Path("build"),
    port: Annotated[int | None, typer.Option(help="Loopback port of the embedded AWS; a free one by default.")] = None,
    all: Annotated[bool, typer.Option("--all", help="Play every part of the project.")] = False,  # noqa: A002 - the flag
    as_json: JsonOption = False,
) -> None:
    """Deploy three agents on the embedded AWS, and attack them."""
    del all  # every part is played anyway
    with answering(as_json=as_json) as answer:
        from sudo_mcp_guardrails.local.demo.report import render
        from sudo_mcp_guardrails.local.demo.run import Demo

        status = answer.progress.status("starting")

        def played(outcome: Outcome) -> None:
            answer.text.print(_line(outcome), soft_wrap=True)

        def step(name: str) -> None:
            status.update(name)
            answer.report(f"- {name}")

        with status:
            result = Demo(app, output, step, answer.report, played, port).run()
        items = [outcome.to_dict() for outcome in result.outcomes]
        trail, approvals = result.trail, result.approvals
        watching, containment, gateway = result.watching, result.containment, result.gateway
        summary = {
            "scenarios": len(items),
            "agreed": sum(1 for item in items if item["agreed"]),
            "surprises": len(result.surprises),
            "seconds": round(result.seconds, 1),
            "steps": {name: round(seconds, 1) for name, seconds in result.steps},
            "accepted_findings": result.packs.accepted if result.packs else 0,
            "trail": trail.to_dict() if trail is not None else None,
            "approvals": approvals.to_dict() if approvals is not None else None,
            "watching": watching.to_dict() if watching is not None else None,
            "containment": containment.to_dict() if containment is not None else None,
            "gateway": gateway.to_dict() if gateway is not None else None,
        }
        output.mkdir(parents=True, exist_ok=True)
        (output / "report.html").write_text(render(result), encoding="utf-8")
        (output / "demo.json").write_text(json.dumps({"summary": summary, "items": items}, indent=2), encoding="utf-8")
        for name, seconds in result.steps:
            answer.text.print(f"{seconds:7.1f} s  {name}")
        answer.text.print(
            f"{summary['scenarios']} scenarios, {summary['agreed']} as expected, {summary['surprises']} surprises, "
            f"{summary['accepted_findings']} accepted findings with a reason, {summary['seconds']} s",
            soft_wrap=True,
        )
        parts = [part for part in (approvals, trail, watching, gateway, containment) if part is not None]
        for part in parts:
            for line in part.lines():
                answer.text.print(Text(line), soft_wrap=True)
        if trail is not None and trail.trace is not None:
            from sudo_mcp_guardrails.trail.trace.render import html_page

            (output / "trace.html").write_text(html_page(trail.trace), encoding="utf-8")
            answer.text.print(f"trace: {output / 'trace.html'}")
        answer.text.print(f"report: {output / 'report.html'}")
        fine = not result.surprises and not any(part.problems for part in parts)
        answer.finish(ok=fine, summary=summary, items=items)


def _line(outcome: Outcome) -> str:
    """Return one line of the table as it scrolls by."""
    play = outcome.play
    mark = "[green]ok[/green]" if outcome.agreed else "[red]SURPRISE[/red]"
    action = play.action or f"{play.service}.{play.method}"
    line = (
        f"{mark} {play.agent:<12}{play.capability:<10}{action:<38} expected {outcome.expected:<6}"
        f"embedded {outcome.embedded or '-':<6}evaluator {outcome.evaluator or '-':<6}[dim]{play.title}[/dim]"
    )
    if outcome.recorded:
        line += f"\n   [dim]recorded: {_plain(outcome.recorded)}[/dim]"
    if outcome.agreed:
        return line
    return f"{line}\n   {_plain(f'{outcome.detail} / {outcome.why}')}"


def _plain(text: str) -> str:
    """Return a text in which nothing is taken for markup."""
    return text.replace("[", "\\[")
