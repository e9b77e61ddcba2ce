"""Calls that change something: each is made once, whatever crashes, and each leaves a record before and after.

A record ``call-started`` is the claim: one broker gets it, and only then makes the call. One that has no ``call-ended``
belongs to a broker that is still at it, or to one that crashed; nobody knows whether the call was made. Then

- what AWS can tell is asked for (``find``);
- what AWS takes for the same call, by a token, is made again while the token counts (``same_for``);
- any other call is never made again: it ends as *unknown*, and a person has to look.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.applying.answers import plain, was_not_done
from sudo_mcp_guardrails.approval.applying.journal import CALL_ENDED, CALL_STARTED
from sudo_mcp_guardrails.approval.applying.refusal import ApplyRefused
from sudo_mcp_guardrails.approval.canonical import digest
from sudo_mcp_guardrails.approval.store.aws import code_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sudo_mcp_guardrails.approval.applying.answers import Veil
    from sudo_mcp_guardrails.approval.applying.journal import Journal
    from sudo_mcp_guardrails.approval.evidence import Record
    from sudo_mcp_guardrails.approval.store.case import Case

    Send = Callable[[], Mapping[str, Any]]

PARAMETERS_KIND: Final = "call-parameters/1"
RESULT_KIND: Final = "call-result/1"
LEASE: Final = 480
"""Seconds after which whoever started a call is not at it any more: a client waits 70 seconds at most, five times."""


_PAUSES: Final = (1.0, 2.0, 4.0, 8.0)
_THROTTLED: Final = frozenset(
    {
        *("Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded", "SlowDown"),
        *("TooManyRequestsException", "RequestThrottled", "RequestThrottledException", "BandwidthLimitExceeded"),
    }
)
"""Answers that say: not now, and nothing was done."""


class Ending(str, Enum):
    """How a call ended."""

    DONE = "done"
    FAILED = "failed"
    """AWS said that it was not carried out."""
    UNKNOWN = "unknown"
    """Nobody knows whether it was carried out."""
    WAITING = "waiting"
    """Another broker is at it; never recorded."""


@dataclass(frozen=True)
class Call:
    """One call.

    Attributes:
        id: Of the change that it carries out.
        operation: Such as ``cloudformation:ExecuteChangeSet``.
        parameters: All of them.
        ready: Opens the session, and returns what makes the call and returns the answer. Until then nothing is claimed.
        keeps: Picks what of the answer is needed later, without secrets.
        find: Returns what ``keeps`` would if it was carried out, or None if it surely was not.
        same_for: Seconds in which AWS takes a second one for the same call; 0 where it never does.
    """

    id: str
    operation: str
    parameters: Mapping[str, Any]
    ready: Callable[[], Send]
    keeps: Callable[[Mapping[str, Any]], Mapping[str, str]]
    find: Callable[[], Mapping[str, str] | None] | None = None
    same_for: int = 0


@dataclass(frozen=True)
class Ended:
    """What came of a call.

    Attributes:
        ending: How it ended.
        error: Code and message, where it did not go well.
        facts: What was kept of the answer.
    """

    ending: Ending
    error: str
    facts: Mapping[str, str]


_WAITING: Final = Ended(Ending.WAITING, "", {})


def ended(case: Case, id_: str) -> Ended | None:
    """Return what came of a call, from its record; None where it has not ended."""
    record = _record(case, CALL_ENDED, id_)
    if record is None:
        return None
    body = record.body
    return Ended(Ending(body["ending"]), str(body["error"]), dict(body["facts"]))


def run(journal: Journal, call: Call, veil: Veil, pause: Callable[[float], None] = time.sleep) -> Ended:
    """Make a call, once, or tell what came of it.

    Args:
        journal: Of the approval.
        call: To be made.
        veil: For errors.
        pause: Waits before a call that was throttled is made again.

    Raises:
        Exception: What AWS answers before anything is claimed, or to a call that may be repeated; whoever asks again
            goes on from here.
    """
    case = journal.seen()
    known = ended(case, call.id)
    if known is not None:
        return known
    try:
        send = call.ready()
    except Exception as error:
        if isinstance(error, ApplyRefused):
            return _over(journal, call, Ended(Ending.FAILED, veil.text(error), {}))
        if was_not_done(error) and code_of(error) not in _THROTTLED and not _record(case, CALL_STARTED, call.id):
            return _over(journal, call, Ended(Ending.FAILED, veil.error(error), {}))
        raise
    maker = _Maker(journal, call, veil, send, pause)
    started = _record(case, CALL_STARTED, call.id)
    if started is not None:
        return maker.taken_up(journal.now() - started.time)
    body = {
        "call": call.id,
        "operation": call.operation,
        "parametersDigest": digest(PARAMETERS_KIND, call.parameters),
    }
    mine = journal.step(CALL_STARTED, lambda case: None if case.ended or _record(case, CALL_STARTED, call.id) else body)
    return _WAITING if mine is None else maker.made(again=False)


class _Maker:
    """Makes one call whose session is open."""

    def __init__(self, journal: Journal, call: Call, veil: Veil, send: Send, pause: Callable[[float], None]) -> None:
        self._journal = journal
        self._call = call
        self._veil = veil
        self._send = send
        self._pause = pause

    def taken_up(self, age: int) -> Ended:
        """Go on where somebody started the call and did not say how it ended."""
        call = self._call
        if call.find is not None:
            facts = call.find()
            return self.made(again=True) if facts is None else self._over(Ended(Ending.DONE, "", facts))
        if age < call.same_for:
            return self.made(again=True)
        if age < LEASE:
            return _WAITING
        return self._over(Ended(Ending.UNKNOWN, "nobody recorded how it ended", {}))

    def made(self, *, again: bool) -> Ended:
        """Make it."""
        call = self._call
        try:
            answer = plain(self._sent())
        except Exception as error:
            if was_not_done(error):
                # Of two that were made at once, one may be told that there is nothing left to do.
                facts = call.find() if again and call.find is not None else None
                if facts is not None:
                    return self._over(Ended(Ending.DONE, "", facts))
                return self._over(Ended(Ending.FAILED, self._veil.error(error), {}))
            if call.find is not None or call.same_for:
                raise
            return self._over(Ended(Ending.UNKNOWN, self._veil.error(error), {}))
        return self._over(Ended(Ending.DONE, "", call.keeps(answer)), digest(RESULT_KIND, answer))

    def _sent(self) -> Mapping[str, Any]:
        for seconds in _PAUSES:
            try:
                return self._send()
            except Exception as error:
                if code_of(error) not in _THROTTLED:
                    raise
            self._pause(seconds)
        return self._send()

    def _over(self, found: Ended, result: str = "") -> Ended:
        return _over(self._journal, self._call, found, result)


def _over(journal: Journal, call: Call, found: Ended, result: str = "") -> Ended:
    """Record how a call ended; the first one who says so is right."""
    body = {
        "call": call.id,
        "operation": call.operation,
        "ending": found.ending.value,
        "error": found.error,
        "facts": dict(found.facts),
        "resultDigest": result,
    }
    journal.step(CALL_ENDED, lambda case: None if _record(case, CALL_ENDED, call.id) else body)
    return ended(journal.seen(), call.id) or found


def _record(case: Case, kind: str, id_: str) -> Record | None:
    return next((record for record in case.of_kind(kind) if record.body.get("call") == id_), None)
