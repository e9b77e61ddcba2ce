"""Sigma files as rules and correlations.

What we write beside Sigma's own fields are keys that Sigma leaves to its users: ``sentence`` (what an alert says),
``layer`` (``invariant`` or ``rule``) and ``contains`` (whether an alert contains the agent at once). Sources: Sigma
specification 2.1, "Rules" and "Correlation Rules"; pySigma's documentation, "Rules".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.detection.compiled import RuleBook
from sudo_mcp_guardrails.detection.errors import RuleError
from sudo_mcp_guardrails.detection.matching.closures import matcher
from sudo_mcp_guardrails.detection.rule import Level, Rule, Source
from sudo_mcp_guardrails.detection.sentence import check_sentence
from sudo_mcp_guardrails.detection.sigma.conditions import condition_of
from sudo_mcp_guardrails.detection.sigma.correlations import correlation_of
from sudo_mcp_guardrails.detection.sigma.documents import documents

if TYPE_CHECKING:
    from pathlib import Path

    from sudo_mcp_guardrails.detection.rule import Correlation

MAX_FILE: Final = 256 * 1024
"""Largest file, in bytes."""

_LAYERS: Final = {"invariant": Source.INVARIANT, "rule": Source.RULE}


def read_directory(directory: Path) -> RuleBook:
    """Return all rules of a directory's ``*.yml`` files, in the order of their names.

    Raises:
        RuleError: for a directory without any, or as :func:`read_rules`.
    """
    files = sorted(directory.glob("*.yml"))
    if not files:
        raise RuleError(f"{directory} holds no rules, expected *.yml files")
    rules: list[Rule] = []
    correlations: list[Correlation] = []
    for file in files:
        try:
            size = file.stat().st_size
            if size > MAX_FILE:
                raise RuleError(f"{file.name} has {size} bytes, allowed: {MAX_FILE} at most")
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise RuleError(f"{file.name} cannot be read: {error}") from None
        book = _read(text, file.name)
        rules.extend(book[0])
        correlations.extend(book[1])
    return RuleBook(tuple(rules), tuple(correlations))


def read_rules(text: str, place: str) -> RuleBook:
    """Return the rules of one text, which may hold several documents.

    Args:
        text: YAML in Sigma's format.
        place: what errors call it.

    Raises:
        RuleError: for what does not parse, or asks for what the engine does not offer; names the place and the rule.
    """
    rules, correlations = _read(text, place)
    return RuleBook(tuple(rules), tuple(correlations))


def _read(text: str, place: str) -> tuple[list[Rule], list[Correlation]]:
    try:
        from sigma.correlations import SigmaCorrelationRule  # noqa: PLC0415 - an extra, and slow to import
        from sigma.exceptions import SigmaError  # noqa: PLC0415 - as above
        from sigma.rule import SigmaRule  # noqa: PLC0415 - as above
    except ImportError:
        raise RuleError("rules in Sigma's format need pySigma: pip install 'sudo-mcp-guardrails[detection]'") from None
    rules: list[Rule] = []
    correlations: list[Correlation] = []
    for data in documents(text, place):
        title = data.get("title")
        try:
            if "correlation" in data:
                found = SigmaCorrelationRule.from_dict(data)
                correlations.append(correlation_of(found, **_common(found)))
            else:  # a filter, which Sigma has too, is refused for the detection that it lacks
                rules.append(_rule(SigmaRule.from_dict(data)))
        except (RuleError, SigmaError) as error:
            raise RuleError(f"rule {title!r} in {place}: {_line(error)}") from None
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
            # What is no mapping, or no text where it expects one, meets pySigma as one of Python's own errors.
            raise RuleError(f"rule {title!r} in {place} does not parse: {_line(error)}") from None
    return rules, correlations


def _line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]


def _rule(found: Any) -> Rule:  # noqa: ANN401 - pySigma's rule
    source = found.logsource
    if (source.product, source.service) != ("aws", "cloudtrail"):
        came = f"log source {source.product!r}, {source.service!r}"
        raise RuleError(f"{came} is not allowed, allowed: product aws, service cloudtrail")
    conditions = found.detection.parsed_condition
    if len(conditions) != 1:
        raise RuleError(f"{len(conditions)} conditions are not allowed, allowed: one")
    condition = condition_of(conditions[0].parse())
    matcher(condition)  # a value that its operator cannot take is told here, not by the function that loads it
    layer = found.custom_attributes.get("layer", "rule")
    if layer not in _LAYERS:
        raise RuleError(f"layer {layer!r} is not allowed, allowed: {', '.join(_LAYERS)}")
    return Rule(condition=condition, source=_LAYERS[layer], **_common(found))


def _common(found: Any) -> dict[str, Any]:  # noqa: ANN401 - pySigma's rule
    if found.id is None or not found.name or not found.title:
        raise RuleError("id, name and title are needed, and one is missing")
    if found.level is None:
        raise RuleError(f"level is missing, allowed: {', '.join(level.value for level in Level)}")
    custom = found.custom_attributes
    contains = custom.get("contains", False)
    if not isinstance(contains, bool):
        raise RuleError(f"contains {contains!r} is not allowed, allowed: true or false")
    return {
        "id": str(found.id),
        "name": str(found.name),
        "title": str(found.title),
        "level": Level(found.level.name.lower()),
        "tags": tuple(str(tag) for tag in found.tags),
        "sentence": check_sentence(custom.get("sentence", "")),
        "contains": contains,
    }
