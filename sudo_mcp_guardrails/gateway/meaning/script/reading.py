"""The calls that a script declares."""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.meaning.declared import HOLE, DeclaredCall, Undecidable
from sudo_mcp_guardrails.gateway.meaning.script.allowed import CALL
from sudo_mcp_guardrails.gateway.meaning.script.contexts import Contexts
from sudo_mcp_guardrails.gateway.meaning.script.functions import Functions
from sudo_mcp_guardrails.gateway.meaning.script.grammar import violations
from sudo_mcp_guardrails.gateway.meaning.script.names import Names
from sudo_mcp_guardrails.gateway.meaning.script.parse import NotRead, parse
from sudo_mcp_guardrails.gateway.meaning.script.scopes import Scopes
from sudo_mcp_guardrails.gateway.meaning.script.values import ABSENT, Map, expanded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.gateway.meaning.script.contexts import Context
    from sudo_mcp_guardrails.gateway.meaning.script.values import Alternatives

MAX_CALLS: Final = 512
"""Most calls that a script may declare."""
_MAX_REASONS: Final = 50
_MAX_EACH: Final = 64
_TEXTS: Final = {
    "service_name": ("service", re.compile(r"[a-z][a-z0-9-]{1,62}")),
    "operation_name": ("operation", re.compile(r"[A-Z][A-Za-z0-9]{1,127}")),
    "region_name": ("Region", re.compile(r"[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}")),
}


@dataclass(frozen=True)
class Script:
    """What a script does.

    Attributes:
        calls: All that it may make; only of a script that is decidable are these all.
        undecidable: Why that cannot be told; empty where it can.
    """

    calls: tuple[DeclaredCall, ...]
    undecidable: tuple[Undecidable, ...] = ()


def read_script(code: object) -> Script:
    """Say what a script for ``aws___run_script`` may do, without running it.

    Args:
        code: The script's text.

    Returns:
        The calls. It never raises: what is malformed, too large, or not understood is undecidable, with the reason.
    """
    try:
        tree = parse(code)
        scopes = Scopes(tree)
        reasons = sorted(set(violations(tree, scopes)))[:_MAX_REASONS]
        if reasons:
            return Script((), tuple(reasons))
        return _Reader(tree, scopes).read()
    except NotRead as error:
        return Script((), (error.undecidable,))
    except RecursionError:
        return Script((), (Undecidable(0, "the script is too deep to analyse"),))


class _Reader:
    """Reads the calls of a script that is understood."""

    def __init__(self, tree: ast.Module, scopes: Scopes) -> None:
        functions = Functions(tree, scopes)
        self._names = Names(scopes, functions)
        self._contexts = Contexts(scopes, functions, self._names)
        self._calls = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == CALL
        ]
        self._found: dict[tuple[Any, ...], DeclaredCall] = {}

    def read(self) -> Script:
        reasons: dict[Undecidable, None] = {}
        for node in sorted(self._calls, key=lambda call: (call.lineno, call.col_offset)):
            try:
                self._read(node)
            except NotRead as error:  # noqa: PERF203 - the other calls are told as well
                reasons[Undecidable(node.lineno, error.undecidable.reason)] = None
        return Script(tuple(self._found.values()), tuple(reasons))

    def _read(self, node: ast.Call) -> None:
        if node.args:
            raise NotRead(f"{CALL} has arguments without a name")
        given = {keyword.arg: keyword.value for keyword in node.keywords}
        wrong = next((name for name in given if name is None or name not in {*_TEXTS, "params"}), "")
        if wrong != "":
            raise NotRead(f"{CALL} has the argument {'**' if wrong is None else repr(wrong[:40])}")
        for context in self._contexts.of(node):
            for call in self._declared(node, given, context):
                self._add(call)

    def _declared(self, node: ast.Call, given: dict[str | None, ast.expr], context: Context) -> Iterator[DeclaredCall]:
        env = context.env
        values = {name: self._names.folder.value(value, env) for name, value in given.items()}
        texts = [_known(name, values.get(name)) for name in _TEXTS]
        bodies = list(_bodies(values.get("params", (None,))))
        if len(texts[0]) * len(texts[1]) * len(texts[2]) * len(bodies) > MAX_CALLS:
            raise NotRead(f"{CALL} may be more than {MAX_CALLS} calls")
        for (service, operation, region), (parameters, complete) in product(product(*texts), bodies):
            yield DeclaredCall(service, operation, region, parameters, complete, context.times, node.lineno)

    def _add(self, call: DeclaredCall) -> None:
        """Add a call, or count it where it is there already."""
        text = json.dumps(call.parameters, sort_keys=True, default=repr)
        key = (call.line, call.service, call.operation, call.region, text, call.complete)
        before = self._found.get(key)
        if before is not None:
            times = None if before.at_most is None or call.at_most is None else before.at_most + call.at_most
            call = replace(before, at_most=times)
        elif len(self._found) >= MAX_CALLS:
            raise NotRead(f"the script may make more than {MAX_CALLS} calls")
        self._found[key] = call


def _known(name: str, values: Alternatives | None) -> list[str]:
    """Return what a service, an operation or a Region may be; raises NotRead where nobody knows."""
    what, pattern = _TEXTS[name]
    if what == "Region" and (values is None or values == (None,)):
        return [""]
    if values is None:
        raise NotRead(f"{CALL} has no {name}")
    if HOLE in values:
        raise NotRead(f"the {what} is known only when it runs")
    for value in values:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise NotRead(f"the {what} is none that is allowed")
    return [str(value) for value in values]


def _bodies(values: Alternatives) -> Iterator[tuple[dict[str, Any], bool]]:
    """Yield what the parameters may be, and whether that is all of them."""
    for value in values:
        if value is None:
            yield {}, True
        elif not isinstance(value, Map):
            yield {}, False
        else:
            named = {key: item for key, item in value.entries.items() if isinstance(key, str)}
            for found in expanded(Map({key: _rest(item) for key, item in named.items()}), _MAX_EACH):
                yield found, value.complete and len(named) == len(value.entries)


def _rest(values: Alternatives) -> Alternatives:
    """Return what an entry may be; where it is anything, it may be nothing as well."""
    return (HOLE,) if HOLE in values else values or (ABSENT,)
