"""``mcp-guardrails approvals trust``: what an agent has earned, why, and what a promotion lacks; and to change it.

``--promote`` and ``--demote`` take a fresh sign-in for just this, as a decision does. A promotion takes two people: who
answers for the agent, and who answers for security; the first one's waits a day for the other.

Summary keys: ``agent``, ``fingerprint``, ``broken`` (why the ledger is not replayed; empty), ``entries``, ``cells``,
``open_criticals``; and with a ruling ``ruled`` (``promoted``, ``waiting``, ``demoted`` or ``refused``) and ``refused``.
Items: ``risk``, ``environment``, ``tier``, ``since``, ``reason``, ``explanation``, ``eligible``, ``missing``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from sudo_mcp_guardrails.agents import TrustTier
from sudo_mcp_guardrails.cli.approvals.api import REFUSED, ApiError
from sudo_mcp_guardrails.cli.approvals.printing import line, table
from sudo_mcp_guardrails.cli.approvals.reaching import PortOption, UrlOption, reach
from sudo_mcp_guardrails.cli.approvals.signin import REDIRECT_PORT
from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.cli.output import JsonOption, answering

if TYPE_CHECKING:
    from sudo_mcp_guardrails.cli.approvals.reaching import Reached
    from sudo_mcp_guardrails.cli.output import Answer

_AGENT: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)


def trust(
    agent: Annotated[str, typer.Argument(metavar="AGENT", help="The agent's name.")],
    *,
    promote: Annotated[TrustTier | None, typer.Option("--promote", help="Raise one cell to this tier.")] = None,
    demote: Annotated[TrustTier | None, typer.Option("--demote", help="Lower one cell, or all, to this tier.")] = None,
    risk: Annotated[str, typer.Option("--risk", metavar="R0…R4", help="Risk class of the cell.")] = "",
    environment: Annotated[str, typer.Option("--environment", metavar="NAME", help="Environment of the cell.")] = "",
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; for the record.")] = "",
    url: UrlOption = "",
    redirect_port: PortOption = REDIRECT_PORT,
    as_json: JsonOption = False,
) -> None:
    """Show what an agent has earned and why, or promote or demote it by a fresh sign-in."""
    with answering(as_json=as_json) as answer:
        if not _AGENT.fullmatch(agent):
            raise InputError(f"agent {agent[:80]!r} is none, expected lower-case letters, digits and hyphens")
        if promote and demote:
            raise InputError("--promote and --demote exclude each other, expected one of them")
        if (promote or demote) and not reason.strip():
            raise InputError("a ruling needs --reason, expected why")
        if not (promote or demote) and (risk or environment or reason):
            raise InputError("--risk, --environment and --reason go with --promote or --demote")
        reached = reach(url, redirect_port, answer)
        path = f"api/trust/{agent}"
        ruled: dict[str, Any] = {}
        if to := promote or demote:
            action = "promote" if promote else "demote"
            body = {"action": action, "risk": risk, "environment": environment, "to": to.value, "reason": reason}
            ruled = _rule(answer, reached, path, agent, body)
        state = reached.get(path)
        _say(answer, state)
        summary = {
            "agent": agent,
            "fingerprint": state["fingerprint"],
            "broken": state["broken"],
            "entries": state["entries"],
            "cells": len(state["cells"]),
            "open_criticals": state["openCriticals"],
            **ruled,
        }
        answer.finish(ok=not ruled.get("refused"), summary=summary, items=state["cells"])


def _rule(answer: Answer, reached: Reached, path: str, agent: str, body: dict[str, str]) -> dict[str, Any]:
    """State a ruling, and return what became of it; raises ApiError."""
    if not reached.session.says_how:
        raise InputError(f"this sign-in proves no second factor: rule on the page, {reached.page}")
    fingerprint = reached.get(path)["fingerprint"]
    try:
        asked = reached.post(f"{path}/challenge", body)
        stated = {**body, "issued": asked["issued"]}
        if asked["challenge"] != _challenge(agent, fingerprint, reached, stated):
            raise InputError("the API asks for a signature over something else than this ruling: nothing was changed")
        where = "promotions" if body["action"] == "promote" else "demotions"
        found = reached.post(f"{path}/{where}", stated, reached.again(asked["challenge"]))
    except ApiError as error:
        if error.status not in REFUSED:
            raise
        line(answer, f"refused: {error}")
        return {"ruled": "refused", "refused": str(error)}
    ruled = "demoted" if "demoted" in found else "promoted" if found["promoted"] else "waiting"
    waiting = f", waiting for who answers for {found['waitingFor']}" if ruled == "waiting" else ""
    line(answer, f"{ruled}{waiting}")
    return {"ruled": ruled, "refused": ""}


def _challenge(agent: str, fingerprint: str, reached: Reached, stated: dict[str, str]) -> str:
    from sudo_mcp_guardrails.approval.canonical import digest
    from sudo_mcp_guardrails.handlers.approval_api_trust import RULING_KIND

    whole = {**stated, "agent": agent, "fingerprint": fingerprint, "approver": reached.session.identity}
    return digest(RULING_KIND, whole)


def _say(answer: Answer, state: dict[str, Any]) -> None:
    if state["broken"]:
        line(answer, f"the ledger is not replayed, and everything is T0: {state['broken']}")
    rows = [
        (
            each["risk"],
            each["environment"],
            each["tier"],
            each["since"],
            each["reason"],
            "; ".join(each["missing"]) or ("may be promoted" if each["eligible"] else ""),
        )
        for each in (*state["cells"], *state["fresh"])
    ]
    table(answer, ("risk", "environment", "tier", "since", "why", "missing for the next"), rows)
    for each in state["notes"]:
        line(answer, f"{each['number']}: {each['text']}")
    line(answer, f"{state['entries']} entries, fingerprint {state['fingerprint'] or 'unknown'}")
