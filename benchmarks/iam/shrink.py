"""From a case in which two implementations differ to the smallest one in which they still do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.iam.evaluate import Layers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.iam.generate import Case

_Part = TypeVar("_Part", Layers, Statement)

_ROUNDS: Final = 60
_LISTS: Final = ("actions", "not_actions", "resources", "not_resources", "principals", "not_principals")


def shrink(case: Case, differ: Callable[[Sequence[Case]], list[bool]]) -> Case:
    """Return the smallest case found by leaving out one part after another.

    Args:
        case: A case in which the two differ.
        differ: Tells for several cases at once whether the two differ.
    """
    for _ in range(_ROUNDS):
        smaller = list(_smaller(case))
        found = next((s for s, differs in zip(smaller, differ(smaller), strict=True) if differs), None)
        if found is None:
            return case
        case = found
    return case


def _with(item: _Part, name: str, value: object) -> _Part:
    """Return the layers, or the statement, with one field changed."""
    changed: dict[str, Any] = {name: value}
    return replace(item, **changed)


def _smaller(case: Case) -> Iterator[Case]:
    """Return the cases with one part less, the largest parts first."""
    for layers in _fewer(case.layers):
        yield replace(case, layers=layers)
    context = dict(case.request.context)
    for key in context:
        less = {name: value for name, value in context.items() if name != key}
        yield replace(case, request=replace(case.request, context=less))


def _fewer(layers: Layers) -> Iterator[Layers]:
    """Return the layers with one document, statement or part of a statement less."""
    for name in ("boundary", "resource", "session"):
        if getattr(layers, name) is not None:
            yield _with(layers, name, None)
    for name in ("identity", "scps"):
        values: tuple[Any, ...] = getattr(layers, name)
        for place in range(len(values)):
            yield _with(layers, name, values[:place] + values[place + 1 :])
    yield from _rewritten(layers, _less_document)


def _rewritten(layers: Layers, less: Callable[[PolicyDocument], Iterator[PolicyDocument]]) -> Iterator[Layers]:
    """Return the layers with one document replaced."""
    for name in ("boundary", "resource"):
        document: PolicyDocument | None = getattr(layers, name)
        if document is not None:
            yield from (_with(layers, name, other) for other in less(document))
    for name in ("identity", "session"):
        documents: tuple[PolicyDocument, ...] = getattr(layers, name) or ()
        for place, item in enumerate(documents):
            for other in less(item):
                yield _with(layers, name, (*documents[:place], other, *documents[place + 1 :]))
    for number, level in enumerate(layers.scps):
        for place, item in enumerate(level):
            if len(level) > 1:
                fewer = level[:place] + level[place + 1 :]
                yield replace(layers, scps=(*layers.scps[:number], fewer, *layers.scps[number + 1 :]))
            for other in less(item):
                changed = (*level[:place], other, *level[place + 1 :])
                yield replace(layers, scps=(*layers.scps[:number], changed, *layers.scps[number + 1 :]))


def _less_document(document: PolicyDocument) -> Iterator[PolicyDocument]:
    """Return a document with one statement, or one part of one, less."""
    for place, statement in enumerate(document.statements):
        before, after = document.statements[:place], document.statements[place + 1 :]
        if before or after:
            yield PolicyDocument(document.name, (*before, *after))
        for less in _less_statement(statement):
            yield PolicyDocument(document.name, (*before, less, *after))


def _less_statement(statement: Statement) -> Iterator[Statement]:
    """Return a statement with one part less, or with a pattern that says less."""
    conditions = statement.conditions
    for place, (operator, key, values) in enumerate(conditions):
        yield replace(statement, conditions=conditions[:place] + conditions[place + 1 :])
        for number in range(len(values) if len(values) > 1 else 0):
            fewer = (operator, key, values[:number] + values[number + 1 :])
            yield replace(statement, conditions=(*conditions[:place], fewer, *conditions[place + 1 :]))
    for name in _LISTS:
        items: tuple[Any, ...] = getattr(statement, name)
        for place in range(len(items) if len(items) > 1 else 0):
            yield _with(statement, name, items[:place] + items[place + 1 :])
    for name in ("actions", "resources"):
        items = getattr(statement, name)
        if items and items != ("*",):
            yield _with(statement, name, ("*",))
