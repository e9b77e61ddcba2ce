"""Whether what a name holds may be changed, or had under another name, by any of its uses.

A dictionary that is written down in a script is what it says as long as nobody changes it. So each use of a name that
holds one is looked at: what only reads it, and hands it to nobody who could change it, is safe; all else is not, and
then nothing is known of it. One way of changing is understood: ``name[key] = value``.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.gateway.meaning.script.allowed import CALL, PURE, READING

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.gateway.meaning.script.scopes import Scope, Scopes

_SHOWING: Final = frozenset({"any", "all", "bool", "format", "isinstance", "len", "print", "repr", "str"})
"""Builtins that return nothing of what they are given."""
_TAKING: Final = frozenset({"difference", "extend", "intersection", "isdisjoint", "issubset", "union", "update"})
"""Methods that take the elements of their argument."""
_DISPLAYS: Final = (ast.Dict, ast.List, ast.Tuple, ast.BoolOp, ast.IfExp)


class Mutation:
    """Judges the uses of names.

    Args:
        scopes: Of the script.
        parameter_of: Says which (scope, parameter) an argument of a call becomes; None where nobody knows.
    """

    def __init__(self, scopes: Scopes, parameter_of: Callable[[ast.Call, ast.expr], tuple[Scope, str] | None]) -> None:
        """Know nothing yet."""
        self._scopes = scopes
        self._parameter_of = parameter_of
        self._known: dict[tuple[Scope, str, bool, bool], bool] = {}
        self._assumed: set[tuple[Scope, str, bool, bool]] = set()

    def is_safe(self, scope: Scope, name: str, *, flat: bool, updates: bool) -> bool:
        """Return whether no use of a name changes what it holds, or lets anybody else do so.

        Args:
            scope: Where the name lives.
            name: The name.
            flat: Whether nothing in it can be changed in place.
            updates: Whether ``name[key] = value`` is accounted for.
        """
        key = (scope, name, flat, updates)
        if key in self._known:
            return self._known[key]
        if key in self._assumed:
            return True
        outermost = not self._assumed
        self._assumed.add(key)
        found = all(self._is_safe(use, flat=flat, updates=updates) for use in scope.uses.get(name, ()))
        if not found:
            self._known[key] = False
        if outermost:
            # All that was assumed on the way holds together or not at all: one unsafe use makes all before it unsafe.
            if found:
                self._known.update(dict.fromkeys(self._assumed, True))
            self._assumed.clear()
        return found

    def updates(self, scope: Scope, name: str) -> list[tuple[ast.expr, ast.expr]]:
        """Return key and value of each ``name[key] = value``."""
        found = []
        for use in scope.uses.get(name, ()):
            holder = self._scopes.parent[use]
            if isinstance(holder, ast.Subscript) and holder.value is use and self._is_update(holder):
                found.append((holder.slice, self._scopes.parent[holder].value))  # type: ignore[attr-defined]
        return found

    def _is_update(self, node: ast.Subscript) -> bool:
        around = self._scopes.parent[node]
        return isinstance(around, ast.Assign) and around.targets == [node] and not isinstance(node.slice, ast.Slice)

    def _is_safe(self, node: ast.expr, *, flat: bool, updates: bool = False) -> bool:  # noqa: C901, PLR0911 - a table
        """Return whether an object is safe where an expression hands it on."""
        around = self._scopes.parent[node]
        if isinstance(around, ast.keyword):
            return self._in_call(node, around, flat=flat)
        if isinstance(around, ast.Call):
            return around.func is not node and self._in_call(node, None, flat=flat)
        if isinstance(around, ast.Subscript):
            return self._in_subscript(node, around, flat=flat, updates=updates)
        if isinstance(around, ast.Attribute):
            return self._in_method(around, flat=flat)
        if isinstance(around, (ast.FormattedValue, ast.Compare, ast.UnaryOp, ast.Expr, ast.While, ast.If, ast.Assert)):
            return True
        if isinstance(around, ast.IfExp) and around.test is node:
            return True
        if isinstance(around, ast.Dict) and None in around.keys and node in around.values:
            number = around.values.index(node)
            if around.keys[number] is None:
                return flat
        if isinstance(around, _DISPLAYS):
            return self._is_safe(around, flat=flat and isinstance(around, (ast.BoolOp, ast.IfExp)))
        if isinstance(around, (ast.For, ast.comprehension)):
            return around.iter is not node or flat or self._targets_are_safe(around.target)
        if isinstance(around, ast.Return):
            return self._scopes.scope_of[around] is self._scopes.top
        if isinstance(around, (ast.BinOp, ast.AugAssign, ast.Starred)):
            return flat
        return False

    def _in_call(  # noqa: PLR0911 - a table
        self, node: ast.expr, keyword: ast.keyword | None, *, flat: bool
    ) -> bool:
        call = self._scopes.parent[keyword or node]
        if not isinstance(call, ast.Call):
            return False
        function = call.func
        if keyword is not None and keyword.arg is None:
            # Two stars hand on the entries, in a new dictionary.
            return flat
        if isinstance(function, ast.Name):
            if function.id == CALL:
                return keyword is not None
            if self._scopes.bindings(function)[0] is None:
                return keyword is None and self._in_builtin(function.id, call, flat=flat)
        elif isinstance(function, ast.Attribute):
            if self._module(function) == "json.dumps" or function.attr in {"format", "join"}:
                return keyword is None
            return flat and keyword is None and function.attr in _TAKING and len(call.args) == 1
        parameter = self._parameter_of(call, node)
        return parameter is not None and self.is_safe(*parameter, flat=flat, updates=False)

    @staticmethod
    def _in_builtin(name: str, call: ast.Call, *, flat: bool) -> bool:
        if name in _SHOWING:
            return True
        alone = len(call.args) == 1 or name == "zip"
        return flat and name in PURE and alone

    def _module(self, function: ast.Attribute) -> str:
        if not isinstance(function.value, ast.Name):
            return ""
        _, bindings = self._scopes.bindings(function.value)
        return f"{bindings[0].module}.{function.attr}" if len(bindings) == 1 else ""

    def _in_subscript(self, node: ast.expr, around: ast.Subscript, *, flat: bool, updates: bool) -> bool:
        if around.value is not node:
            return True
        if isinstance(around.ctx, ast.Load):
            return flat or self._is_safe(around, flat=flat)
        return updates and self._is_update(around)

    def _in_method(self, around: ast.Attribute, *, flat: bool) -> bool:
        call = self._scopes.parent[around]
        called = isinstance(call, ast.Call) and call.func is around
        return called and around.attr in READING and (flat or around.attr in {"count", "index", "keys"})

    def _targets_are_safe(self, target: ast.expr) -> bool:
        """Return whether what a loop takes out of a container is safe under the loop's own names."""
        for found in ast.walk(target):
            if isinstance(found, ast.Name):
                scope = self._scopes.scope_of[found].find(found.id)
                if scope is None or not self.is_safe(scope, found.id, flat=False, updates=False):
                    return False
            elif not isinstance(found, (ast.Tuple, ast.List, ast.expr_context)):
                return False
        return True
