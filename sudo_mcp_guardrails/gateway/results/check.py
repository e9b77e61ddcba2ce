"""The check that makes results fit to be read: bounded, without what is hidden, without secrets, in an envelope.

Contents of resources and prompts go the same way, as results of ``resources/read`` and ``prompts/get``. Texts of a
prompt stand in no envelope: a person chose it for what it tells the model to do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.call import ALLOWED, Outcome, Reason, Verdict
from sudo_mcp_guardrails.gateway.results.cleaning import Cleaner, TooDeepError
from sudo_mcp_guardrails.gateway.results.content import Content
from sudo_mcp_guardrails.gateway.results.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sudo_mcp_guardrails.gateway.call import Session, ToolCall, ToolResult

_OPAQUE: Final = frozenset({"requestState", "resultType"})
"""What a client hands back as it came; a single changed character would break it, and no model reads it."""


class ResultCheck:
    """Masks secrets in arguments and results, and bounds, cleans and envelops results."""

    name = "results"
    apart = True
    """It looks at the result alone, so a large one is looked at in another thread."""

    def __init__(
        self,
        *,
        limits: Limits | None = None,
        is_free_text: Callable[[str, str], bool] | None = None,
        takes_secrets: Collection[tuple[str, str]] = (),
    ) -> None:
        """Say what applies to which tool.

        Args:
            limits: How much of a result goes on; :class:`Limits` as it is when left out.
            is_free_text: Says of a server and its tool whether anybody may have written texts of its results, as the
                pin's labels do; true of every tool when left out.
            takes_secrets: Servers and tools whose arguments may hold secrets, such as one that stores them.
        """
        self._limits = limits or Limits()
        self._is_free_text = is_free_text or (lambda _server, _tool: True)
        self._takes_secrets = frozenset(takes_secrets)

    def before(self, session: Session, call: ToolCall) -> Outcome:  # noqa: ARG002 - a Check
        """Mask secrets in the arguments."""
        if (call.server, call.tool) in self._takes_secrets:
            return ALLOWED
        cleaner = Cleaner(hidden=False)
        try:
            arguments = cleaner.value(dict(call.arguments))
        except TooDeepError as error:
            return Outcome(Verdict.DENY, (Reason("argument.too-deep", str(error)),))
        if not cleaner.secrets:
            return ALLOWED
        reason = "secrets in the arguments are masked: name where a secret lies instead of its value"
        return Outcome(Verdict.REDACT, (Reason("argument.secret", reason),), arguments)

    def after(self, session: Session, call: ToolCall, result: ToolResult) -> Outcome:  # noqa: ARG002 - a Check
        """Bound, clean and envelop a result."""
        if result.size > self._limits.size:
            text = f"the result has {result.size} bytes, and {self._limits.size} is the limit; ask for less"
            return Outcome(Verdict.DENY, (Reason("result.too-large", text),))
        content = Content(self._limits, Cleaner(), call, envelop=self._is_free_text(call.server, call.tool))
        try:
            body = self._body(result.body, content)
        except TooDeepError as error:
            return Outcome(Verdict.DENY, (Reason("result.too-deep", str(error)),))
        reasons = content.reasons()
        return Outcome(Verdict.REDACT, reasons, body) if reasons else ALLOWED

    @staticmethod
    def _body(body: Any, content: Content) -> dict[str, Any]:  # noqa: ANN401 - JSON
        found: dict[str, Any] = {}
        for name, item in body.items():
            if name in _OPAQUE:
                found[name] = item
            elif name == "content" and isinstance(item, list):
                found[name] = content.blocks(item)
            elif name == "contents" and isinstance(item, list):
                found[name] = content.resources(item)
            elif name == "messages" and isinstance(item, list):
                found[name] = content.messages(item)
            elif name == "error" and isinstance(item, dict):
                found[name] = content.error(item)
            else:
                found[content.cleaner.text(name)] = content.cleaner.value(item)
        return found
