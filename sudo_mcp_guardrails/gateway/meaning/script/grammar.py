"""What a script may be made of: the constructs and names that the analysis understands, and nothing else.

The one thing that must hold for all that follows: ``call_boto3`` is reached nowhere but where the script spells it out
as what is called. So it may not be a value, and nothing may be used through which one could come by it: namespaces,
frames, code, modules, classes of one's own, attributes of another name than those that are listed.
"""

from __future__ import annotations

import ast
import builtins
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.gateway.meaning.declared import Undecidable
from sudo_mcp_guardrails.gateway.meaning.script.allowed import ATTRIBUTES, BUILTINS, CALL, MODULES, TYPE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.gateway.meaning.script.scopes import Scopes

_STATEMENTS: Final = (
    *(ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.If, ast.For, ast.While, ast.Try, ast.With),
    *(ast.AsyncWith, ast.AsyncFor, ast.FunctionDef, ast.AsyncFunctionDef, ast.Return, ast.Pass, ast.Break),
    *(ast.Continue, ast.Raise, ast.Assert, ast.Import, ast.ImportFrom, ast.Delete),
)
_EXPRESSIONS: Final = (
    *(ast.Constant, ast.Name, ast.JoinedStr, ast.FormattedValue, ast.BinOp, ast.BoolOp, ast.UnaryOp, ast.Compare),
    *(ast.IfExp, ast.Dict, ast.List, ast.Tuple, ast.Set, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
    *(ast.Subscript, ast.Slice, ast.Attribute, ast.Call, ast.Starred, ast.Await, ast.Lambda, ast.NamedExpr),
)
_PARTS: Final = (
    *(ast.operator, ast.boolop, ast.unaryop, ast.cmpop, ast.expr_context, ast.arguments, ast.arg, ast.keyword),
    *(ast.alias, ast.comprehension, ast.ExceptHandler, ast.withitem),
)
_UNDERSTOOD: Final = (*_STATEMENTS, *_EXPRESSIONS, *_PARTS)
_HARMLESS: Final = frozenset(
    {
        *("ascii", "bin", "bytearray", "callable", "complex", "copyright", "credits", "exit", "hash", "id", "input"),
        *("license", "quit", "Warning"),
    }
)
"""Builtins under whose names a script may keep values of its own, though it may not use the builtins."""
_REACHING: Final = frozenset(dir(builtins)) - BUILTINS - _HARMLESS
"""Builtins that a name of the script's own would stand for wherever it is read before it is bound."""


def violations(tree: ast.Module, scopes: Scopes) -> Iterator[Undecidable]:
    """Yield why a script is not understood."""
    for node in ast.walk(tree):
        if node is tree:
            continue
        reason = _reason(node, scopes)
        if reason:
            yield Undecidable(getattr(node, "lineno", 0), reason)


def _reason(node: ast.AST, scopes: Scopes) -> str:  # noqa: PLR0911 - a table
    if not isinstance(node, _UNDERSTOOD):
        return f"{type(node).__name__} is not understood here"
    if isinstance(node, ast.Name):
        return _name(node, scopes)
    if isinstance(node, ast.Attribute):
        return _attribute(node, scopes)
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return _import(node, scopes)
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return "a decorator is not understood here" if node.decorator_list else _bound(node.name)
    if isinstance(node, ast.arg):
        return _bound(node.arg)
    if isinstance(node, ast.ExceptHandler):
        return _bound(node.name or "")
    if isinstance(node, ast.Call):
        return _call(node)
    if isinstance(node, ast.keyword):
        return "" if node.arg is None else _dunder(node.arg)
    return ""


def _name(node: ast.Name, scopes: Scopes) -> str:  # noqa: PLR0911 - a table
    if not isinstance(node.ctx, ast.Load):
        return _bound(node.id)
    if node.id == CALL:
        around = scopes.parent[node]
        return (
            "" if isinstance(around, ast.Call) and around.func is node else f"{CALL} is used other than by calling it"
        )
    home, bindings = scopes.bindings(node)
    if home is None:
        if node.id == TYPE:
            return "" if _is_looked_at(node, scopes) else "type is used other than to look at it or its name"
        return "" if node.id in BUILTINS else f"name {node.id[:60]!r} is not known here"
    modules = [binding for binding in bindings if binding.kind == "module"]
    if modules and len(bindings) > 1:
        return f"name {node.id[:60]!r} is a module or from one, and something else too"
    if modules and modules[0].module in MODULES and not isinstance(scopes.parent[node], ast.Attribute):
        return f"module {modules[0].module!r} is used other than for what is in it"
    return ""


def _bound(name: str) -> str:
    """Say why a name may not be bound."""
    if name == CALL:
        return f"{CALL} is bound to something else"
    if name in _REACHING:
        return f"builtin {name} is bound to something else"
    return _dunder(name)


def _dunder(name: str) -> str:
    return f"name {name[:60]!r} belongs to Python itself" if name.startswith("__") else ""


def _attribute(node: ast.Attribute, scopes: Scopes) -> str:
    if not isinstance(node.ctx, ast.Load):
        return f"attribute {node.attr[:60]!r} is set or deleted"
    if isinstance(node.value, ast.Name):
        _, bindings = scopes.bindings(node.value)
        module = next((b.module for b in bindings if b.kind == "module" and b.module in MODULES), "")
        if module:
            return "" if node.attr in MODULES[module] else f"{module}.{node.attr[:60]} is not understood here"
    return "" if node.attr in ATTRIBUTES else f"attribute {node.attr[:60]!r} is not understood here"


def _import(node: ast.Import | ast.ImportFrom, scopes: Scopes) -> str:
    if isinstance(node, ast.Import):
        wrong = next((alias.name for alias in node.names if alias.name not in MODULES), None)
    elif node.level or node.module not in MODULES:
        wrong = node.module or "."
    else:
        wrong = next((f"{node.module}.{a.name}" for a in node.names if a.name not in MODULES[node.module]), None)
    if wrong is not None:
        return f"import of {wrong[:60]!r} is not understood here"
    for alias in node.names:
        name = alias.asname or alias.name
        if reason := _bound(name):
            return reason
        if len(scopes.scope_of[node].names[name]) > 1:
            return f"name {name[:60]!r} is imported, and bound to something else too"
    return ""


def _call(node: ast.Call) -> str:
    if isinstance(node.func, ast.Name) and node.func.id == TYPE:
        alone = len(node.args) == 1 and not node.keywords and not isinstance(node.args[0], ast.Starred)
        return "" if alone else "type is called with other than one argument"
    names = [keyword.arg for keyword in node.keywords if keyword.arg is not None]
    return "an argument is given twice" if len(names) != len(set(names)) else ""


def _is_looked_at(node: ast.Name, scopes: Scopes) -> bool:
    """Return whether a use of ``type`` is ``type(x).__name__`` or ``type(x)`` in a comparison."""
    call = scopes.parent[node]
    if not isinstance(call, ast.Call) or call.func is not node:
        return False
    around = scopes.parent[call]
    return isinstance(around, ast.Compare) or (isinstance(around, ast.Attribute) and around.attr == "__name__")
