"""The check that nothing acts on what only untrusted text says.

A write must be one that the intent speaks of, and each authority argument must be the intent's, the SOP's, or a
service's own word in a record that the intent picks. Whole values are compared: what untrusted text contains gives no
right, in whatever encoding, and text that matches nothing gives none either. A person can lift it for one call.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.gateway.call import ALLOWED, Outcome, Reason, Verdict
from sudo_mcp_guardrails.gateway.pins.labels import Effect
from sudo_mcp_guardrails.gateway.taint.entities import Form, entities, form_of
from sudo_mcp_guardrails.gateway.taint.facts import Argument, Facts, judged
from sudo_mcp_guardrails.gateway.taint.lattice import STANDARD, Origin
from sudo_mcp_guardrails.gateway.taint.leaves import leaves, matches, parts, unwrapped, written
from sudo_mcp_guardrails.gateway.taint.manifest import manifest_of
from sudo_mcp_guardrails.gateway.taint.memory import Memory, is_id, kinds_of, remember
from sudo_mcp_guardrails.gateway.taint.words import nouns_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from sudo_mcp_guardrails.gateway.call import Session, ToolCall, ToolResult
    from sudo_mcp_guardrails.gateway.pins.labels import Labels
    from sudo_mcp_guardrails.gateway.taint.lattice import Policy
    from sudo_mcp_guardrails.gateway.taint.manifest import Manifest

_STATE: Final = "taint"
_ADVICE: Final = "ask the user, or have a person approve this one call"


@dataclass(slots=True)
class Taint:
    """What the check keeps for a session."""

    manifest: Manifest | None
    memory: Memory = field(default_factory=Memory)


class TaintCheck:
    """Asks a person about calls whose authority is not the user's, the SOP's or a trusted service's."""

    name = "taint"

    def __init__(
        self,
        labels: Callable[[str, str], Labels],
        writing: Collection[str],
        *,
        policy: Policy = STANDARD,
        sop: Callable[[str], str | None] | None = None,
    ) -> None:
        """Say what is known of tools.

        Args:
            labels: Of a server and its tool, as a person reviewed them; see
                :meth:`~sudo_mcp_guardrails.gateway.pins.check.PinCheck.labels`.
            writing: Names of all tools that write.
            policy: How much is asked of a call of a session with an intent or an SOP.
            sop: Returns the text of an SOP by its name; None for one that nobody knows. Left out, an SOP's name alone
                authorizes nothing.
        """
        self._labels = labels
        self._writing = frozenset(writing)
        self._policy = policy
        self._sop = sop

    def taint(self, session: Session) -> Taint:
        """Return what is kept for a session."""
        found = session.state.get(_STATE)
        if not isinstance(found, Taint):
            procedure = self._sop(session.sop) if self._sop and session.sop else None
            said = "\n".join(each for each in (session.intent, procedure) if each)
            found = session.state[_STATE] = Taint(manifest_of(said, self._writing) if said else None)
        return found

    def before(self, session: Session, call: ToolCall) -> Outcome:
        """Judge where the arguments of a call come from."""
        found = judged(self.facts(session, call), self._policy)
        if found is None:
            return ALLOWED
        identity, what, where = found
        reason = Reason(f"taint.{identity}", f"{what}; {_ADVICE}", rule=where[:128], person=True)
        return Outcome(Verdict.ASK, (reason,))

    def after(self, session: Session, call: ToolCall, result: ToolResult) -> Outcome:
        """Take note of what a result asserts and of what is free text in it."""
        taint, labels = self.taint(session), self._labels(call.server, call.tool)
        free = tuple(parts(each) for each in labels.free_text)
        body, memory = result.body, taint.memory
        structured = unwrapped(body.get("structuredContent"))
        if structured is None or "error" in body or body.get("isError"):
            structured, free = [each[1] for each in leaves(body)], (("*",),)
        if taint.manifest is None:
            memory.tainted |= any(matches(path, free) for path, _ in leaves(structured))
            return ALLOWED
        said = [written(value) for _, value in leaves(call.arguments)]
        looked_up = labels.effect is Effect.WRITE or _all_said(taint.manifest, [each for each in said if each])
        remember(memory, taint.manifest, call.tool, structured, free, call.number, looked_up=looked_up)
        return ALLOWED

    def facts(self, session: Session, call: ToolCall) -> Facts:
        """Return what is known of a call, as records have it."""
        labels, taint = self._labels(call.server, call.tool), self.taint(session)
        manifest, memory = taint.manifest, taint.memory
        writes = labels.effect is Effect.WRITE
        guarded = writes or bool(labels.authority)
        if not guarded or manifest is None:
            return Facts(writes, guarded, manifest is not None, memory.tainted)
        found = self._labelled(manifest, memory, call, labels)
        authority = [each for each in found if each.authority]
        low = [each for each in authority if each.origin is Origin.UNTRUSTED]
        return Facts(
            writes,
            guarded,
            intent=True,
            tainted=memory.tainted,
            in_scope=call.tool in manifest.tools,
            delegated=manifest.delegated,
            follows=_follows(manifest, memory, low),
            tied=any(each.origin > Origin.UNTRUSTED for each in authority)
            or any(manifest.says(each.value) or manifest.picks(each.value) for each in found),
            arguments=found,
        )

    def _labelled(self, manifest: Manifest, memory: Memory, call: ToolCall, labels: Labels) -> tuple[Argument, ...]:
        patterns = tuple(parts(each) for each in labels.authority)
        found = []
        for path, value in leaves(call.arguments):
            text = written(value)
            if text:
                is_authority = matches(path, patterns)
                origin = _origin(manifest, memory, call.tool, path, text)
                strange = _strange_link(manifest, memory, text)
                found.append(Argument(_dotted(path), text, origin, is_authority, strange))
        others = [each for each in found if each.authority and each.origin is Origin.INTENT]
        rest = [each for each in found if each.authority and each.origin is not Origin.INTENT]
        if others and len(rest) == 1 and rest[0].origin is Origin.UNTRUSTED:
            form = form_of(rest[0].value)
            if form and memory.unique(form, rest[0].value):
                found[found.index(rest[0])] = Argument(rest[0].path, rest[0].value, Origin.NAMED, authority=True)
        return tuple(found)


def _follows(manifest: Manifest, memory: Memory, low: Collection[Argument]) -> bool:
    """Tell whether a read follows links that the intent asks to follow, each whole as somebody wrote it.

    Such a link carries nothing of the session out: whoever wrote it knows it.
    """
    return manifest.links and all((form, value) in memory.found for form, value in _forms(low))


def _forms(low: Collection[Argument]) -> list[tuple[Form, str]]:
    found = [list(set(entities(each.value))) for each in low]
    return [each[0] if len(each) == 1 and each[0][0] is Form.LINK else (Form.LINK, "") for each in found]


def _origin(manifest: Manifest, memory: Memory, tool: str, path: tuple[str, ...], value: str) -> Origin:
    name = next((part for part in reversed(path) if part != "[]"), "")
    if not (is_id(name) and value.isdigit()) and manifest.says(value):
        return Origin.INTENT
    kinds = (kinds_of(name) or nouns_of(tool)) if is_id(name) else kinds_of(name)
    best = Origin.UNTRUSTED
    for said in memory.asserted.get(value.casefold(), ()):
        if said.is_id != is_id(name):
            continue
        if form_of(value) is None and not said.kinds & kinds:
            continue
        chosen = bool(kinds & manifest.choices)
        if said.keyed or (said.looked_up and (said.is_id or chosen or not kinds & memory.named)):
            return Origin.KEYED
        if chosen:
            best = Origin.SELECTED
    return best


def _strange_link(manifest: Manifest, memory: Memory, value: str) -> bool:
    for form, found in entities(value):
        if form is Form.LINK and (form.value, found) not in manifest.entities:
            return found not in memory.asserted
    return False


def _all_said(manifest: Manifest, values: Collection[str]) -> bool:
    return bool(values) and all(manifest.says(each) for each in values)


def _dotted(path: tuple[str, ...]) -> str:
    return ".".join(path).replace(".[]", "[]")
