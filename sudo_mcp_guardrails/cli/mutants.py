"""``mcp-guardrails mutants``: take each Deny of each agent's policies away, and show what is then possible.

The layers around a policy are replaced by ``Allow *``, since layers overlap on purpose. Summary keys: ``agents``,
``mutants`` (an agent's Deny statements), ``noticed``, ``seconds``. Items: ``agent``, ``layer``, ``sid``,
``capability``, ``property``, ``verdict`` (``WITNESS``, or ``PROVED`` where nothing changed) and ``request``. The exit
code is 1 where a Deny can be missing without anything becoming possible, and 2 where there is none to take away, or
where a role is not understood: it may be the one that would notice.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from sudo_mcp_guardrails.cli.app_roles import AppDirOption, SynthOption, read_app
from sudo_mcp_guardrails.cli.output import JsonOption, answering
from sudo_mcp_guardrails.cli.requests import request_item

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sudo_mcp_guardrails.iam.documents import PolicyDocument
    from sudo_mcp_guardrails.policies.proof_mutation import ProofMutant


def mutants(*, app_dir: AppDirOption = None, synth: SynthOption = False, as_json: JsonOption = False) -> None:
    """Take each Deny of each agent's policies away, and show what is then possible."""
    with answering(as_json=as_json) as answer:
        from sudo_mcp_guardrails.policies.proof_mutation import proof_mutants

        app = read_app(app_dir, answer.report, synth=synth)
        started = time.perf_counter()
        with answer.progress.status("taking one Deny away at a time"):
            found = list(_best(proof_mutants(subject for subject, _ in app.subjects)))
        items = [_item(mutant) for mutant in found]
        noticed = sum(item["verdict"] == "WITNESS" for item in items)
        summary = {
            "agents": len({item["agent"] for item in items}),
            "mutants": len(items),
            "noticed": noticed,
            "seconds": round(time.perf_counter() - started, 2),
        }
        answer.text.print(_table(found))
        answer.text.print(
            f"{summary['agents']} agents, {len(items)} Deny statements taken away one at a time: {noticed} give a "
            f"witness, {len(items) - noticed} do not, {summary['seconds']} s"
        )
        # Without a single Deny, to call each one noticed would be true of an app without any guardrail.
        untold = "" if items else "no policy of an agent has a Deny to take away"
        unknown = "; ".join(filter(None, (app.unknown, untold)))
        # A role that is not understood may be the one that would notice, so nothing is found where one is.
        answer.finish(ok=noticed == len(items) or bool(unknown), summary=summary, items=items, unknown=unknown)


def _best(found: Iterable[ProofMutant]) -> Iterable[ProofMutant]:
    """Return one mutant for each Deny of a policy: the first that gives a witness, of all roles that carry it."""
    best: dict[tuple[PolicyDocument, str], ProofMutant] = {}
    for mutant in found:
        key = (mutant.document, mutant.sid)
        if key not in best or (best[key].witness is None and mutant.witness is not None):
            best[key] = mutant
    return best.values()


def _item(mutant: ProofMutant) -> dict[str, Any]:
    """Return a mutant for machines."""
    witness = mutant.witness
    return {
        "agent": mutant.agent,
        "layer": mutant.layer,
        "sid": mutant.sid,
        "capability": mutant.capability,
        "property": "" if witness is None else witness.property.id,
        "verdict": "PROVED" if witness is None else "WITNESS",
        "request": None if witness is None else [request_item(request) for request in witness.proof.requests],
    }


def _table(found: Iterable[ProofMutant]) -> Table:
    """Return what becomes possible, for people."""
    table = Table(box=None, pad_edge=False)
    for column in ("agent", "layer", "Deny taken away", "role", "then open", "such as"):
        table.add_column(column, overflow="fold")
    for mutant in found:
        row = [mutant.agent, mutant.layer, mutant.sid, mutant.capability]
        if mutant.witness is None:
            row += ["nothing", ""]
        else:
            requests = mutant.witness.proof.requests
            row += [mutant.witness.property.id, "; ".join(f"{r.action} on {r.resource}" for r in requests)]
        table.add_row(*map(Text, row))
    return table
