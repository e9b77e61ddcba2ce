"""The YAML documents of one text."""

from __future__ import annotations

from typing import Any

from sudo_mcp_guardrails.detection.errors import RuleError


def documents(text: str, place: str) -> list[dict[str, Any]]:
    """Return the documents of a text, each a mapping.

    Args:
        text: YAML, one document or several.
        place: what errors call it.

    Raises:
        RuleError: for what is no YAML, holds no document or one that is no mapping, or refers back (``*name``): a few
            lines of references make more values than any memory holds.
    """
    import yaml  # noqa: PLC0415 - comes with pySigma

    try:
        if any(isinstance(one, yaml.AliasEvent) for one in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise RuleError(f"{place} refers back with *, allowed: values written out")
        found = [one for one in yaml.safe_load_all(text) if one is not None]
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        line = " ".join(str(error).split())[:300]
        raise RuleError(f"{place} does not parse: {line}") from None
    if not found:
        raise RuleError(f"{place} holds no rules")
    for one in found:
        if not isinstance(one, dict):
            raise RuleError(f"{place} does not parse: {str(one)[:60]!r} is no mapping")
    return found
