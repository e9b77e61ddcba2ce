"""``mcp-guardrails approvals trust``: what an agent has earned, why, and what a promotion lacks; and to change it.

``--promote``, ``--demote`` and ``--introduce`` take a fresh sign-in for just this, as a decision does. A promotion
takes two people: who answers for the agent, and who answers for security; the first one's waits a day for the other. An
introduction is about the version that is deployed, which whoever introduces it names by its fingerprint: the API has to
ask about just that.

Summary keys: ``agent``, ``fingerprint``, ``broken`` (why the ledger is not replayed; empty), ``entries``, ``cells``,
``open_criticals``; and with a ruling ``ruled`` (``promoted``, ``waiting``, ``demoted``, ``introduced`` or ``refused``)
and ``refused``.
Items: ``risk``, ``environment``, ``tier``, ``since``, ``reason``, ``explanation``, ``eligible``, ``missing``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from sudo_mcp_guardrails.agents import TrustTier
from sudo_mcp_guardrails.cli.approvals.printing import line, table
from sudo_mcp_guardrails.cli.approvals.reaching import CodeOption, Entrance, PortOption, ProfileOption, UrlOption, reach
from sudo_mcp_guardrails.cli.approvals.signin import REDIRECT_PORT
from sudo_mcp_guardrails.cli.approvals.stating import state
from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.cli.output import JsonOption, answering

if TYPE_CHECKING:
    from sudo_mcp_guardrails.cli.approvals.reaching import Reached
    from sudo_mcp_guardrails.cli.output import Answer

_PATHS: Final = {"promote": "promotions", "demote": "demotions", "introduce": "introductions"}
_FINGERPRINT: Final = re.compile(r"[0-9a-f]{64}", re.ASCII)
_AGENT: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}", re.ASCII)


def trust(
    agent: Annotated[str, typer.Argument(metavar="AGENT", help="The agent's name.")],
    *,
    promote: Annotated[TrustTier | None, typer.Option("--promote", help="Raise one cell to this tier.")] = None,
    demote: Annotated[TrustTier | None, typer.Option("--demote", help="Lower one cell, or all, to this tier.")] = None,
    introduce: Annotated[
        str,
        typer.Option(
            "--introduce", metavar="FINGERPRINT", help="Introduce the deployed version, which has this fingerprint."
        ),
    ] = "",
    risk: Annotated[str, typer.Option("--risk", metavar="R0…R4", help="Risk class of the cell.")] = "",
    environment: Annotated[str, typer.Option("--environment", metavar="NAME", help="Environment of the cell.")] = "",
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; for the record.")] = "",
    url: UrlOption = "",
    redirect_port: PortOption = REDIRECT_PORT,
    profile: ProfileOption = "",
    mfa_code: CodeOption = "",
    as_json: JsonOption = False,
) -> None:
    """Show what an agent has earned and why, or promote, demote or introduce it by a fresh sign-in."""
    with answering(as_json=as_json) as answer:
        if not _AGENT.fullmatch(agent):
            raise InputError(f"agent {agent[:80]!r} is none, expected lower-case letters, digits and hyphens")
        wish = _Wish(promote, demote, introduce, risk, environment, reason)
        wish.check()
        reached = reach(Entrance(url, redirect_port, profile, mfa_code), answer)
        path = f"api/trust/{agent}"
        ruled = _rule(answer, reached, path, agent, wish) if wish.action else {}
        found = reached.get(path)
        _say(answer, found)
        summary = {
            "agent": agent,
            "fingerprint": found["fingerprint"],
            "broken": found["broken"],
            "entries": found["entries"],
            "cells": len(found["cells"]),
            "open_criticals": found["openCriticals"],
            **ruled,
        }
        answer.finish(ok=not ruled.get("refused"), summary=summary, items=found["cells"])


@dataclass(frozen=True)
class _Wish:
    """What somebody wants to rule."""

    promote: TrustTier | None
    demote: TrustTier | None
    introduce: str
    risk: str
    environment: str
    reason: str

    @property
    def action(self) -> str:
        """What the API calls it; empty for no ruling."""
        return "promote" if self.promote else "demote" if self.demote else "introduce" if self.introduce else ""

    def check(self) -> None:
        """Check that it is one ruling or none; raises InputError."""
        if sum(map(bool, (self.promote, self.demote, self.introduce))) > 1:
            raise InputError("--promote, --demote and --introduce exclude each other, expected one of them")
        if self.action and not self.reason.strip():
            raise InputError("a ruling needs --reason, expected why")
        if not self.action and (self.risk or self.environment or self.reason):
            raise InputError("--risk, --environment and --reason go with --promote, --demote or --introduce")
        if self.introduce and not _FINGERPRINT.fullmatch(self.introduce):
            raise InputError(f"--introduce {self.introduce[:80]!r} is no fingerprint, expected 64 hexadecimal digits")
        if self.introduce and (self.risk or self.environment):
            raise InputError("--introduce is about the agent as a whole, expected no --risk and no --environment")


def _rule(answer: Answer, reached: Reached, path: str, agent: str, wish: _Wish) -> dict[str, Any]:
    """State a ruling, and return what became of it; raises InputError, ApiError."""
    fingerprint = wish.introduce or reached.get(path)["fingerprint"]
    # What is introduced begins at T1, whatever is asked for.
    to = wish.promote or wish.demote or TrustTier.T1
    body = {
        "action": wish.action,
        "risk": wish.risk,
        "environment": wish.environment,
        "to": to.value,
        "reason": wish.reason,
    }
    found, refused = state(
        answer,
        reached,
        body,
        asked_at=f"{path}/challenge",
        stated_at=f"{path}/{_PATHS[wish.action]}",
        challenge=lambda stated: _challenge(agent, fingerprint, reached, stated),
    )
    if refused:
        return {"ruled": "refused", "refused": refused}
    done = [name for name in ("demoted", "introduced", "promoted") if found.get(name) is True]
    ruled = done[0] if done else "waiting"
    waiting = "" if done else f", waiting for who answers for {found['waitingFor']}"
    line(answer, f"{ruled}{waiting}")
    return {"ruled": ruled, "refused": ""}


def _challenge(agent: str, fingerprint: str, reached: Reached, stated: dict[str, str]) -> str:
    from sudo_mcp_guardrails.approval.authentication.stated import RULING_KIND
    from sudo_mcp_guardrails.approval.canonical import digest

    whole = {**stated, "agent": agent, "fingerprint": fingerprint, "approver": reached.session.identity}
    return digest(RULING_KIND, whole)


def _say(answer: Answer, found: dict[str, Any]) -> None:
    if found["broken"]:
        line(answer, f"the ledger is not replayed, and everything is T0: {found['broken']}")
    rows = [
        (
            each["risk"],
            each["environment"],
            each["tier"],
            each["since"],
            each["reason"],
            "; ".join(each["missing"]) or ("may be promoted" if each["eligible"] else ""),
        )
        for each in (*found["cells"], *found["fresh"])
    ]
    table(answer, ("risk", "environment", "tier", "since", "why", "missing for the next"), rows)
    for each in found["notes"]:
        line(answer, f"{each['number']}: {each['text']}")
    line(answer, f"{found['entries']} entries, fingerprint {found['fingerprint'] or 'unknown'}")
