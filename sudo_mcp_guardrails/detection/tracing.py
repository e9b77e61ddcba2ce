"""What led to a finding, within bounds: person, grant, session, tool call, API calls, approval.

``mcp-guardrails trail trace RUN`` shows the whole of it from a store. A finding carries a part that fits into a
message: a line for people, and steps with the ids by which each is found again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.detection.times import text_of
from sudo_mcp_guardrails.trail.trace.nodes import Kind, Mark
from sudo_mcp_guardrails.trail.trace.text import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sudo_mcp_guardrails.detection.paths import Path
    from sudo_mcp_guardrails.state.runs import Run
    from sudo_mcp_guardrails.trail.attribution import Attributed
    from sudo_mcp_guardrails.trail.trace.nodes import Node, Trace

MAX_TEXT: Final = 600
"""Characters of the line."""
MAX_STEPS: Final = 200
"""Steps of a whole trace; one of a run has up to 10,000 events, and a finding is no place for them."""
_SHOWN: Final = 120


def seen_trace(subject: Attributed, path: Path | None, run: Run | None) -> dict[str, Any]:
    """Return what led to an event, from what a process saw that has no store.

    Args:
        subject: The event, and whose work it is.
        path: What the run did so far. None: nothing of it is remembered.
        run: Of the registry. None: it is not there, or there is no registry.
    """
    event, known = subject
    person = (run.caller if run is not None else None) or known.person
    ticket = known.ticket or (run.ticket if run is not None else None)
    steps = [
        _step(Kind.PERSON, person, "nobody knows who is behind the session"),
        _step(
            Kind.GRANT,
            " ".join(filter(None, ("the broker's" if run is not None or known.run else None, ticket))) or None,
            "how the session came to be was not seen",
            time=text_of(run.created) if run is not None else None,
        ),
        _step(
            Kind.SESSION,
            " ".join(filter(None, (known.agent, known.capability, known.session))) or None,
            "nothing tells whose session it is",
        ),
    ]
    if known.tool or known.tool_call:
        steps.append(_step(Kind.TOOL_CALL, known.tool or "a tool", "", event_id=known.tool_call))
    if path is not None:
        for time, action, event_id, error in path.steps:
            named = f"{action} ({error})" if error else action
            steps.append(_step(Kind.API_CALL, named, "", time=text_of(time), event_id=event_id))
    if not any(step.get("event_id") == event.event_id for step in steps):
        steps.append(_step(Kind.API_CALL, _call(subject), "", time=event.event_time, event_id=event.event_id))
    if known.approval or known.plan_digest or known.capability in {"apply", "execution"}:
        steps.append(_step(Kind.APPROVAL, known.approval or known.plan_digest, "no approval is known"))
    counts = {"calls": path.calls, "denied": path.denied, "tool_calls": path.tools} if path is not None else {}
    return _made(subject, steps, counts, complete=path is not None and path.calls == len(path.steps))


def whole_trace(subject: Attributed, tree: Trace) -> dict[str, Any]:
    """Return what led to an event, from the trace of a store: all of it, up to 200 steps."""
    steps: list[dict[str, str]] = []
    for _, node in tree.walk():
        if len(steps) == MAX_STEPS:
            break
        steps.append(_of_node(node))
    summary = tree.summary()
    counts = {
        "calls": summary["api_calls"],
        "denied": summary["denied"],
        "tool_calls": summary["tool_calls"],
        "events": summary["events"],
    }
    nodes = sum(1 for _ in tree.walk())
    return _made(subject, steps, counts, complete=tree.complete and nodes == len(steps))


def _of_node(node: Node) -> dict[str, str]:
    found = _step(node.kind, node.title, node.reason or "", time=node.time, event_id=node.event_id)
    if node.reason:
        found["reason"] = shown(node.reason, _SHOWN)
    marks = [mark.value for mark in node.marks if mark is not Mark.ASKED]
    return {**found, "marks": ", ".join(marks)} if marks else found


def _made(
    subject: Attributed, steps: list[dict[str, str]], counts: Mapping[str, int], *, complete: bool
) -> dict[str, Any]:
    event, known = subject
    asked = known.run or known.session or event.event_id
    return {
        "text": _text(steps, counts),
        "steps": steps,
        **counts,
        "complete": complete,
        "see": f"mcp-guardrails trail trace {shown(asked, _SHOWN)}",
    }


def _text(steps: Iterable[Mapping[str, str]], counts: Mapping[str, int]) -> str:
    """Return the line: of each kind the first, of the calls their number and the last."""
    parts: dict[str, str] = {}
    last = ""
    for step in steps:
        kind, what = step["kind"], step.get("what") or f"unknown ({step.get('reason', 'not known')})"
        if kind == Kind.API_CALL.value:
            last = what
            parts.setdefault(kind, what)
        elif kind in _SAID:
            parts.setdefault(kind, f"{_SAID[kind]} {what}")
    if Kind.API_CALL.value in parts:
        number = f"{counts['calls']:,} API calls, {counts['denied']:,} denied, the last " if counts else ""
        parts[Kind.API_CALL.value] = f"{number}{last}"
    text = " → ".join(parts[kind.value] for kind in _ORDER if kind.value in parts)
    return text if len(text) <= MAX_TEXT else text[: MAX_TEXT - 1] + "…"


_ORDER: Final = (Kind.PERSON, Kind.GRANT, Kind.SESSION, Kind.TOOL_CALL, Kind.API_CALL, Kind.APPROVAL)
_SAID: Final = {
    Kind.PERSON.value: "person",
    Kind.GRANT.value: "grant",
    Kind.SESSION.value: "session",
    Kind.TOOL_CALL.value: "tool call",
    Kind.APPROVAL.value: "approval",
}


def _step(
    kind: Kind, what: str | None, reason: str, *, time: str | None = None, event_id: str | None = None
) -> dict[str, str]:
    found = {"kind": kind.value, "what": shown(what, _SHOWN) if what else "", "time": time or ""}
    found["event_id"] = shown(event_id, _SHOWN) if event_id else ""
    found["reason"] = "" if what else reason
    return {name: value for name, value in found.items() if value}


def _call(subject: Attributed) -> str:
    event = subject.event
    call = f"{(event.source or 'unknown').partition('.')[0]}:{event.name or 'unknown'}"
    return f"{call} ({event.error})" if event.error else call
