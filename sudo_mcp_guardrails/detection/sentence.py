"""What an alert says: a sentence with fields of the event in it."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.detection.errors import RuleError
from sudo_mcp_guardrails.detection.matching.values import getter, text_of

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_SENTENCE: Final = 500
MAX_VALUE: Final = 120
_FIELD: Final = re.compile(r"\{([A-Za-z0-9_.:|-]{1,400})\}")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]")


_getter = lru_cache(4096)(getter)


def check_sentence(sentence: object) -> str:
    """Return a rule's sentence.

    Raises:
        RuleError: for what is no text, is too long, or has a brace that names no field.
    """
    if not isinstance(sentence, str) or len(sentence) > MAX_SENTENCE:
        raise RuleError(f"sentence {str(sentence)[:60]!r} is not allowed, allowed: {MAX_SENTENCE} characters at most")
    if re.search(r"[{}]", _FIELD.sub("", sentence)):
        allowed = "{field.path} or {field.path|another.path}"
        raise RuleError(f"sentence {sentence!r} has a brace that names no field, allowed: {allowed}")
    return sentence


def filled(sentence: str, event: Mapping[str, Any], more: Mapping[str, object] | None = None) -> str:
    """Return a sentence with its fields' values, each cut off and without control characters.

    Of fields joined by ``|`` the first that is there is taken: ``{requestParameters.bucketName|resources.ARN}``. What
    stands in an event is chosen by whoever made the call: it is quoted, never interpreted.
    """

    def value(found: re.Match[str]) -> str:
        if more is not None and found[1] in more:
            return str(more[found[1]])
        there = next((one for name in found[1].split("|") if (one := _getter(name)(event)) is not None), None)
        if there is None:
            return "(none)"
        listed = there if isinstance(there, list) else [there]
        return cut(", ".join(text_of(one) for one in listed[:5]))

    return _FIELD.sub(value, sentence)


def cut(text: str) -> str:
    """Return a value as sentences show it: of bounded length, and without control characters."""
    plain = _CONTROL.sub(" ", text)
    return plain if len(plain) <= MAX_VALUE else plain[: MAX_VALUE - 1] + "…"
