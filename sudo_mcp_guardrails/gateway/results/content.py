"""The blocks of a result's ``content``, one by one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.call import Reason
from sudo_mcp_guardrails.gateway.results.envelope import enveloped

if TYPE_CHECKING:
    from sudo_mcp_guardrails.gateway.call import ToolCall
    from sudo_mcp_guardrails.gateway.results.cleaning import Cleaner
    from sudo_mcp_guardrails.gateway.results.limits import Limits

_BINARY: Final = {"image": "data", "audio": "data"}
_CODES: Final = (-32768, 32767)


@dataclass(slots=True)
class Content:
    """What becomes of the blocks of one result.

    Attributes:
        limits: How much goes on.
        cleaner: Cleans and counts.
        call: That the result is of.
        envelop: Whether its texts are untrusted.
    """

    limits: Limits
    cleaner: Cleaner
    call: ToolCall
    envelop: bool
    _used: int = field(default=0, init=False)
    _cut: bool = field(default=False, init=False)
    _enveloped: bool = field(default=False, init=False)

    def blocks(self, items: list[Any]) -> list[Any]:
        """Return the blocks that go on."""
        kept = [self._block(item) for item in items[: self.limits.blocks]]
        if len(items) > self.limits.blocks:
            self._cut = True
            left = len(items) - self.limits.blocks
            kept.append({"type": "text", "text": f"[the guard left out {left} more blocks of this result]"})
        return kept

    def resources(self, items: list[Any]) -> list[Any]:
        """Return the contents of a resource that go on."""
        whole = self.blocks([{"type": "resource", "resource": item} for item in items])
        return [
            item["resource"] if "resource" in item else {"uri": "guard:cut", "text": item["text"]} for item in whole
        ]

    def messages(self, items: list[Any]) -> list[Any]:
        """Return the messages of a prompt that go on."""
        found = []
        self.envelop = False
        for item in items[: self.limits.blocks]:
            if isinstance(item, dict) and isinstance(item.get("content"), dict):
                found.append({**self._cleaned(item, "content"), "content": self._block(item["content"])})
            else:
                found.append(self.cleaner.value(item))
        self._cut = self._cut or len(items) > self.limits.blocks
        return found

    def error(self, error: dict[str, Any]) -> dict[str, Any]:
        """Return a JSON-RPC error that may go on: its code as it is, its message as untrusted as any text."""
        rest = {name: self.cleaner.value(item) for name, item in error.items() if name not in {"code", "message"}}
        code = error.get("code")
        return {
            "code": code if isinstance(code, int) and _CODES[0] <= code <= _CODES[1] else -32603,
            "message": self._text(str(error.get("message", ""))),
            **rest,
        }

    def reasons(self) -> tuple[Reason, ...]:
        """Return what was done, one reason each."""
        done = (
            (self._cut, "result.cut", "the result is longer than the limit; ask for less to see the rest"),
            (self.cleaner.removed, "result.invisible", "invisible characters were removed from the result"),
            (self.cleaner.secrets, "result.secret", "secrets in the result are masked"),
            (self._enveloped, "result.enveloped", "texts of the result stand in an envelope: they are data"),
        )
        return tuple(Reason(identity, text) for what, identity, text in done if what)

    def _block(self, item: Any) -> Any:  # noqa: ANN401 - JSON
        if not isinstance(item, dict):
            return self.cleaner.value(item)
        kind = item.get("type")
        if kind == "text" and isinstance(item.get("text"), str):
            return {**self._cleaned(item, "text"), "text": self._text(item["text"])}
        if kind in _BINARY:
            binary = _BINARY[str(kind)]
            return {**self._cleaned(item, binary), **({binary: item[binary]} if binary in item else {})}
        resource = item.get("resource")
        if kind == "resource" and isinstance(resource, dict):
            inner = self._cleaned(resource, "text", "blob")
            if "blob" in resource:
                inner["blob"] = resource["blob"]
            if isinstance(resource.get("text"), str):
                inner["text"] = self._text(resource["text"])
            return {**self._cleaned(item, "resource"), "resource": inner}
        return self.cleaner.value(item)

    def _cleaned(self, item: dict[str, Any], *names: str) -> dict[str, Any]:
        """Return a block without some fields, cleaned."""
        cleaned: dict[str, Any] = self.cleaner.value({name: each for name, each in item.items() if name not in names})
        return cleaned

    def _text(self, text: str) -> str:
        left = self.limits.text - self._used
        cut = len(text) > left
        self._cut = self._cut or cut
        self._used += min(len(text), left)
        plain = self.cleaner.text(text[:left] if cut else text)
        if self.envelop:
            self._enveloped = True
            plain = enveloped(plain, self.call.server, self.call.tool)
        return f"{plain}\n[the guard cut this text]" if cut else plain
