"""``mcp-guardrails approvals delegations``: what you lent, and what was lent to you, with for what and until when.

Listed is what is not over: of what you lent also what begins later, of what was lent to you what holds now. An id ends
a delegation by ``approvals delegate --end ID``.

Summary keys: ``lent``, ``borrowed``. Items: ``direction`` (``lent`` or ``borrowed``), ``holds`` (whether it has begun),
``id``, ``delegator``, ``delegate``, ``starts``, ``ends``, ``groups`` (empty for all of the delegator's), ``reason``.
"""

from __future__ import annotations

from typing import Any, Final

from sudo_mcp_guardrails.cli.approvals.printing import line
from sudo_mcp_guardrails.cli.approvals.reaching import CodeOption, Entrance, PortOption, ProfileOption, UrlOption, reach
from sudo_mcp_guardrails.cli.approvals.signin import REDIRECT_PORT
from sudo_mcp_guardrails.cli.output import JsonOption, answering

_PATH: Final = "api/delegations"
_SHOWN: Final = ("id", "delegator", "delegate", "starts", "ends", "groups", "reason")


def delegations(
    *,
    url: UrlOption = "",
    redirect_port: PortOption = REDIRECT_PORT,
    profile: ProfileOption = "",
    mfa_code: CodeOption = "",
    as_json: JsonOption = False,
) -> None:
    """List what you lent and what was lent to you: to or from whom, for what, from when and until when."""
    with answering(as_json=as_json) as answer:
        reached = reach(Entrance(url, redirect_port, profile, mfa_code), answer)
        lent = reached.get(f"{_PATH}/lent")["delegations"]
        borrowed = reached.get(_PATH)["delegations"]
        items = [*(_item("lent", one) for one in lent), *(_item("borrowed", one) for one in borrowed)]
        for one in items:
            line(answer, _line(one))
        answer.finish(ok=True, summary={"lent": len(lent), "borrowed": len(borrowed)}, items=items)


def _item(direction: str, found: dict[str, Any]) -> dict[str, Any]:
    # What was lent to somebody is listed while it holds, and says nothing else.
    return {"direction": direction, "holds": found.get("holds", True), **{name: found[name] for name in _SHOWN}}


def _line(item: dict[str, Any]) -> str:
    # No table: a terminal of 80 columns has no room for ids and identities side by side.
    whom = f"to {item['delegate']}" if item["direction"] == "lent" else f"by {item['delegator']}"
    what = ", ".join(item["groups"]) or "all groups"
    return f"{item['id']}: {what} lent {whom}, from {item['starts']} until {item['ends']}: {item['reason']}"
