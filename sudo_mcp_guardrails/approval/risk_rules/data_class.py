"""Changes to what is tagged as data that needs care."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.plan import Operation
from sudo_mcp_guardrails.approval.risk_rules.rule import Found, RiskRule, cut
from sudo_mcp_guardrails.approval.risk_rules.values import plain_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.approval.risk_rules.view import Seen

_TAGS: Final = frozenset(
    {
        *("classification", "compliance", "confidentiality", "containspii", "dataclass", "dataclassification"),
        *("datasensitivity", "datatype", "pii", "sensitivity"),
    }
)
_YES_OR_NO: Final = frozenset({"containspii", "pii"})
_TAG_SETS: Final = ("tags", "tagsall", "tagset", "taglist")


def _of_change(seen: Seen) -> Iterator[Found]:
    if seen.reads or seen.change.operation is Operation.CREATE:
        return
    before, after = _classes(seen, seen.before), _classes(seen, seen.then)
    for key, value in sorted(before.items()):
        if after.get(key) != value and seen.change.operation is Operation.UPDATE:
            yield Found(RiskClass.R3, f"it takes the mark {key}={cut(value)} off")
        else:
            yield Found(RiskClass.R3, f"it changes data that is marked {key}={cut(value)}")
    for key, value in sorted(after.items()):
        if key not in before:
            yield Found(RiskClass.R2, f"it is about data that is marked {key}={cut(value)}")


def _classes(seen: Seen, side: dict[str, Any]) -> dict[str, str]:
    """Return the tags that mark data, and their values."""
    pairs = [pair for name in _TAG_SETS for pair in _pairs(side.get(name))]
    return {key: value for key, value in pairs if _marks(seen, plain_name(key), value.lower())}


def _marks(seen: Seen, key: str, value: str) -> bool:
    if key in _YES_OR_NO and value in {"true", "yes"}:
        return True
    return key in _TAGS and value in seen.context.classified


def _pairs(tags: object) -> Iterator[tuple[str, str]]:
    if isinstance(tags, dict):
        for key, value in tags.items():
            if isinstance(key, str) and isinstance(value, str):
                yield key, value
    elif isinstance(tags, (list, tuple)):
        for tag in tags:
            if isinstance(tag, dict):
                fields = {plain_name(k): v for k, v in tag.items() if isinstance(k, str)}
                key, value = fields.get("key", fields.get("tagkey")), fields.get("value", fields.get("tagvalue"))
                if isinstance(key, str) and isinstance(value, str):
                    yield key, value


RULE: Final = RiskRule(
    id="data-class",
    title="A change to data that is tagged as confidential, personal or the like, or a change of that tag: R3.",
    risks=(RiskClass.R2, RiskClass.R3),
    sources=("tagging best practices of AWS, data classification",),
    of_change=_of_change,
)
