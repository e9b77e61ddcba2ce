"""The check that nothing runs, and nothing is shown, but what a person pinned.

A definition's digest is computed once, when the server lists it; a call then costs a few look-ups. What a server once
changed stays blocked for the session, whatever it lists later: a server that swaps a definition back is no better.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.call import ALLOWED, Outcome, Reason, Verdict
from sudo_mcp_guardrails.gateway.invisible import shown
from sudo_mcp_guardrails.gateway.pins.canonical import digest
from sudo_mcp_guardrails.gateway.pins.changed import change_of
from sudo_mcp_guardrails.gateway.pins.errors import PinError
from sudo_mcp_guardrails.gateway.pins.labels import UNREVIEWED
from sudo_mcp_guardrails.gateway.pins.snapshot import ERAS, LISTS, introduction_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sudo_mcp_guardrails.gateway.call import Session, ToolCall, ToolResult
    from sudo_mcp_guardrails.gateway.pins.changed import Changed
    from sudo_mcp_guardrails.gateway.pins.labels import Labels
    from sudo_mcp_guardrails.gateway.pins.lock import Lock

_log = logging.getLogger(__name__)
_STATE: Final = "pins"
_MOST: Final = 1_000
"""Most changes that are kept for a session; what comes beyond blocks its server whole."""
_ADVICE: Final = "a person can look at the difference with `mcp-guardrails gateway pins diff` and pin it anew"


@dataclass(slots=True)
class _Seen:
    """What a session saw: definitions that are as pinned, and what is blocked."""

    sound: dict[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    changed: dict[tuple[str, str, str], Changed] = field(default_factory=dict)
    servers: set[str] = field(default_factory=set)


class PinCheck:
    """Blocks every tool, prompt, resource and server that is not as it is pinned."""

    name = "pins"

    def __init__(self, lock: Lock) -> None:
        """Read the lock into look-ups.

        Args:
            lock: What a person accepted.
        """
        self._lock = lock
        self._digests = {
            (server, kind, name): frozenset(pin.definitions)
            for server, each in lock.servers.items()
            for kind in LISTS
            for name, pin in each.lists.get(kind, {}).items()
        }

    @property
    def lock(self) -> Lock:
        """What a person accepted."""
        return self._lock

    def labels(self, server: str, tool: str) -> Labels:
        """Return the reviewed labels of a tool; the strictest where there are none."""
        pin = self._lock.servers.get(server)
        found = pin.lists["tools"].get(tool) if pin else None
        return found.labels if found else UNREVIEWED

    def changes(self, session: Session) -> tuple[Changed, ...]:
        """Return what a session saw that is not as pinned, each with its differences, for records and for a person."""
        return tuple(_seen(session).changed.values())

    def introduced(self, session: Session, server: str, result: Mapping[str, Any], *, asked: str = "") -> Outcome:
        """Judge the result of ``initialize`` or ``server/discover``: every call of a server that changed is denied.

        Args:
            session: Of the client.
            server: Its name.
            result: Whole.
            asked: The protocol version that the client asked for in ``initialize``; empty for ``server/discover``. An
                older one than the pinned is answered in its own words, and is no change of the server.
        """
        era = ERAS[0] if asked else ERAS[1]
        pin = self._lock.servers.get(server)
        pinned = dict(pin.eras.get(era, {})) if pin else {}
        came = introduction_of(result)
        if asked and came.get("protocolVersion") == asked and asked < era:
            pinned["protocolVersion"] = asked
        try:
            same = bool(pinned) and digest(pinned) == digest(came)
        except PinError:
            same = False
        if same:
            return ALLOWED
        self._block(session, change_of(server, "server", era, [pinned] if pinned else [], came))
        return _denied("pin.server-changed", "the server does not introduce itself as it is pinned", server)

    def listed(self, session: Session, server: str, tools: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
        """Return the tools that are as pinned, each the very object that came."""
        return self.offered(session, server, "tools", tools)

    def offered(
        self, session: Session, server: str, kind: str, items: Sequence[Mapping[str, Any]]
    ) -> Sequence[Mapping[str, Any]]:
        """Return the items of any list that are as pinned.

        Args:
            session: Of the client.
            server: Its name.
            kind: ``tools``, ``prompts``, ``resources`` or ``resourceTemplates``.
            items: One page, as the server lists it.
        """
        pin, seen = self._lock.servers.get(server), _seen(session)
        if pin is not None and kind in pin.dynamic:
            return items
        sound = [item for item in items if self._is_sound(session, server, kind, item)]
        return [
            item
            for item in sound
            if server not in seen.servers and (server, kind, item[LISTS[kind][1]]) not in seen.changed
        ]

    def before(self, session: Session, call: ToolCall) -> Outcome:
        """Deny what is not pinned, what the server never listed, and what it listed otherwise."""
        seen, key = _seen(session), (call.server, "tools", call.tool)
        if call.server in seen.servers:
            return _denied("pin.server-changed", "the server is not as it is pinned", call.server)
        if key not in self._digests:
            return self._unknown(call)
        if key not in seen.changed:
            if call.definition is None:
                return _denied("pin.not-listed", "the server has not listed this tool yet; list the tools", call.tool)
            if seen.sound.get((call.server, call.tool)) is call.definition or (
                call.definition.get("name") == call.tool
                and self._is_sound(session, call.server, "tools", call.definition)
            ):
                return ALLOWED
        return _denied("pin.changed", "the server changed this tool after it was pinned", call.tool)

    def after(self, session: Session, call: ToolCall, result: ToolResult) -> Outcome:  # noqa: ARG002 - a Check
        """Let every result pass: other checks look at those."""
        return ALLOWED

    def _unknown(self, call: ToolCall) -> Outcome:
        if call.server not in self._lock.servers:
            return _denied("pin.unknown-server", "nobody pinned this server", call.server)
        return _denied("pin.unknown-tool", "nobody pinned this tool", call.tool)

    def _is_sound(self, session: Session, server: str, kind: str, item: object) -> bool:
        name = item.get(LISTS[kind][1]) if isinstance(item, dict) else None
        if not isinstance(name, str) or not isinstance(item, dict):
            self._block(session, change_of(server, kind, "", [], item))
            return False
        pinned = self._digests.get((server, kind, name), frozenset())
        try:
            if digest(item) in pinned:
                if kind == "tools":
                    _seen(session).sound[server, name] = item
                return True
        except PinError as error:
            _log.warning("a definition of %s cannot be read: %s", server, error)
        pin = self._lock.servers.get(server)
        known = list(pin.lists[kind][name].definitions.values()) if pin and pinned else []
        self._block(session, change_of(server, kind, name, known, item))
        return False

    def _block(self, session: Session, changed: Changed) -> None:
        seen = _seen(session)
        key = (changed.server, changed.kind, changed.name)
        if changed.kind == "server" or len(seen.changed) >= _MOST:
            seen.servers.add(changed.server)
        if key not in seen.changed and len(seen.changed) < _MOST:
            seen.changed[key] = changed
            _log.warning("blocked as not pinned: %s", "\n".join(changed.lines()))


def _seen(session: Session) -> _Seen:
    found = session.state.get(_STATE)
    if not isinstance(found, _Seen):
        found = session.state[_STATE] = _Seen()
    return found


def _denied(identity: str, what: str, name: str) -> Outcome:
    # A name may be an untrusted server's text, so it stands in the rule, cut and with nothing hidden in it.
    return Outcome(Verdict.DENY, (Reason(identity, f"{what}; {_ADVICE}", rule=shown(name)[:128]),))
