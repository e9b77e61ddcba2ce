"""Why something of an attribution is not known, in a sentence."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.trail.attribution import By

if TYPE_CHECKING:
    from sudo_mcp_guardrails.trail.attribution import Attribution

DOUBT: Final = "nothing shows that a broker set the session's tags"
"""How the reason begins where tags are not believed."""
_WANTED: Final = ("agent", "run", "capability", "ticket", "plan_digest", "approval", "person")
_WHY: Final = {
    By.SESSION_TAGS: "the session was minted without {}",
    By.SOURCE_IDENTITY: "the event that minted the session, which tells {}, was not seen yet",
    By.ROLE_PATH: "the role tells whose it is; the event that minted the session, which tells {}, was not seen yet",
    By.SIGN_IN_SESSION: "the session was granted by OAuth, which does not tell {}",
    By.MCP_EVENT: "a tool call of a session that nothing tells of; not known: {}",
    By.DOWNSTREAM_REQUEST: "made by a tool call of a session that nothing tells of; not known: {}",
    By.INVOKED_BY: "made by an MCP server; its tool call was not seen yet; not known: {}",
    By.USER_AGENT: "the user agent names an MCP server, and nothing else tells of an agent; not known: {}",
}


def doubted(found: Attribution) -> bool:
    """Tell whether an attribution is of a session whose tags are not believed."""
    return found.by is not By.SESSION_TAGS and found.reason is not None and found.reason.startswith(DOUBT)


def explained(found: Attribution) -> Attribution:
    """Return an attribution with the reason for what is missing in it."""
    missing = [name.replace("_", " ") for name in _WANTED if getattr(found, name) is None]
    why = f"{DOUBT}, which tell {{}}" if doubted(found) else _WHY[found.by]
    reason = why.format(", ".join(missing)) if missing else None
    return found if found.reason == reason else replace(found, reason=reason)
