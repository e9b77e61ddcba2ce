"""Whose request it is, over HTTP: the principal, what its host handed over, and the session that this makes.

By 2026-07-28 there is no session in the protocol. Its place takes what the client shows and cannot choose: the
principal of its token, and what its host signed. Without either, all requests are one session, so that what one of
them is tainted by taints all: that is the strictest.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.errors import GatewayError
from sudo_mcp_guardrails.gateway.pump.refusals import BUSY, REFUSED, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sudo_mcp_guardrails.gateway.call import Session
    from sudo_mcp_guardrails.gateway.pump.limits import Limits
    from sudo_mcp_guardrails.gateway.pump.link import Link

_LEAST_KEY: Final = 32
_TEXTS: Final = ("run", "intent", "sop")


@dataclass(frozen=True, slots=True)
class Handed:
    """What a host hands over at the start of a run, through a header that it signs and the model cannot write.

    Attributes:
        run: The run's id.
        intent: The user's words, or None.
        sop: The SOP that is followed, or empty.
        until: Seconds since the epoch.
    """

    run: str
    intent: str | None
    sop: str
    until: float


def signed(handed: Handed, key: bytes) -> str:
    """Return the header's value, as a host makes it.

    Raises:
        GatewayError: The key is shorter than 32 bytes.
    """
    body = {"run": handed.run, "intent": handed.intent, "sop": handed.sop, "until": handed.until}
    text = base64.urlsafe_b64encode(json.dumps(body).encode()).decode()
    return f"{text}.{_mac(text, key)}"


def handed_over(value: str, key: bytes, now: float) -> Handed:
    """Return what a header's value says.

    Raises:
        RefusedError: It is not signed by that key, too old, or no such header.
    """
    text, _, mac = value.partition(".")
    if not hmac.compare_digest(_mac(text, key).encode(), mac.encode("utf-8", "replace")):
        raise RefusedError(REFUSED, "the host's context is not signed with the key that this guard has")
    try:
        body = json.loads(base64.urlsafe_b64decode(text.encode()))
        handed = Handed(body["run"], body["intent"], body["sop"], float(body["until"]))
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise RefusedError(
            REFUSED, "the host's context is signed but lacks 'run', 'intent', 'sop' or 'until'"
        ) from error
    if not all(isinstance(getattr(handed, name), str) or (name, handed.intent) == ("intent", None) for name in _TEXTS):
        raise RefusedError(REFUSED, "the host's context is signed but its values are not text")
    if not handed.until > now:
        raise RefusedError(REFUSED, "the host's context is too old")
    return handed


def _mac(text: str, key: bytes) -> str:
    if len(key) < _LEAST_KEY:
        raise GatewayError(f"a key of {len(key)} bytes is not allowed for a host's context, expected {_LEAST_KEY}")
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


@dataclass(slots=True, eq=False)
class Opened:
    """A session of the era of ``initialize``, over HTTP.

    Attributes:
        link: The client and the server.
        principal: Who opened it; nobody else may use it.
        upstream: The server's id for it; None where it gave none.
        used: When it was last used, by the clock.
        own: What a transport keeps for it.
    """

    link: Link
    principal: str
    upstream: str | None
    used: float
    own: Any = None


class Sessions:
    """All sessions of a guard that listens on HTTP.

    Args:
        template: What all sessions have in common: the agent, its capability, the intent and the SOP of the start.
        limits: Bounds of their number and age.
        key: Of the hosts' signatures; without one, no host's context is taken.
        trust_trace: Whether the trace id of ``traceparent`` tells one session from another: only where it is the
            host that sets it, and keeps it for a whole task. Otherwise a new id would shed the taint.
        clock: Seconds that only grow.
        now: Seconds since the epoch.
    """

    def __init__(
        self,
        template: Session,
        limits: Limits,
        *,
        key: bytes | None = None,
        trust_trace: bool = False,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._template = template
        self._limits = limits
        self._key = key
        self._trust_trace = trust_trace
        self._clock = clock
        self._now = now
        self._keyed: OrderedDict[tuple[str, ...], tuple[Session, float]] = OrderedDict()
        self.opened: dict[str, Opened] = {}

    def keyed(self, principal: str, context: str | None, trace: Mapping[str, str]) -> Session:
        """Return the session of a request of 2026-07-28.

        Raises:
            RefusedError: The host's context is not valid, or there are too many sessions.
        """
        handed = self._handed(context)
        traced = trace.get("traceparent", "").split("-")[1:2] if self._trust_trace else []
        run = "" if handed is None else json.dumps([handed.run, handed.intent, handed.sop])
        key = (principal, run, *traced)
        now = self._clock()
        kept = self._keyed.get(key)
        if kept is None:
            self._room()
        session = self._new(principal, handed) if kept is None else kept[0]
        self._keyed[key] = (session, now)
        self._keyed.move_to_end(key)
        return session

    def new(self, principal: str, context: str | None) -> Session:
        """Return a session for a client that begins with ``initialize``.

        Raises:
            RefusedError: As :meth:`keyed`.
        """
        handed = self._handed(context)
        self._room()
        return self._new(principal, handed)

    def keep(self, link: Link, principal: str, upstream: str | None) -> str:
        """Keep what a client opened; return the id that it is known by, which no server chose."""
        id = secrets.token_hex(16)
        self.opened[id] = Opened(link, principal, upstream, self._clock())
        return id

    def find(self, id: str, principal: str) -> Opened | None:
        """Return what ``principal`` opened under an id; None where nothing, or another did."""
        found = self.opened.get(id)
        if found is None or found.principal != principal:
            return None
        found.used = self._clock()
        return found

    def close(self, opened: Opened) -> None:
        """Forget what a client opened."""
        for id in [id for id, each in self.opened.items() if each is opened]:
            del self.opened[id]

    def _new(self, principal: str, handed: Handed | None) -> Session:
        session = replace(self._template, id=secrets.token_hex(16), principal=principal, state={})
        if handed is not None:
            session.run, session.sop = handed.run or session.run, handed.sop or session.sop
            session.intent = handed.intent if handed.intent is not None else session.intent
        return session

    def _handed(self, context: str | None) -> Handed | None:
        if context is None:
            return None
        if self._key is None:
            raise RefusedError(REFUSED, "a host's context came, and this guard has no key to check it with")
        return handed_over(context, self._key, self._now())

    def _room(self) -> None:
        if len(self._keyed) + len(self.opened) >= self._limits.sessions:
            self.expire()
        if len(self._keyed) + len(self.opened) >= self._limits.sessions:
            raise RefusedError(BUSY, f"{self._limits.sessions} sessions are open, try again later")

    def expire(self) -> list[Opened]:
        """Forget what was not used for long; return what was opened of it."""
        oldest = self._clock() - self._limits.idle_seconds
        while self._keyed and next(iter(self._keyed.values()))[1] < oldest:
            self._keyed.popitem(last=False)
        old = {id: each for id, each in self.opened.items() if each.used < oldest and not each.link.pending}
        for id in old:
            del self.opened[id]
        return list(old.values())
