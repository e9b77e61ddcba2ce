"""Say a case in other words, statement by statement."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.iam.documents import PolicyDocument

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.iam.generate import Case
    from sudo_mcp_guardrails.iam.documents import Statement
    from sudo_mcp_guardrails.iam.evaluate import Layers


def rewritten(layers: Layers, change: Callable[[Statement], Statement]) -> Layers:
    """Return the layers with every statement changed."""

    def document(old: PolicyDocument) -> PolicyDocument:
        return PolicyDocument(old.name, tuple(change(s) for s in old.statements))

    def optional(old: PolicyDocument | None) -> PolicyDocument | None:
        return None if old is None else document(old)

    return replace(
        layers,
        identity=tuple(document(d) for d in layers.identity),
        boundary=optional(layers.boundary),
        session=None if layers.session is None else tuple(document(d) for d in layers.session),
        scps=tuple(tuple(document(d) for d in level) for level in layers.scps),
        resource=optional(layers.resource),
    )


def changed(case: Case, change: Callable[[Statement], Statement]) -> Case | None:
    """Return the case with every statement changed; None where that changes nothing."""
    layers = rewritten(case.layers, change)
    return None if layers == case.layers else replace(case, layers=layers)
