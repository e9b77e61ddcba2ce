"""The pump's core, the server's side: what one message of a server does.

A server may be hostile: what nobody asked for is dropped, an answer goes to the one request that has its id, and what
it says of tools, and of itself, is checked before the client sees it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.gateway.call import ToolCall, ToolResult, Verdict
from sudo_mcp_guardrails.gateway.pump import answers
from sudo_mcp_guardrails.gateway.pump.messages import Kind, read
from sudo_mcp_guardrails.gateway.pump.pending import NOTHING, Step
from sudo_mcp_guardrails.gateway.pump.refusals import (
    BUSY,
    REFUSED,
    SERVER_MISBEHAVED,
    RefusedError,
    error_answer,
    json_bytes,
)
from sudo_mcp_guardrails.gateway.pump.sealing import Binding, State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sudo_mcp_guardrails.gateway.call import Outcome, Session
    from sudo_mcp_guardrails.gateway.pump.messages import Message
    from sudo_mcp_guardrails.gateway.pump.pending import Pending, Shared

_log = logging.getLogger(__name__)

_INTRODUCTIONS: Final = frozenset({"initialize", "server/discover"})
_OFFERS: Final = {
    "prompts/list": "prompts",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
}
_CHANGED: Final = "notifications/tools/list_changed"
_TEXTS: Final = frozenset({"resources/read", "prompts/get"})
_TASKS: Final = "tasks/"
_TASK_NOTICES: Final = "notifications/tasks"
_TASK_STATE: Final = "pump.tasks"


class Replies:
    """Half of a :class:`~sudo_mcp_guardrails.gateway.pump.link.Link`; its attributes are documented there.

    Attributes:
        pending: The client's open requests by id.
        asked: The server's open requests by id, and their methods.
        elicited: Calls that are held while a person is asked, by the id of the question.
        dropped: Messages of the server that went nowhere.
        own: Requests of the guard itself, by their id, and what takes their answers.
    """

    def __init__(self, shared: Shared, session: Session) -> None:
        self.guard = shared.guard
        self.session = session
        self.server = shared.server
        self.sealer = shared.sealer
        self.limits = shared.limits
        self.definitions = shared.definitions
        self.pending: dict[str | int, Pending] = {}
        self.asked: dict[str | int, str] = {}
        self.elicited: dict[str, Pending] = {}
        self.dropped = 0
        self.own: dict[str, Callable[[Message], Step]] = {}
        self.looked = shared.looked
        # Of the session and not of the link: by 2026-07-28 each request is a link of its own.
        self._tasks: dict[str, ToolCall] = session.state.setdefault(_TASK_STATE, {})

    def release(self, raw: bytes, only: Pending | None = None) -> Step:
        """Return what a server's message does: nothing of it reaches the client before it was checked.

        Args:
            raw: The message.
            only: The request that an error without an id is about: the one that was posted, over HTTP.
        """
        try:
            message = read(raw, self.limits.depth)
        except RefusedError as error:
            return self.misbehaved(only.id if only is not None else error.id, error.message)
        return self.settle(message, only)

    def settle(self, message: Message, only: Pending | None = None) -> Step:
        """Return what a server's message does, once it is read; see :meth:`release`."""
        if only is not None and message.kind is Kind.ANSWER and message.id is None:
            message.id = only.id
        if message.kind is Kind.ANSWER:
            return self._answer(message)
        if message.kind is Kind.REQUEST:
            return self._asks(message)
        if message.method.startswith(_TASK_NOTICES) and not self._may_tell(message):
            return self._drop()
        if message.method == _CHANGED:
            self.looked.at = float("-inf")
        return Step(client=message.raw)

    def _answer(self, message: Message) -> Step:
        if isinstance(message.id, str) and message.id in self.own:
            return self.own.pop(message.id)(message)
        pending = self.pending.get(message.id) if message.id is not None else None
        if pending is None or pending.held:
            return self._drop()
        del self.pending[pending.id]
        result = message.body.get("result")
        if pending.call is not None:
            return Step(client=self._result(pending, pending.call, message), about=pending)
        if result is not None:
            try:
                return Step(client=self._other(pending, message, result), about=pending)
            except RefusedError as error:
                return Step(client=error_answer(pending.id, error.code, error.message), about=pending)
        return Step(client=message.raw, about=pending)

    def _other(self, pending: Pending, message: Message, result: dict[str, Any]) -> bytes:
        if pending.method == "tools/list":
            return self._listing(message, result)
        if pending.method in _OFFERS:
            return self._offer(message, result, _OFFERS[pending.method])
        if pending.method in _INTRODUCTIONS:
            return self._introduction(pending, message, result)
        if pending.method.startswith(_TASKS):
            return self._task(pending, message, result)
        if pending.method in _TEXTS:
            return self._text(pending, message, result)
        return message.raw

    def _text(self, pending: Pending, message: Message, result: dict[str, Any]) -> bytes:
        # A resource, or a prompt: text of the server for the model, judged as a result of a tool of the method's name.
        outcome = self.guard.after(
            self.session, self.reading(pending), ToolResult(result, len(message.raw)), pending.ready
        )
        if outcome.verdict is Verdict.DENY:
            raise RefusedError(REFUSED, " ".join(each.text for each in outcome.reasons))
        return message.raw if outcome.value is None else _with(message, dict(outcome.value))

    def reading(self, pending: Pending) -> ToolCall:
        """Return what checks are told that a resource or a prompt is the result of."""
        return ToolCall(self.server, pending.method, pending.params, number=0)

    def _result(self, pending: Pending, call: ToolCall, message: Message) -> bytes:
        body = message.body
        result = ToolResult(body["result"] if "result" in body else {"error": body["error"]}, len(message.raw))
        outcome = self.guard.after(self.session, call, result, pending.ready)
        if outcome.verdict is Verdict.DENY:
            return answers.denial(pending.id, outcome.reasons, modern=pending.modern)
        seen = outcome.value
        self._remember_task(call, result.body)
        if pending.approved and result.body.get("resultType") == "input_required":
            # The server asks for more within a call that a person approved: he is not asked again when it goes on.
            seen = dict(result.body if seen is None else seen)
            inner = seen.get("requestState")
            binding = Binding.of(self.session, pending.asked or call, self.guard.policy_digest)
            seen["requestState"] = self.sealer.seal(binding, State("go-on", inner if isinstance(inner, str) else None))
        return message.raw if seen is None else _with(message, dict(seen))

    def _listing(self, message: Message, result: dict[str, Any]) -> bytes:
        tools, seen = self.look(result)
        if seen is tools or list(seen) == tools:
            return message.raw
        return _with(message, {**result, "tools": [dict(each) for each in seen]})

    def look(self, result: Mapping[str, Any]) -> tuple[list[dict[str, Any]], Sequence[Mapping[str, Any]]]:
        """Take note of a page of the server's tools; return them, and those that the client may see.

        Raises:
            RefusedError: It is no such page, or a check refuses it.
        """
        tools = result.get("tools")
        if not isinstance(tools, list) or not all(isinstance(each, dict) for each in tools):
            raise RefusedError(SERVER_MISBEHAVED, "the server's list of tools is not a list of objects")
        names = [each.get("name") for each in tools]
        if not all(isinstance(name, str) and name for name in names) or len(set(names)) != len(names):
            raise RefusedError(SERVER_MISBEHAVED, "the server lists a tool without a name, or two of one name")
        if len(self.definitions.keys() | set(names)) > self.limits.tools:
            raise RefusedError(SERVER_MISBEHAVED, f"the server lists more than {self.limits.tools} tools")
        seen = _asking("list of tools", lambda: self.guard.listed(self.session, self.server, tools))
        for name, tool in zip(names, tools, strict=True):
            if self.definitions.get(name) != tool:  # the same object stays, so that checks know it again at once
                self.definitions[name] = tool
        return tools, seen

    def _offer(self, message: Message, result: dict[str, Any], kind: str) -> bytes:
        items = result.get(kind)
        if not self.guard.offers:
            return message.raw
        if not isinstance(items, list) or not all(isinstance(each, dict) for each in items):
            raise RefusedError(SERVER_MISBEHAVED, f"the server's list of {kind} is not a list of objects")
        seen = _asking(f"list of {kind}", lambda: self.guard.offered(self.session, self.server, kind, items))
        if list(seen) == items:
            return message.raw
        return _with(message, {**result, kind: [dict(each) for each in seen]})

    def _introduction(self, pending: Pending, message: Message, result: dict[str, Any]) -> bytes:
        asked = pending.params.get("protocolVersion") if pending.method == "initialize" else ""
        said = asked if isinstance(asked, str) else ""
        outcome = _asking("introduction", lambda: self.guard.introduced(self.session, self.server, result, said))
        if outcome.verdict in {Verdict.ASK, Verdict.DENY}:
            raise RefusedError(REFUSED, "the server is refused: " + " ".join(each.text for each in outcome.reasons))
        return message.raw if outcome.value is None else _with(message, dict(outcome.value))

    def _remember_task(self, call: ToolCall, body: Mapping[str, Any]) -> None:
        # A task's result comes later, and is a tool's result all the same.
        task = body.get("task", body)
        id = task.get("taskId") if isinstance(task, dict) else None
        if isinstance(id, str) and len(self._tasks) < self.limits.tools:
            self._tasks[id] = call

    def _task(self, pending: Pending, message: Message, result: dict[str, Any]) -> bytes:
        late = result if pending.method == "tasks/result" else result.get("result")
        if not isinstance(late, dict):
            return message.raw
        outcome = self._judged(pending.params.get("taskId"), late, len(message.raw))
        if outcome is None:
            raise RefusedError(REFUSED, "the task is not one of a call that went through this guard")
        if outcome.verdict is Verdict.DENY:
            if late is result:
                return answers.denial(pending.id, outcome.reasons, modern=pending.modern)
            raise RefusedError(REFUSED, " ".join(each.text for each in outcome.reasons))
        if outcome.value is None:
            return message.raw
        return _with(message, dict(outcome.value) if late is result else {**result, "result": dict(outcome.value)})

    def _may_tell(self, message: Message) -> bool:
        late = message.params.get("result")
        if not isinstance(late, dict):
            return True
        outcome = self._judged(message.params.get("taskId"), late, len(message.raw))
        # What a check would change is not told: the client fetches it by `tasks/get`.
        return outcome is not None and outcome.verdict is Verdict.ALLOW

    def _judged(self, task: object, late: dict[str, Any], size: int) -> Outcome | None:
        call = self._tasks.get(task) if isinstance(task, str) else None
        return None if call is None else self.guard.after(self.session, call, ToolResult(late, size))

    def _asks(self, message: Message) -> Step:
        assert message.id is not None  # noqa: S101 - a request has one
        if message.id in self.asked or message.id in self.elicited:
            return self._drop()
        if len(self.asked) >= self.limits.pending:
            return Step(server=error_answer(message.id, BUSY, f"{self.limits.pending} requests are open"))
        self.asked[message.id] = message.method
        return Step(client=message.raw)

    def misbehaved(self, id: str | int | None, why: str) -> Step:
        """Return what becomes of a request whose answer is none."""
        pending = self.pending.get(id) if id is not None else None
        if pending is None or pending.held:
            return self._drop()
        del self.pending[pending.id]
        said = f"the server's answer is refused: {why}; what was asked may have been done all the same"
        if pending.call is not None:
            self.guard.after(self.session, pending.call, ToolResult({"error": {"message": said}}, 0))
        return Step(client=error_answer(pending.id, SERVER_MISBEHAVED, said), about=pending)

    def _drop(self) -> Step:
        self.dropped += 1
        return NOTHING


def _with(message: Message, body: dict[str, Any]) -> bytes:
    """Return an answer with another body; ``{"error": …}`` where it was an error."""
    if "error" in message.body:
        return json_bytes({**message.body, **body})
    return json_bytes({**message.body, "result": body})


def _asking(what: str, check: Any) -> Any:  # noqa: ANN401 - what the check returns
    try:
        return check()
    except GuardrailsError as error:
        raise RefusedError(REFUSED, f"the server's {what} is refused: {error}") from error
    except Exception as error:
        _log.exception("a check of the server's %s failed, which refuses it", what)
        raise RefusedError(REFUSED, f"the server's {what} is refused: a check failed") from error
