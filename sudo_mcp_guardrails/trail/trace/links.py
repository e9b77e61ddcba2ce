"""What events say of one another: what a tool call made, and which session an event minted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.trail.attributing.mcp import MCP_EVENT_TYPE, OAUTH_EVENTS, is_mcp_service
from sudo_mcp_guardrails.trail.attributing.sessions import MINTING
from sudo_mcp_guardrails.trail.values import a_text, an_object

if TYPE_CHECKING:
    from sudo_mcp_guardrails.trail.attribution import Attributed
    from sudo_mcp_guardrails.trail.event import Event

_MAX_LISTED: Final = 1000  # as many as the attribution reads
_STS: Final = "sts.amazonaws.com"
_SIGN_IN: Final = "signin.amazonaws.com"
_DENIED: Final = ("accessdenied", "unauthorized", "notauthorized", "forbidden", "explicitdeny", "authorizationerror")


@dataclass(frozen=True, slots=True)
class Listed:
    """A request that a tool call says it made.

    Attributes:
        request: its id, which is the ``requestID`` of the event of the call.
        api: such as ``iam:ListUsers``.
        region: where.
    """

    request: str
    api: str | None
    region: str | None


def listed(event: Event) -> tuple[Listed, ...]:
    """Return what a tool call says it made, in its order, each request once."""
    if event.type != MCP_EVENT_TYPE:
        return ()
    requests = an_object(parsed(event).get("additionalEventData")).get("downstreamRequests")
    found: dict[str, Listed] = {}
    for each in requests[:_MAX_LISTED] if isinstance(requests, list) else ():
        told = an_object(each)
        if request := a_text(told.get("requestId")):
            found.setdefault(request, Listed(request, a_text(told.get("apiName")), a_text(told.get("awsRegion"))))
    return tuple(found.values())


def minted_key(event: Event) -> str | None:
    """Return the access key of the session that an event minted; None for what minted none."""
    if event.source != _STS or event.name not in MINTING:
        return None
    answer = an_object(parsed(event).get("responseElements"))
    return a_text(an_object(answer.get("credentials")).get("accessKeyId"))


def is_grant(event: Event) -> bool:
    """Tell whether an event is of an OAuth grant."""
    return event.source == _SIGN_IN and event.name in OAUTH_EVENTS


def session_of(one: Attributed) -> str | None:
    """Return what names the session that made a call; what minted a session is the work of the one before."""
    event = one.event
    if event.source == _STS and event.name in MINTING:
        return event.sign_in_session or event.access_key or event.source_identity
    return one.attribution.session or event.sign_in_session or event.access_key or event.source_identity


def made_by_server(event: Event) -> bool:
    """Tell whether a managed MCP server made a call."""
    return event.invoked_by is not None and is_mcp_service(event.invoked_by)


def denied(event: Event) -> bool:
    """Tell whether a call was refused for want of a permission, by its error code.

    Services spell it in many ways: ``AccessDenied``, ``Client.UnauthorizedOperation``, ``NotAuthorizedException``.
    """
    code = (event.error or "").lower()
    return any(word in code for word in _DENIED)


def parsed(event: Event) -> dict[str, Any]:
    """Return the whole event; nothing of one that is nested deeper than can be read from where the program is."""
    try:
        found: object = event.document()
    except (ValueError, RecursionError):
        return {}
    return an_object(found)
