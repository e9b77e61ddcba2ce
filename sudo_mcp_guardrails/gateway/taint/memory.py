"""What a session's results asserted, and what stood in their free text: bounded, and without the text itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.taint.entities import entities, plain
from sudo_mcp_guardrails.gateway.taint.leaves import leaves, matches, written
from sudo_mcp_guardrails.gateway.taint.words import KINDS, nouns_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.gateway.taint.entities import Form
    from sudo_mcp_guardrails.gateway.taint.manifest import Manifest

MOST: Final = 50_000
"""Most values that are kept for a session; what comes beyond is not remembered, and so trusted by nobody."""
LONGEST: Final = 256
_KEY: Final = 80
"""Longest text of a record that the intent may pick it by; what is longer is prose."""
_SENDERS: Final = frozenset({"sender", "author", "from", "owner"})


@dataclass(frozen=True, slots=True)
class Asserted:
    """That a service said a value.

    Attributes:
        kinds: Nouns of what it is, by its field and the tool.
        is_id: Whether its field is an identifier.
        keyed: Whether the record that it stands in is picked by the intent.
        looked_up: Whether the call that brought it had nothing but the intent's values as arguments.
    """

    kinds: frozenset[str]
    is_id: bool
    keyed: bool
    looked_up: bool


@dataclass(slots=True)
class Memory:
    """What is kept for a session.

    Attributes:
        asserted: Values that services said, in small letters.
        found: What can be acted on in free text, to the sources that it was seen in.
        sources: Of each source that the intent names, what it has of each form.
        named: Nouns of which the intent names one that exists.
        tainted: Whether any free text was seen.
        kept: Values that are kept.
    """

    asserted: dict[str, set[Asserted]] = field(default_factory=dict)
    found: dict[tuple[Form, str], set[int]] = field(default_factory=dict)
    sources: dict[int, dict[Form, set[str]]] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)
    tainted: bool = False
    kept: int = 0

    def free(self, text: str, source: int, *, named: bool) -> None:
        """Take note of free text: of what can be acted on in it, where the intent names its source."""
        self.tainted = True
        if not named:
            return
        for form, value in entities(text):
            if self._room():
                self.found.setdefault((form, value), set()).add(source)
                self.sources.setdefault(source, {}).setdefault(form, set()).add(value)
        if self.kept >= MOST:
            # What is unique in a part may not be in the whole.
            self.sources.pop(source, None)

    def say(self, value: str, said: Asserted) -> None:
        """Take note of a value that a service said."""
        if value and len(value) <= LONGEST and self._room():
            self.asserted.setdefault(value.casefold(), set()).add(said)

    def unique(self, form: Form, value: str) -> bool:
        """Tell whether a value is the only one of its form in a source that the intent names."""
        value = plain(form, value)
        return any(self.sources.get(each, {}).get(form) == {value} for each in self.found.get((form, value), ()))

    def _room(self) -> bool:
        self.kept += 1
        return self.kept <= MOST


def remember(  # noqa: PLR0917 - each is needed once
    memory: Memory,
    manifest: Manifest,
    tool: str,
    result: Any,  # noqa: ANN401 - JSON
    free: tuple[tuple[str, ...], ...],
    source: int,
    *,
    looked_up: bool,
) -> None:
    """Take note of a result.

    Args:
        memory: Of the session.
        manifest: What the intent authorizes.
        tool: Name of the tool.
        result: Its structured content.
        free: Paths of its free text.
        source: Number of the call.
        looked_up: Whether all arguments of the call are the intent's.
    """
    of_tool = nouns_of(tool)
    for record in _records(result):
        if memory.kept > MOST:
            # Nothing more is kept, so only whether there was free text is still of interest.
            memory.tainted |= bool(free)
            break
        values = [(path, written(value)) for path, value in leaves(record[1])]
        values = [((*record[0], *path), value) for path, value in values]
        keyed = any(manifest.picks(value) for _, value in [*values, *record[2]] if len(value) <= _KEY)
        for path, value in values:
            if matches(path, free):
                memory.free(value, source, named=looked_up)
                continue
            name = next((part for part in reversed(path) if part != "[]"), "")
            for line in _lines(value):
                # A line of a text is a record of its own; all of a text that lists many is none.
                picked = keyed if path not in {(), ("[]",)} else len(line) <= _KEY and manifest.picks(line)
                _say(memory, manifest, line, _said(name, of_tool, keyed=picked, looked_up=looked_up))
        for _, key in record[2]:
            _say(memory, manifest, key, _said("", of_tool, keyed=keyed, looked_up=looked_up))


def kinds_of(name: str) -> frozenset[str]:
    """Return the nouns that a field or an argument stands for by its name."""
    name = name.rstrip("_")
    return nouns_of(name) | KINDS.get(name, frozenset()) | (KINDS["recipient"] if name in _SENDERS else frozenset())


def is_id(name: str) -> bool:
    """Tell whether a field or an argument is an identifier, by its name."""
    return name.rstrip("_").split("_")[-1] == "id"


def _said(name: str, of_tool: frozenset[str], *, keyed: bool, looked_up: bool) -> Asserted:
    own = is_id(name)
    return Asserted(of_tool if own else kinds_of(name) or of_tool, own, keyed, looked_up)


def _say(memory: Memory, manifest: Manifest, value: str, said: Asserted) -> None:
    memory.say(value, said)
    if not said.is_id and manifest.says(value):
        memory.named |= said.kinds


def _records(value: Any) -> Iterator[tuple[tuple[str, ...], Any, list[tuple[str, str]]]]:  # noqa: ANN401 - JSON
    """Yield the records of a result: its items, the entries of a map, or all of it."""
    if isinstance(value, list):
        for item in value:
            yield ("[]",), item, []
    elif isinstance(value, dict) and _is_map(value):
        for name, item in value.items():
            yield (name,), item, [(name, name)]
    else:
        yield (), value, []


def _is_map(value: dict[str, Any]) -> bool:
    """Tell whether names of an object are data: they are no identifiers of a program."""
    return any(not name.isidentifier() or name != name.casefold() for name in value)


def _lines(value: str) -> Iterator[str]:
    """Yield a text, and each of its lines with and without what stands before a colon."""
    yield value
    if "\n" in value or ": " in value:
        for line in value[:20_000].splitlines():
            yield line.strip()
            yield line.partition(": ")[2].strip()
