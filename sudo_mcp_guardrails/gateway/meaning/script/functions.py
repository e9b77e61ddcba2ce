"""The functions of a script: which are only ever called, from where, and with what."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.gateway.meaning.script.scopes import Function, Scope, Scopes


class Functions:
    """Finds the calls of functions.

    Args:
        tree: The script.
        scopes: Its scopes.
    """

    def __init__(self, tree: ast.Module, scopes: Scopes) -> None:
        """Find all functions, and the calls of those that are never handed on."""
        self._scopes = scopes
        self._calls: dict[ast.AST, list[ast.Call]] = {}
        self._inner: dict[ast.AST, Scope] = {}
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                calls = self._called(node)
                if calls is not None:
                    self._calls[node] = calls
                    self._inner[node] = scopes.scope_of[node.body[0]]

    def calls(self, function: ast.AST) -> list[ast.Call] | None:
        """Return all calls of a function; None where it may be called from anywhere."""
        return self._calls.get(function)

    def arguments(self, function: Function, call: ast.Call) -> dict[str | None, ast.expr | None] | None:
        """Return the expression that each parameter gets from a call; None for one that the call does not give.

        Returns:
            None where that cannot be told: a star is used.
        """
        given = function.args
        names = [argument.arg for argument in (*given.posonlyargs, *given.args)]
        if any(isinstance(argument, ast.Starred) for argument in call.args) or any(
            keyword.arg is None for keyword in call.keywords
        ):
            return None
        found: dict[str | None, ast.expr | None] = dict.fromkeys(
            (*names, *(argument.arg for argument in given.kwonlyargs))
        )
        found.update(zip(names, call.args, strict=False))
        by_name = {argument.arg for argument in (*given.args, *given.kwonlyargs)}
        found.update({keyword.arg: keyword.value for keyword in call.keywords if keyword.arg in by_name})
        return found

    def default(self, function: Function, name: str) -> ast.expr | None:
        """Return the default of a parameter; None where it has none."""
        given = function.args
        names = [argument.arg for argument in (*given.posonlyargs, *given.args)]
        defaults = dict(zip(reversed(names), reversed(given.defaults), strict=False))
        for argument, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
            if default is not None:
                defaults[argument.arg] = default
        return defaults.get(name)

    def scope(self, function: ast.AST) -> Scope:
        """Return the scope of a function's body."""
        return self._inner[function]

    def parameter_of(self, call: ast.Call, value: ast.expr) -> tuple[Scope, str] | None:
        """Return which parameter of the script's own function an argument of a call becomes; None where unknown."""
        for function, calls in self._calls.items():
            if call in calls:
                return self._parameter(function, call, value)
        return None

    def _parameter(self, function: ast.AST, call: ast.Call, value: ast.expr) -> tuple[Scope, str] | None:
        if not isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
            return None
        names = [name for name, given in (self.arguments(function, call) or {}).items() if name and given is value]
        return (self._inner[function], names[0]) if len(names) == 1 else None

    def _called(self, function: Function) -> list[ast.Call] | None:
        scope = self._scopes.scope_of[function]
        if len(scope.names[function.name]) != 1:
            return None
        found = list(self._uses(scope, function.name))
        return None if None in found else [call for call in found if call is not None]

    def _uses(self, scope: Scope, name: str) -> Iterator[ast.Call | None]:
        for use in scope.uses.get(name, ()):
            around = self._scopes.parent[use]
            yield around if isinstance(around, ast.Call) and around.func is use else None
