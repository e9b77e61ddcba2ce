"""``mcp-guardrails drill``: rehearse a containment on the embedded AWS, and show that all is as it was afterwards.

Starts the embedded AWS, deploys two agents and the kill switch, opens live sessions, contains between two of their
calls, tries them again, looks through CloudTrail's events, restores, tries again, and compares every role, policy and
attachment byte for byte.

Summary keys: ``level``, ``contained``, ``restored``, ``calls_after`` (at K1 sessions that were minted all the same:
those that live go on by design); also ``target``, ``tries``, ``agreed``, ``changed`` (names of what is not as it was),
``records`` (signed, of the target's chain), ``verified``, ``problems`` and ``seconds``. Items: each call that was
tried, with ``phase``, ``agent``, ``what``, ``expected``, ``answered``, ``agreed`` and ``shown_by``. The exit code is 0
where the drill passed, 1 where it did not, 2 where it could not be held.
"""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from sudo_mcp_guardrails.cli.output import JsonOption, answering
from sudo_mcp_guardrails.response.levels import Level


def drill(
    *,
    level: Annotated[Level, typer.Option("--level", help="Which level to rehearse.")] = Level.K2,
    port: Annotated[int | None, typer.Option(help="Loopback port of the embedded AWS; a free one by default.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Rehearse a containment on the embedded AWS."""
    with answering(as_json=as_json) as answer:
        from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws
        from sudo_mcp_guardrails.local.response.play import Play
        from sudo_mcp_guardrails.local.response.site import DrillSite

        begun = time.monotonic()
        with TemporaryDirectory() as folder, EmbeddedAws(port=port, report=answer.report) as aws:
            site = DrillSite(aws, Path(folder), answer.report)
            site.deploy()
            played = Play(site, level, answer.report).run()
        items = [each.to_dict() for each in played.tries]
        for each in played.tries:
            mark = "ok" if each.agreed else "SURPRISE"
            line = f"{mark:<9}{each.phase:<10}{each.agent:<12}{each.what:<30} {each.expected:<6}{each.answered}"
            answer.text.print(line, markup=False, soft_wrap=True)
        for problem in (*played.problems, *(f"not as it was: {name}" for name in played.changed)):
            answer.report(problem)
        summary = {
            "level": level.value,
            "contained": played.contained,
            "restored": played.restored,
            "calls_after": played.calls_after,
            "target": played.target.key,
            "tries": len(items),
            "agreed": sum(each.agreed for each in played.tries),
            "changed": list(played.changed),
            "records": played.records,
            "verified": played.verified,
            "problems": played.problems,
            "seconds": round(time.monotonic() - begun, 1),
        }
        answer.text.print(
            f"{level.value} {played.target.key}: contained {played.contained}, calls after {played.calls_after}, "
            f"restored {played.restored}, {summary['agreed']} of {len(items)} calls as expected, "
            f"{summary['seconds']} s",
            soft_wrap=True,
        )
        answer.finish(ok=played.passed, summary=summary, items=items)
