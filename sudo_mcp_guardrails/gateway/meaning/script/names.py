"""What a name may be, from all that binds it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sudo_mcp_guardrails.gateway.meaning.script.folding import Folder
from sudo_mcp_guardrails.gateway.meaning.script.mutation import Mutation
from sudo_mcp_guardrails.gateway.meaning.script.results import elements
from sudo_mcp_guardrails.gateway.meaning.script.values import (
    ABSENT,
    ANYTHING,
    Map,
    Plain,
    Seq,
    is_flat,
    is_plain,
    joined,
)

if TYPE_CHECKING:
    import ast
    from collections.abc import Callable, Mapping

    from sudo_mcp_guardrails.gateway.meaning.script.functions import Functions
    from sudo_mcp_guardrails.gateway.meaning.script.scopes import Binding, Scope, Scopes
    from sudo_mcp_guardrails.gateway.meaning.script.values import (
        Alternatives,
    )

    Env = Mapping[tuple[Scope, str], Alternatives]


class Names:
    """Finds out what names may be.

    Args:
        scopes: Of the script.
        functions: Of the script.

    Attributes:
        folder: What it does so with.
        passed: Says what a function's parameter may be; set by who knows the calls.
    """

    def __init__(self, scopes: Scopes, functions: Functions) -> None:
        """Know nothing yet."""
        self._scopes = scopes
        self.folder = Folder(self.named, lambda name: scopes.bindings(name)[0] is None, scopes.scope_of)
        self._mutation = Mutation(scopes, functions.parameter_of)
        self._bound: dict[tuple[Scope, str], Alternatives] = {}
        self._open: set[tuple[Scope, str]] = set()
        self.passed: Callable[[Binding], Alternatives] = lambda _: ANYTHING

    def named(self, node: ast.Name, env: Env) -> Alternatives:
        """Return what a name may be where it is read."""
        home, _ = self._scopes.bindings(node)
        if home is None:
            return ANYTHING
        always = self.always(home, node.id)
        found = env.get((home, node.id), always)
        if is_plain(found):
            return found
        fresh = all(binding.kind == "assign" for binding in home.names[node.id])
        most = self._updated(home, node.id, always) if fresh else always
        flat = all(isinstance(value, Plain) or is_flat(value) for value in most)
        if not self._mutation.is_safe(home, node.id, flat=flat, updates=fresh):
            return ANYTHING
        return self._updated(home, node.id, found) if fresh else found

    def always(self, home: Scope, name: str) -> Alternatives:
        """Return what a name may be anywhere, as its bindings alone say."""
        key = (home, name)
        if key in self._bound:
            return self._bound[key]
        if key in self._open:
            return ANYTHING
        self._open.add(key)
        try:
            found = joined(*(self._binding(binding) for binding in home.names[name]))
        finally:
            self._open.discard(key)
        self._bound[key] = found
        return found

    def _binding(self, binding: Binding) -> Alternatives:
        if binding.kind == "parameter":
            return self.passed(binding)
        if binding.value is None:
            return ANYTHING
        found = self.folder.value(binding.value, {})
        if binding.kind == "assign":
            return found
        items = elements(found)
        return ANYTHING if items is None else joined(*(unpacked(item, binding.place) for item in items))

    def _updated(self, home: Scope, name: str, found: Alternatives) -> Alternatives:
        """Return what is there when ``name[key] = value`` may have happened, or not."""
        updates = self._mutation.updates(home, name)
        if not updates:
            return found
        key = (home, name)
        if key in self._open:
            return ANYTHING
        self._open.add(key)
        try:
            new = [(self.folder.value(at, {}), self.folder.value(value, {})) for at, value in updates]
        finally:
            self._open.discard(key)
        return joined(*((_with(value, new),) if not isinstance(value, Plain) else (value,) for value in found))


def unpacked(alternatives: Alternatives, place: tuple[int, ...]) -> Alternatives:
    """Return what stands at a place of a value that is taken apart."""
    for number in place:
        parts = []
        for value in alternatives:
            if not isinstance(value, Seq):
                return ANYTHING
            if number < len(value.items):
                parts.append(value.items[number])
        alternatives = joined(*parts)
    return alternatives


def _with(value: object, new: list[tuple[Alternatives, Alternatives]]) -> object:
    """Return a container in which some entries may have been set."""
    if not isinstance(value, Map):
        # An element of a list that is set: nothing is known of any.
        return Seq((ANYTHING,) * len(value.items)) if isinstance(value, Seq) else ANYTHING[0]
    entries, complete = dict(value.entries), value.complete
    for keys, item in new:
        if len(keys) == 1 and isinstance(keys[0], Plain):
            entries[keys[0]] = joined(entries.get(keys[0], (ABSENT,) if complete else ANYTHING), item)
        else:
            entries, complete = dict.fromkeys(entries, ANYTHING), False
    return Map(entries, complete)
