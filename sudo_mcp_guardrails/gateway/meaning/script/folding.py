"""What expressions may be, without running anything."""

from __future__ import annotations

import ast
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.meaning.declared import HOLE
from sudo_mcp_guardrails.gateway.meaning.script.parse import NotRead
from sudo_mcp_guardrails.gateway.meaning.script.results import called, elements, method
from sudo_mcp_guardrails.gateway.meaning.script.values import (
    ABSENT,
    ANYTHING,
    MAX_ALTERNATIVES,
    MAX_TEXT,
    Map,
    Plain,
    Seq,
    joined,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sudo_mcp_guardrails.gateway.meaning.script.scopes import Scope
    from sudo_mcp_guardrails.gateway.meaning.script.values import (
        Alternatives,
    )

MAX_STEPS: Final = 200_000
_MAX_NUMBER: Final = 1 << 63
_FLAGS: Final[Alternatives] = (True, False)


class Folder:
    """Finds out what expressions may be.

    Args:
        named: Says what a name may be, given the environment.
        is_builtin: Says whether a name is a builtin's, and not one of the script's own.
        scope_of: Scope in which each node is evaluated.
    """

    def __init__(
        self,
        named: Callable[[ast.Name, Mapping[tuple[Scope, str], Alternatives]], Alternatives],
        is_builtin: Callable[[ast.Name], bool],
        scope_of: Mapping[ast.AST, Scope],
    ) -> None:
        """Start with all steps left."""
        self._named = named
        self._is_builtin = is_builtin
        self._scope_of = scope_of
        self._steps = 0

    def step(self, count: int = 1) -> None:
        """Count work done; raises NotRead where it becomes too much."""
        self._steps += count
        if self._steps > MAX_STEPS:
            raise NotRead("the script takes too many steps to analyse")

    def value(self, node: ast.expr, env: Mapping[tuple[Scope, str], Alternatives]) -> Alternatives:
        """Return what an expression may be.

        Args:
            node: The expression.
            env: What names are known to be where it is evaluated, beside what their bindings say.
        """
        self.step()
        found = getattr(self, f"_{type(node).__name__.lower()}", None)
        return ANYTHING if found is None else found(node, env)

    def _name(self, node: ast.Name, env: Any) -> Alternatives:  # noqa: ANN401 - as the others
        return self._named(node, env)

    def _constant(self, node: ast.Constant, _env: object) -> Alternatives:
        if isinstance(node.value, (str, bytes)) and len(node.value) > MAX_TEXT:
            return ANYTHING
        return (node.value,) if isinstance(node.value, Plain) else ANYTHING

    def _ifexp(self, node: ast.IfExp, env: Any) -> Alternatives:  # noqa: ANN401
        return joined(self.value(node.body, env), self.value(node.orelse, env))

    def _boolop(self, node: ast.BoolOp, env: Any) -> Alternatives:  # noqa: ANN401
        return joined(*(self.value(item, env) for item in node.values))

    def _compare(self, _node: ast.Compare, _env: object) -> Alternatives:
        return _FLAGS

    def _unaryop(self, node: ast.UnaryOp, env: Any) -> Alternatives:  # noqa: ANN401
        if isinstance(node.op, ast.Not):
            return _FLAGS
        found = self.value(node.operand, env)
        if isinstance(node.op, ast.USub) and all(type(value) in {int, float} for value in found):
            return tuple(-value for value in found)
        return ANYTHING

    def _joinedstr(self, node: ast.JoinedStr, env: Any) -> Alternatives:  # noqa: ANN401
        texts: Alternatives = ("",)
        for part in node.values:
            more = self.value(part, env)
            if HOLE in more or not all(isinstance(value, str) for value in more):
                return ANYTHING
            texts = _combined(texts, more)
        return texts

    def _formattedvalue(self, node: ast.FormattedValue, env: Any) -> Alternatives:  # noqa: ANN401
        found = self.value(node.value, env)
        # Texts, whole numbers, flags and None are written alike everywhere.
        simple = all(value is None or isinstance(value, (str, int)) for value in found)
        plain = node.format_spec is None and node.conversion in {-1, ord("s")}
        return tuple(str(value) for value in found) if simple and plain else ANYTHING

    def _binop(self, node: ast.BinOp, env: Any) -> Alternatives:  # noqa: ANN401
        left, right = self.value(node.left, env), self.value(node.right, env)
        if len(left) * len(right) > MAX_ALTERNATIVES:
            return ANYTHING
        return joined(*(_operated(node.op, one, other) for one, other in product(left, right)))

    def _list(self, node: ast.List | ast.Tuple, env: Any) -> Alternatives:  # noqa: ANN401
        items: list[Alternatives] = []
        for element in node.elts:
            if isinstance(element, ast.Starred):
                more = elements(self.value(element.value, env))
                if more is None:
                    return ANYTHING
                items += more
            else:
                items.append(self.value(element, env))
        return (Seq(tuple(items), fixed=isinstance(node, ast.Tuple)),)

    _tuple = _list

    def _set(self, node: ast.Set, env: Any) -> Alternatives:  # noqa: ANN401
        (found,) = self._list(node, env)  # type: ignore[arg-type] # a set has elements as well
        return called("set", [(found,)], named=False)

    def _dict(self, node: ast.Dict, env: Any) -> Alternatives:  # noqa: ANN401
        entries: dict[Any, Alternatives] = {}
        complete = True
        for key, value in zip(node.keys, node.values, strict=True):
            found = self.value(value, env)
            names = ANYTHING if key is None else self.value(key, env)
            if key is None and len(found) == 1 and isinstance(found[0], Map):
                complete &= found[0].complete
                if not found[0].complete:
                    entries = dict.fromkeys(entries, ANYTHING)
                for name, item in found[0].entries.items():
                    rest = tuple(one for one in item if one is not ABSENT)
                    entries[name] = joined(entries.get(name, (ABSENT,)), rest) if ABSENT in item else item
            elif key is not None and len(names) == 1 and isinstance(names[0], Plain):
                entries[names[0]] = found
            else:
                entries, complete = dict.fromkeys(entries, ANYTHING), False
        return (Map(entries, complete),)

    def _listcomp(self, node: ast.ListComp, env: Any) -> Alternatives:  # noqa: ANN401
        clause = node.generators[0]
        simple = len(node.generators) == 1 and not clause.ifs and not clause.is_async
        items = elements(self.value(clause.iter, env)) if simple and isinstance(clause.target, ast.Name) else None
        if items is None or not isinstance(clause.target, ast.Name):
            return ANYTHING
        inner = self._scope_of[clause]
        if len(inner.names[clause.target.id]) != 1:
            return ANYTHING
        return (Seq(tuple(self.value(node.elt, {**env, (inner, clause.target.id): item}) for item in items)),)

    def _subscript(self, node: ast.Subscript, env: Any) -> Alternatives:  # noqa: ANN401
        if isinstance(node.slice, ast.Slice):
            return ANYTHING
        holders, keys = self.value(node.value, env), self.value(node.slice, env)
        if len(holders) * len(keys) > MAX_ALTERNATIVES:
            return ANYTHING
        return joined(*(_item(holder, key) for holder, key in product(holders, keys)))

    def _call(self, node: ast.Call, env: Any) -> Alternatives:  # noqa: ANN401
        if any(isinstance(argument, ast.Starred) for argument in node.args):
            return ANYTHING
        if isinstance(node.func, ast.Name) and self._is_builtin(node.func):
            if node.func.id == "dict" and not node.args:
                keys: list[ast.expr | None] = [ast.Constant(k.arg) if k.arg else None for k in node.keywords]
                return self._dict(ast.Dict(keys, [k.value for k in node.keywords]), env)
            arguments = [self.value(argument, env) for argument in node.args]
            return called(node.func.id, arguments, named=bool(node.keywords))
        if isinstance(node.func, ast.Attribute) and not node.keywords:
            holders = self.value(node.func.value, env)
            if HOLE in holders:
                return ANYTHING
            arguments = [self.value(argument, env) for argument in node.args]
            return joined(*(method(holder, node.func.attr, arguments) for holder in holders))
        return ANYTHING


def _combined(first: Alternatives, second: Alternatives) -> Alternatives:
    """Return the texts that two may make together."""
    if len(first) * len(second) > MAX_ALTERNATIVES:
        return ANYTHING
    texts = tuple(dict.fromkeys(one + other for one, other in product(first, second)))
    return ANYTHING if any(len(text) > MAX_TEXT for text in texts) else texts


def _operated(operator: ast.operator, one: Any, other: Any) -> Alternatives:  # noqa: ANN401
    """Return what an operator makes of two values."""
    if isinstance(operator, ast.Add):
        if isinstance(one, str) and isinstance(other, str):
            return _combined((one,), (other,))
        if isinstance(one, Seq) and isinstance(other, Seq) and len(one.items) + len(other.items) <= MAX_TEXT:
            return (Seq((*one.items, *other.items), fixed=one.fixed and other.fixed),)
    if isinstance(operator, (ast.Add, ast.Sub)) and type(one) is int and type(other) is int:
        total = one + other if isinstance(operator, ast.Add) else one - other
        return (total,) if abs(total) < _MAX_NUMBER else ANYTHING
    if isinstance(operator, ast.BitOr) and isinstance(one, Map) and isinstance(other, Map):
        entries = dict(one.entries) if other.complete else dict.fromkeys(one.entries, ANYTHING)
        for name, item in other.entries.items():
            rest = tuple(each for each in item if each is not ABSENT)
            entries[name] = joined(entries.get(name, (ABSENT,)), rest) if ABSENT in item else item
        return (Map(entries, one.complete and other.complete),)
    return ANYTHING


def _item(holder: Any, key: Any) -> Alternatives:  # noqa: ANN401
    """Return what an element of a container may be; nothing where there is none, since that raises."""
    if isinstance(holder, Map) and isinstance(key, Plain):
        if key in holder.entries:
            return tuple(value for value in holder.entries[key] if value is not ABSENT)
        return () if holder.complete else ANYTHING
    if isinstance(holder, Seq) and isinstance(key, int):
        return holder.items[key] if -len(holder.items) <= key < len(holder.items) else ()
    return ANYTHING
