"""Scopes, what binds each name in them, and where it is used.

Nothing here follows the order of statements: a name may be whatever any of its bindings makes it. That is more than
what happens, and so misses nothing.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Final

Function = ast.FunctionDef | ast.AsyncFunctionDef
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_COMPREHENSIONS: Final = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True, eq=False)
class Binding:
    """One place that binds a name.

    Attributes:
        kind: ``assign`` (``value`` is the expression), ``loop`` (``value`` is what is iterated over), ``parameter``,
            ``function`` (``owner`` is the definition), ``module`` (``owner`` is the alias) or ``other``.
        node: What binds it.
        value: See above; None where nobody knows.
        place: Under a loop, the indices that lead to the name in a target such as ``for key, (a, b) in …``.
        owner: See above; of a loop the statement or the comprehension's clause.
        module: Of a name from a module, as ``json`` or ``json.dumps``.
    """

    kind: str
    node: ast.AST
    value: ast.expr | None = None
    place: tuple[int, ...] = ()
    owner: ast.AST | None = None
    module: str = ""


@dataclass(eq=False)
class Scope:
    """Where names live: the script, a function, a lambda or a comprehension.

    Attributes:
        node: What opens it.
        parent: The scope around it; None for the script's.
        names: Bindings of each name.
        uses: Places where each name of this scope is read, in this scope or one within.
    """

    node: ast.AST
    parent: Scope | None
    names: dict[str, list[Binding]] = field(default_factory=dict)
    uses: dict[str, list[ast.Name]] = field(default_factory=dict)

    def bind(self, name: str, binding: Binding) -> None:
        """Note a binding."""
        self.names.setdefault(name, []).append(binding)

    def find(self, name: str) -> Scope | None:
        """Return the scope that a name read here belongs to; None for a builtin's or an unknown one."""
        scope: Scope | None = self
        while scope is not None and name not in scope.names:
            scope = scope.parent
        return scope


class Scopes:
    """The scopes of a script.

    Attributes:
        scope_of: Scope in which each node is evaluated.
        parent: Node around each node.
    """

    def __init__(self, tree: ast.Module) -> None:
        """Read them all."""
        self.top = Scope(tree, None)
        self.scope_of: dict[ast.AST, Scope] = {}
        self.parent: dict[ast.AST, ast.AST] = {}
        self._reads: list[ast.Name] = []
        for statement in tree.body:
            self._visit(statement, self.top, tree)
        for name in self._reads:
            home = self.scope_of[name].find(name.id)
            if home is not None:
                home.uses.setdefault(name.id, []).append(name)

    def bindings(self, name: ast.Name) -> tuple[Scope | None, list[Binding]]:
        """Return the scope that a name belongs to, and what binds it there."""
        home = self.scope_of[name].find(name.id)
        return home, (home.names[name.id] if home else [])

    def _visit(self, node: ast.AST, scope: Scope, parent: ast.AST) -> None:
        self.scope_of[node] = scope
        self.parent[node] = parent
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            self._reads.append(node)
        elif isinstance(node, (*_FUNCTIONS, ast.Lambda)):
            self._function(node, scope)
            return
        elif isinstance(node, _COMPREHENSIONS):
            self._comprehension(node, scope)
            return
        self._bind(node, scope)
        for child in ast.iter_child_nodes(node):
            self._visit(child, scope, node)

    def _function(self, node: Function | ast.Lambda, scope: Scope) -> None:
        inner = Scope(node, scope)
        if isinstance(node, _FUNCTIONS):
            scope.bind(node.name, Binding("function", node, owner=node))
        arguments = node.args
        for argument in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs):
            inner.bind(argument.arg, Binding("parameter", argument, owner=node))
        for argument in filter(None, (arguments.vararg, arguments.kwarg)):
            inner.bind(argument.arg, Binding("other", argument))
        body = node.body if isinstance(node.body, list) else [node.body]
        for child in ast.iter_child_nodes(node):
            # Defaults and annotations are evaluated outside.
            self._visit(child, inner if child in body else scope, node)

    def _comprehension(self, node: Comprehension, scope: Scope) -> None:
        inner = Scope(node, scope)
        for number, clause in enumerate(node.generators):
            self.scope_of[clause], self.parent[clause] = inner, node
            self._targets(clause.target, clause, None if clause.is_async else clause.iter, inner)
            self._visit(clause.target, inner, clause)
            # The first iterable is evaluated outside.
            self._visit(clause.iter, inner if number else scope, clause)
            for condition in clause.ifs:
                self._visit(condition, inner, clause)
        elements = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
        for element in elements:
            self._visit(element, inner, node)

    def _bind(self, node: ast.AST, scope: Scope) -> None:  # noqa: C901, PLR0912 - a table
        """Note the names that a statement or a walrus binds."""
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self._assigned(target, node, scope, alone=len(node.targets) == 1)
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            self._assigned(node.target, node, scope, alone=True)
        elif isinstance(node, (ast.For, ast.AsyncFor)):
            known = isinstance(node, ast.For)
            self._targets(node.target, node, node.iter if known else None, scope)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                module = f"{node.module}.{alias.name}" if isinstance(node, ast.ImportFrom) else alias.name
                scope.bind(alias.asname or alias.name, Binding("module", node, owner=alias, module=module))
        elif isinstance(node, ast.ExceptHandler) and node.name:
            scope.bind(node.name, Binding("other", node))
        elif isinstance(node, ast.withitem) and node.optional_vars is not None:
            self._others(node.optional_vars, node, scope)
        elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
            self._others(node.target, node, scope)
        elif isinstance(node, ast.NamedExpr):
            while isinstance(scope.node, _COMPREHENSIONS) and scope.parent is not None:
                scope = scope.parent
            self._others(node.target, node, scope)
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                self._others(target, node, scope)

    def _assigned(self, target: ast.expr, node: ast.Assign | ast.AnnAssign, scope: Scope, *, alone: bool) -> None:
        if isinstance(target, ast.Name) and alone:
            scope.bind(target.id, Binding("assign", node, value=node.value))
        else:
            self._others(target, node, scope)

    def _targets(
        self, target: ast.expr, owner: ast.AST, value: ast.expr | None, scope: Scope, place: tuple[int, ...] = ()
    ) -> None:
        """Note the names of a loop's target."""
        if isinstance(target, ast.Name):
            scope.bind(target.id, Binding("loop", target, value=value, place=place, owner=owner))
        elif isinstance(target, (ast.Tuple, ast.List)) and not any(isinstance(e, ast.Starred) for e in target.elts):
            for number, element in enumerate(target.elts):
                self._targets(element, owner, value, scope, (*place, number))
        else:
            self._others(target, owner, scope)

    def _others(self, target: ast.AST, node: ast.AST, scope: Scope) -> None:
        """Note names that are bound to nobody knows what."""
        for found in ast.walk(target):
            if isinstance(found, ast.Name) and not isinstance(found.ctx, ast.Load):
                scope.bind(found.id, Binding("other", node))
