"""The pump's core, without any input or output: what one client's message does, and (in ``replies``) one server's.

One link is one client and one server that know each other: a pair of pipes, a session over HTTP of the era of
``initialize``, or one POST of 2026-07-28. Every message is read once; what was checked is what goes on.
"""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.call import Outcome, Reason, ToolCall, Verdict
from sudo_mcp_guardrails.gateway.guard import unanswered
from sudo_mcp_guardrails.gateway.pump import answers, envelope
from sudo_mcp_guardrails.gateway.pump.carried import response, unwrapped
from sudo_mcp_guardrails.gateway.pump.messages import Kind
from sudo_mcp_guardrails.gateway.pump.pending import NOTHING, Pending, Step
from sudo_mcp_guardrails.gateway.pump.refusals import (
    BUSY,
    INVALID_PARAMS,
    INVALID_REQUEST,
    TIMED_OUT,
    RefusedError,
    error_answer,
    json_bytes,
)
from sudo_mcp_guardrails.gateway.pump.replies import Replies
from sudo_mcp_guardrails.gateway.pump.sealing import PREFIX, Binding, State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sudo_mcp_guardrails.gateway.call import Session
    from sudo_mcp_guardrails.gateway.pump.messages import Message
    from sudo_mcp_guardrails.gateway.pump.pending import Shared

_ENDLESS: Final = frozenset({"subscriptions/listen"})
_FOREVER: Final = float("inf")
_CALLS: Final = "pump.calls"
_GIVEN: Final = Reason("approval.given", "A person approved this one call.")
_REFUSED: Final = Reason("approval.refused", "A person was asked about this call and did not approve it.")


class Link(Replies):
    """One client and one server, and what is open between them.

    Args:
        shared: What it shares with other links to the same server.
        session: The client's.
        clock: Seconds that only grow.
    """

    def __init__(self, shared: Shared, session: Session, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(shared, session)
        self.capabilities: object = None
        self._clock = clock

    def take(self, message: Message) -> Step:
        """Return what a client's message does.

        Raises:
            RefusedError: It is not passed; with the id to answer to.
        """
        if message.kind is Kind.REQUEST:
            return self._request(message)
        if message.kind is Kind.NOTIFICATION:
            return self._notified(message)
        return self._answered(message)

    def _request(self, message: Message) -> Step:
        id, params, limits = message.id, message.params, self.limits
        assert id is not None  # noqa: S101 - a request has one
        if id in self.pending:
            # Answered without its id: with it, the client would take this for the answer to the first.
            raise RefusedError(INVALID_REQUEST, f"id {id!r} is that of a request which is still open")
        if len(self.pending) >= limits.pending:
            raise RefusedError(BUSY, f"{limits.pending} requests are open, wait for one of them", id)
        try:
            found = envelope.meta(params)
            modern = envelope.modern_version(found) is not None
            seconds = _FOREVER if message.method in _ENDLESS else limits.call_seconds
            pending = Pending(id, message.method, params, modern, self._clock() + seconds)
            if message.method == "tools/call":
                return self._call(message, pending, found)
        except RefusedError as error:
            error.id = id
            raise
        if message.method == "initialize":
            self.capabilities = params.get("capabilities")
        self.pending[id] = pending
        return Step(server=message.raw, about=pending)

    def _call(self, message: Message, pending: Pending, found: Mapping[str, Any]) -> Step:
        params, session, guard = message.params, self.session, self.guard
        call = self._read_call(params, found)
        carried = params.get("requestState")
        state = None
        if isinstance(carried, str) and carried.startswith(PREFIX):
            state = self.sealer.open(carried, Binding.of(session, call, guard.policy_digest))
            if state.kind == "ask" and not answers.approves(response(params)):
                return self._denied(pending, call, (_REFUSED,))
            params = unwrapped(params, state)
        outcome, changed = guard.before(session, call)
        if outcome.value is not None:
            params = {**params, "arguments": dict(changed.arguments)}
        raw = message.raw if params is message.params else json_bytes({**message.body, "params": params})
        pending.asked, pending.call, pending.params = call, changed, params
        if outcome.verdict is Verdict.ASK:
            if state is None:
                return self._ask(pending, call, outcome, raw, found)
            outcome = Outcome(
                Verdict.ALLOW if outcome.value is None else Verdict.REDACT, (*outcome.reasons, _GIVEN), outcome.value
            )
            pending.approved = True
        return self._pass(pending, outcome, raw)

    def _read_call(self, params: Mapping[str, Any], found: Mapping[str, Any]) -> ToolCall:
        name, arguments = params.get("name"), params.get("arguments")
        if not isinstance(name, str) or not name:
            raise RefusedError(INVALID_PARAMS, "'name' of the tool is not a string with text")
        if arguments is None and "arguments" not in params:
            arguments = {}
        if not isinstance(arguments, dict):
            raise RefusedError(INVALID_PARAMS, "'arguments' of the tool is not an object")
        if len({key.lower() for key in arguments}) != len(arguments):
            raise RefusedError(INVALID_PARAMS, "two keys of 'arguments' differ in case alone")
        number = self.session.state[_CALLS] = self.session.state.get(_CALLS, 0) + 1
        return ToolCall(self.server, name, arguments, self.definitions.get(name), envelope.trace(found), number, found)

    def _pass(self, pending: Pending, outcome: Outcome, raw: bytes) -> Step:
        assert pending.call is not None  # noqa: S101 - it is a call
        outcome = self.guard.decided(self.session, pending.call, outcome)
        if outcome.verdict is Verdict.DENY:
            return Step(client=answers.denial(pending.id, outcome.reasons, modern=pending.modern), about=pending)
        pending.deadline = self._clock() + self.limits.call_seconds
        self.pending[pending.id] = pending
        return Step(server=raw, about=pending)

    def _denied(self, pending: Pending, call: ToolCall, reasons: tuple[Reason, ...], more: str = "") -> Step:
        outcome = self.guard.decided(self.session, call, Outcome(Verdict.DENY, reasons))
        return Step(client=answers.denial(pending.id, outcome.reasons, modern=pending.modern, more=more), about=pending)

    def _ask(self, pending: Pending, call: ToolCall, outcome: Outcome, raw: bytes, found: Mapping[str, Any]) -> Step:
        arguments = answers.shown(call)
        asks = envelope.can_elicit(found.get(envelope.CAPABILITIES_KEY) if pending.modern else self.capabilities)
        if arguments is None or not asks:
            more = f"A person has to approve it, and this client cannot ask: use {self.guard.approval_place}."
            if arguments is None:
                more = f"A person has to approve it, and it is too long to be shown: use {self.guard.approval_place}."
            return self._denied(pending, call, outcome.reasons, more)
        parameters = answers.form(call, arguments, outcome.reasons)
        noted = self.guard.decided(self.session, call, outcome)
        if noted.verdict is Verdict.DENY:
            return Step(client=answers.denial(pending.id, noted.reasons, modern=pending.modern), about=pending)
        if pending.modern:
            inner, responses = pending.params.get("requestState"), pending.params.get("inputResponses")
            state = State(
                "ask",
                inner if isinstance(inner, str) else None,
                responses if isinstance(responses, dict) else None,
            )
            sealed = self.sealer.seal(Binding.of(self.session, call, self.guard.policy_digest), state)
            return Step(client=answers.input_required(pending.id, parameters, sealed), about=pending)
        pending.held, pending.bytes, pending.outcome = f"guard-{secrets.token_hex(16)}", raw, outcome
        pending.deadline = self._clock() + self.limits.approval_seconds
        self.pending[pending.id] = self.elicited[pending.held] = pending
        return Step(client=answers.elicitation(pending.held, parameters), about=pending)

    def _notified(self, message: Message) -> Step:
        if message.method == "notifications/cancelled":
            id = message.params.get("requestId")
            known = isinstance(id, (str, int)) and not isinstance(id, bool)
            pending = self.pending.get(id) if known else None  # type: ignore[arg-type]  # what `known` says
            if pending is None:
                return NOTHING
            self.drop(pending, "cancelled by the client")
            if pending.held:
                return NOTHING
            return Step(server=message.raw, about=pending)
        return Step(server=message.raw)

    def _answered(self, message: Message) -> Step:
        if isinstance(message.id, str) and message.id in self.elicited:
            pending = self.elicited.pop(message.id)
            self.pending.pop(pending.id, None)
            assert pending.call is not None  # noqa: S101 - only calls are held
            assert pending.outcome is not None  # noqa: S101 - and what was said of them
            if not answers.approves(message.body.get("result")):
                return self._denied(pending, pending.call, (_REFUSED,))
            return self._lifted(pending, pending.asked or pending.call, pending.outcome)
        if message.id is not None and self.asked.pop(message.id, None) is not None:
            return Step(server=message.raw)
        return NOTHING

    def _lifted(self, pending: Pending, call: ToolCall, asked: Outcome) -> Step:
        # Asked once more, since a person takes his time: whatever was denied meanwhile stays denied.
        now, _ = self.guard.before(self.session, call)
        if now.verdict is Verdict.DENY:
            return self._denied(pending, call, now.reasons)
        pending.held, pending.outcome, pending.approved = "", None, True
        verdict = Verdict.ALLOW if asked.value is None else Verdict.REDACT
        return self._pass(pending, Outcome(verdict, (*asked.reasons, _GIVEN), asked.value), pending.bytes)

    def now(self) -> float:
        """Return the seconds that deadlines are counted in."""
        return self._clock()

    def expire(self, grace: float = 0.0) -> list[Step]:
        """Return what becomes of the requests whose time is over: an answer to the client, a word to the server.

        Args:
            grace: Seconds beyond their time.
        """
        now = self._clock() - grace
        late = [each for each in self.pending.values() if each.deadline <= now]
        return [self.lapse(each) for each in late]

    def lapse(self, pending: Pending) -> Step:
        """Return what becomes of one request whose time is over."""
        self.drop(pending, "no answer in time")
        if pending.held:
            assert pending.call is not None  # noqa: S101 - only calls are held
            return self._denied(pending, pending.call, (_REFUSED,), "Nobody answered in time.")
        said = "the server did not answer in time; what was asked may have been done all the same"
        cancel = {"requestId": pending.id, "reason": "no answer in time"}
        return Step(
            json_bytes({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": cancel}),
            error_answer(pending.id, TIMED_OUT, said),
            pending,
        )

    def fail(self, code: int, why: str) -> list[Step]:
        """Return the answers to all that is open, where the server is gone; nothing is asked a second time."""
        steps = []
        for pending in list(self.pending.values()):
            self.drop(pending, why)
            steps.append(Step(client=error_answer(pending.id, code, why), about=pending))
        self.asked.clear()
        return steps

    def drop(self, pending: Pending, why: str) -> None:
        """Forget a request; checks and observers learn that its call, if it was made, has no answer."""
        self.pending.pop(pending.id, None)
        self.elicited.pop(pending.held, None)
        if pending.call is not None and not pending.held:
            self.guard.after(self.session, pending.call, unanswered(why))
