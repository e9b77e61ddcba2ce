"""The nodes of single events: tool calls, what these made, steps of a grant."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.trail.trace.links import denied, made_by_server, parsed
from sudo_mcp_guardrails.trail.trace.nodes import Kind, Mark, Node
from sudo_mcp_guardrails.trail.trace.text import shown
from sudo_mcp_guardrails.trail.values import a_text, an_object

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sudo_mcp_guardrails.trail.attribution import Attributed
    from sudo_mcp_guardrails.trail.event import Event
    from sudo_mcp_guardrails.trail.trace.links import Listed

_RESOURCES: Final = 3
_SUFFIX: Final = ".amazonaws.com"


def call_title(event: Event) -> str:
    """Return a call as IAM would write it, ``s3:PutBucketPolicy``; an action's name may differ from the event's."""
    service = (event.source or "unknown").removesuffix(_SUFFIX)
    return shown(f"{service}:{event.name or 'unknown'}")


def event_facts(event: Event) -> list[tuple[str, str]]:
    """Return what is shown of any event."""
    document = parsed(event)
    facts: list[tuple[str, str | None]] = [
        ("Region", event.region),
        ("account", event.account),
        ("request", event.request_id),
        ("error", _error(event, a_text(document.get("errorMessage")))),
    ]
    named = document.get("resources")
    used = [each for each in (named if isinstance(named, list) else []) if isinstance(each, dict)]
    facts += [("resource", a_text(each.get("ARN"))) for each in used[:_RESOURCES]]
    return kept(facts)


def kept(facts: Iterable[tuple[str, str | None]]) -> list[tuple[str, str]]:
    """Return the facts that are known, safe to show."""
    return [(label, shown(value)) for label, value in facts if value]


def marks_of(event: Event, asked: str, *, region: str | None = None, account: str | None = None) -> tuple[Mark, ...]:
    """Return what to notice about a call.

    Args:
        event: of the call.
        asked: what the trace was asked for.
        region: the one that is usual here; None where none is.
        account: as the Region.
    """
    marks = {
        Mark.ASKED: asked in (event.event_id, event.request_id),
        Mark.DENIED: denied(event),
        Mark.FAILED: event.error is not None and not denied(event),
        Mark.WRITES: event.read_only is False,
        Mark.OTHER_REGION: bool(region and event.region and event.region != region),
        Mark.OTHER_ACCOUNT: bool(account and event.account and event.account != account),
    }
    return tuple(mark for mark, there in marks.items() if there)


def api_call(
    one: Attributed,
    asked: str,
    *,
    region: str | None,
    account: str | None,
    said: Listed | None = None,
    alone: bool = False,
    children: Sequence[Node] = (),
) -> Node:
    """Return the node of an API call.

    Args:
        one: its event.
        asked: what the trace was asked for.
        region: the usual one.
        account: the usual one.
        said: what the tool call says of it.
        alone: whether it stands under no tool call.
        children: sessions that it minted.
    """
    event = one.event
    marks = list(marks_of(event, asked, region=region, account=account))
    facts = event_facts(event)
    reason = None
    if said is not None and said.region and said.region != event.region:
        facts += kept([("tool call says Region", said.region)])
        marks += [] if Mark.OTHER_REGION in marks else [Mark.OTHER_REGION]
    if alone and made_by_server(event):
        marks.append(Mark.UNLISTED)
        reason = "an MCP server made this call, and no tool call that was seen lists it"
    return Node(
        Kind.API_CALL,
        call_title(event),
        event.event_time,
        shown(event.event_id),
        tuple(marks),
        tuple(facts),
        reason,
        tuple(children),
    )


def not_seen(said: Listed) -> Node:
    """Return the node of a call that a tool call lists and no event was seen of."""
    return Node(
        Kind.API_CALL,
        shown(said.api or "a call"),
        marks=(Mark.UNKNOWN,),
        facts=tuple(kept([("Region", said.region), ("request", said.request)])),
        reason=f"the tool call lists it, and no event of this request was seen{_where(said)}",
    )


def _where(said: Listed) -> str:
    return f": the trail may not cover {shown(said.region)}, or not data events" if said.region else ""


def tool_call_node(one: Attributed, asked: str, made: Sequence[Node], *, account: str | None) -> Node:
    """Return the node of what an MCP server was asked to do."""
    event, known = one.event, one.attribution
    parameters = an_object(parsed(event).get("requestParameters"))
    session = a_text(an_object(parsed(event).get("mcpEventDetails")).get("sessionId"))
    answer = an_object(parsed(event).get("responseElements"))
    wrong = True in (answer.get("isError"), an_object(answer.get("result")).get("isError"))
    ended = event.name == "DestroySession"
    # A tool call is not read-only by its kind; what it made tells whether something was written.
    marks = [mark for mark in marks_of(event, asked, account=account) if mark is not Mark.WRITES]
    if wrong and not event.error:
        marks.append(Mark.FAILED)
    if ended:
        title = "the session was ended"
    elif known.tool:
        title = known.tool
    else:
        title = a_text(parameters.get("method")) or event.name or "unknown"
    facts = kept(
        [
            ("server", event.source),
            ("event", event.name),
            ("client", event.user_agent),
            ("from", event.source_ip),
            ("MCP session", session),
        ]
    )
    return Node(
        Kind.SESSION_END if ended else Kind.TOOL_CALL,
        shown(title),
        event.event_time,
        shown(event.event_id),
        tuple(marks),
        (*facts, *event_facts(event)),
        children=tuple(made),
    )


def step(one: Attributed, asked: str) -> Node:
    """Return the node of one event of a grant."""
    event = one.event
    parameters = an_object(parsed(event).get("requestParameters"))
    facts = kept(
        [
            ("by", event.principal_arn),
            ("client", a_text(parameters.get("client_id")) or a_text(parameters.get("clientId"))),
            ("for", a_text(parameters.get("resource"))),
            ("role", a_text(parameters.get("roleArn"))),
            ("program", event.user_agent),
            ("from", event.source_ip),
        ]
    )
    marks = tuple(mark for mark in marks_of(event, asked) if mark is not Mark.WRITES)
    return Node(
        Kind.STEP,
        call_title(event),
        event.event_time,
        shown(event.event_id),
        marks,
        (*facts, *event_facts(event)),
    )


def _error(event: Event, message: str | None) -> str | None:
    return f"{event.error}: {message}" if event.error and message else event.error
