"""What no agent may read: properties beside those of the invariants, one for each class of sensitive reads.

A class that an agent did not opt into stays denied, or is confined to its own for what does its work. One that it opted
into is read of its own and of nobody else's, wherever the name of a resource tells them apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import SensitiveRead
from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.iam.properties import Property
from sudo_mcp_guardrails.policies.boundary.sensitive import confinable
from sudo_mcp_guardrails.policies.sensitive import sensitive_actions

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.iam.properties import Subject

_READERS: Final = frozenset({"read", "plan"})
_ALWAYS_KEPT: Final = frozenset({SensitiveRead.SECRET, SensitiveRead.CREDENTIAL})


def read_properties(subject: Subject, *, shown: tuple[str, ...], besides: tuple[str, ...] = ()) -> Iterator[Property]:
    """Yield what must never be read by a role.

    Args:
        subject: The role.
        shown: ARN patterns of the projects whose builds the role follows, which is asked about apart: see
            ``invariant/approval-builds``.
        besides: Actions that are asked about apart.
    """
    for kind in SensitiveRead:
        if kind.value in subject.sensitive_reads:
            yield _foreign(subject, kind, shown, besides)
        else:
            yield _sensitive(subject, kind, shown, besides)


def _sensitive(subject: Subject, kind: SensitiveRead, shown: tuple[str, ...], besides: tuple[str, ...]) -> Property:
    """Return the property that a class of sensitive reads stays denied, or confined for what does its work."""
    return _asks(
        f"sensitive-{kind.value}",
        f"reads of class {kind.value} without having been opted in",
        # Sessions are asked about apart.
        tuple(a for a in sensitive_actions(kind) if not a.startswith("sts:") and a not in besides),
        not_resources=shown,
        strict=subject.capability in _READERS or kind in _ALWAYS_KEPT,
    )


def _foreign(subject: Subject, kind: SensitiveRead, shown: tuple[str, ...], besides: tuple[str, ...]) -> Property:
    """Return the property that a class that was opted into is read of the agent's own, where a prefix can own it."""
    actions = sensitive_actions(kind)
    return _asks(
        f"foreign-{kind.value}",
        f"reads of class {kind.value} what is not its own",
        tuple(a for a in actions if a in confinable(a.split(":")[0]) and a not in besides),
        not_resources=(*subject.own, *shown),
        strict=True,
    )


def _asks(name: str, title: str, actions: tuple[str, ...], *, not_resources: tuple[str, ...], strict: bool) -> Property:
    step = Statement(
        sid="".join(word.capitalize() for word in name.split("-")),
        effect="Allow",
        actions=actions,
        resources=("*",),
        not_resources=not_resources,
    )
    return Property(f"invariant/{name}", title, (step,), kind="invariant", strict=strict)
