"""Under which circumstances a call is made: once for each turn of the loops around it and each call of its function.

What loops over a list that is written down gives its names one value a turn; what a function is called with gives its
parameters one value a call. So ``for service, operation in [...]`` declares the pairs, and not every combination.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.gateway.meaning.script.names import unpacked
from sudo_mcp_guardrails.gateway.meaning.script.results import elements
from sudo_mcp_guardrails.gateway.meaning.script.values import ANYTHING, joined

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sudo_mcp_guardrails.gateway.meaning.script.functions import Functions
    from sudo_mcp_guardrails.gateway.meaning.script.names import Names
    from sudo_mcp_guardrails.gateway.meaning.script.scopes import Binding, Function, Scope, Scopes
    from sudo_mcp_guardrails.gateway.meaning.script.values import Alternatives

MAX_CONTEXTS: Final = 256
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
_COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(frozen=True)
class Context:
    """One way in which the script comes to a place.

    Attributes:
        passed: Values of the function's parameters, which it keeps as long as it runs.
        turn: Values of names in the loops around the place, for one turn.
        times: How often at most; None where nobody can tell.
    """

    passed: Mapping[tuple[Scope, str], Alternatives] = field(default_factory=dict)
    turn: Mapping[tuple[Scope, str], Alternatives] = field(default_factory=dict)
    times: int | None = 1

    @property
    def env(self) -> dict[tuple[Scope, str], Alternatives]:
        """All that is known of names."""
        return {**self.passed, **self.turn}


_SOMEHOW: Final = (Context(times=None),)


class Contexts:
    """Finds the contexts of calls.

    Args:
        scopes: Of the script.
        functions: Of the script.
        names: Of the script; told what parameters may be.
    """

    def __init__(self, scopes: Scopes, functions: Functions, names: Names) -> None:
        """Know nothing yet."""
        self._scopes = scopes
        self._functions = functions
        self._names = names
        self._entered: dict[ast.AST, tuple[Context, ...]] = {}
        self._open: set[ast.AST] = set()
        names.passed = self._passed

    def of(self, node: ast.AST) -> tuple[Context, ...]:
        """Return the contexts in which an expression is evaluated; none where it never is."""
        way: list[tuple[ast.AST, ast.AST]] = []
        child = node
        while (around := self._scopes.parent.get(child)) is not None:
            way.append((around, child))
            if isinstance(around, _FUNCTIONS) and child in around.body:
                break
            if isinstance(around, ast.Lambda) and child is around.body:
                return _SOMEHOW
            child = around
        start = way[-1][0]
        contexts = self._entering(start) if isinstance(start, _FUNCTIONS) else (Context(),)
        for around, inside in reversed(way):
            contexts = tuple(self._before(around, inside, contexts))
            contexts = tuple(self._turns(around, inside, contexts))
            if len(contexts) > MAX_CONTEXTS:
                # Every name may then be whatever its bindings say.
                contexts = _SOMEHOW
        return contexts

    def _before(self, around: ast.AST, inside: ast.AST, contexts: tuple[Context, ...]) -> Iterator[Context]:
        """Add what was assigned before, in the same block: it holds for the same turn."""
        block = next((found for _, found in ast.iter_fields(around) if isinstance(found, list) and inside in found), [])
        made = (
            [found for statement in block[: block.index(inside)] if (found := self._made(statement))] if block else []
        )
        for context in contexts:
            turn = dict(context.turn)
            if context.env:
                for scope, name, value in made:
                    turn[scope, name] = self._names.folder.value(value, {**context.passed, **turn})
            yield replace(context, turn=turn)

    def _made(self, statement: ast.AST) -> tuple[Scope, str, ast.expr] | None:
        """Return what a statement assigns to a name that nothing else binds."""
        if not isinstance(statement, (ast.Assign, ast.AnnAssign)):
            return None
        scope = self._scopes.scope_of[statement]
        for name, bindings in scope.names.items():
            binding = bindings[0]
            if binding.node is statement and binding.kind == "assign" and len(bindings) == 1 and binding.value:
                return scope, name, binding.value
        return None

    def _turns(self, around: ast.AST, inside: ast.AST, contexts: tuple[Context, ...]) -> Iterator[Context]:
        """Take the loops between a node and its child."""
        loops: list[ast.For | ast.comprehension] = []
        endless = isinstance(around, (ast.While, ast.AsyncFor))
        if (isinstance(around, ast.For) and inside in around.body) or (
            isinstance(around, ast.comprehension) and inside in around.ifs
        ):
            loops = [around]
        elif isinstance(around, _COMPREHENSIONS):
            clauses = around.generators
            loops = [*(clauses[: clauses.index(inside)] if isinstance(inside, ast.comprehension) else clauses)]
            if isinstance(around, ast.GeneratorExp):
                # It may run later, when loops around it have gone on.
                contexts = tuple(replace(context, turn={}) for context in contexts)
        endless |= any(isinstance(loop, ast.comprehension) and loop.is_async for loop in loops)
        if endless:
            contexts = tuple(replace(context, times=None) for context in contexts)
        for loop in loops:
            contexts = tuple(found for context in contexts for found in self._turned(loop, context))
            if len(contexts) > MAX_CONTEXTS:
                contexts = _SOMEHOW
        yield from contexts

    def _turned(self, loop: ast.For | ast.comprehension, context: Context) -> Iterator[Context]:
        """Yield one context a turn of a loop."""
        is_async = isinstance(loop, ast.comprehension) and loop.is_async
        items = None if is_async else elements(self._names.folder.value(loop.iter, context.env))
        if items is None:
            yield replace(context, times=None)
            return
        scope = self._scopes.scope_of[loop]
        places = {
            name: bindings[0].place
            for name, bindings in scope.names.items()
            if len(bindings) == 1 and bindings[0].kind == "loop" and bindings[0].owner is loop
        }
        for item in items:
            found = {(scope, name): unpacked(item, place) for name, place in places.items()}
            yield replace(context, turn={**context.turn, **found})

    def _entering(self, function: Function) -> tuple[Context, ...]:
        """Return one context a call of a function."""
        if function in self._entered:
            return self._entered[function]
        calls = self._functions.calls(function)
        if calls is None or function in self._open:
            return _SOMEHOW
        self._open.add(function)
        try:
            found = tuple(
                Context(self._given(function, call, context), times=context.times)
                for call in calls
                for context in self.of(call)
            )
        finally:
            self._open.discard(function)
        self._entered[function] = found if len(found) <= MAX_CONTEXTS else _SOMEHOW
        return self._entered[function]

    def _given(self, function: Function, call: ast.Call, context: Context) -> dict[tuple[Scope, str], Alternatives]:
        """Return what a call gives to the parameters that nothing else binds."""
        scope = self._functions.scope(function)
        arguments = self._functions.arguments(function, call)
        found: dict[tuple[Scope, str], Alternatives] = {}
        for name, bindings in scope.names.items():
            if bindings[0].kind != "parameter" or len(bindings) != 1:
                continue
            value = None if arguments is None else arguments.get(name)
            if arguments is None:
                found[scope, name] = ANYTHING
            elif value is not None:
                found[scope, name] = self._names.folder.value(value, context.env)
            else:
                default = self._functions.default(function, name)
                found[scope, name] = ANYTHING if default is None else self._names.folder.value(default, {})
        return found

    def _passed(self, binding: Binding) -> Alternatives:
        """Return what a parameter may be in any call."""
        function = binding.owner
        if not isinstance(function, _FUNCTIONS) or function in self._open:
            return ANYTHING
        name = binding.node.arg if isinstance(binding.node, ast.arg) else ""
        key = (self._scopes.scope_of[function.body[0]], name)
        return joined(*(context.passed.get(key, ANYTHING) for context in self._entering(function)))
