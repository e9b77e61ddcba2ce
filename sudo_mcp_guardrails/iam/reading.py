"""The JSON beneath policy documents: bounded, without repeated elements, and refused with the path.

Nothing here recurses: a policy is of a fixed depth, and what is deeper has the wrong type somewhere.
"""

from __future__ import annotations

import json
import re
import reprlib
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NoReturn

from sudo_mcp_guardrails.iam.documents import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MAX_CHARACTERS: Final = 1_000_000
"""Characters of one document. AWS's own largest limit is 32,768, for a key policy (KMS quotas page)."""

_MAX_DIGITS: Final = 30
# Half characters cannot be written again, and the private ones stand for literal wildcards in the evaluator.
_UNUSABLE: Final = re.compile(r"[\ud800-\uf8ff]")
_SHORT: Final = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = 80


class _Repeated(dict[str, object]):
    """An object with an element given twice; refused where it is read, since only there its path is known."""

    def __init__(self, pairs: list[tuple[str, object]]) -> None:
        super().__init__(pairs)
        self.repeated = Counter(key for key, _ in pairs).most_common(1)[0][0]


def load(text: str | bytes, name: str) -> object:
    """Read JSON.

    Args:
        text: The JSON; bytes are UTF-8.
        name: What messages call it.

    Raises:
        PolicyError: For what is no JSON, longer than :data:`MAX_CHARACTERS`, or nested deeper than Python reads.
    """
    if len(text) > MAX_CHARACTERS:
        raise PolicyError(f"{name}: {len(text)} characters are too many, expected at most {MAX_CHARACTERS}")

    def constant(found: str) -> NoReturn:
        raise PolicyError(f"{name}: {found} is no JSON, expected a finite number")

    def integer(digits: str) -> int:
        # Python takes quadratic time for the digits of an integer.
        if len(digits) > _MAX_DIGITS:
            raise PolicyError(f"{name}: a number of {len(digits)} digits is too long, expected at most {_MAX_DIGITS}")
        return int(digits)

    try:
        return json.loads(
            text.decode("utf-8-sig") if isinstance(text, bytes) else text,
            object_pairs_hook=_object_of,
            parse_constant=constant,
            parse_int=integer,
        )
    except UnicodeDecodeError as error:
        raise PolicyError(f"{name}: byte {error.start} is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise PolicyError(f"{name}: not JSON: {error.msg}, line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise PolicyError(f"{name}: nested too deep, expected no more levels than a policy has") from None


def _object_of(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return a JSON object, marked where it repeats an element: Python would keep the last one in silence."""
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Repeated(pairs)


def check_size(document: object, name: str) -> None:
    """Refuse what is over :data:`MAX_CHARACTERS`, before anything is read.

    Every value and every element counts one character at least, so that a value that holds itself ends here too.

    Raises:
        PolicyError: For a document over the limit.
    """
    left: list[object] = [document]
    total = 0
    while left and total <= MAX_CHARACTERS:
        value = left.pop()
        total += 1
        if isinstance(value, str):
            total += len(value)
        elif isinstance(value, (Mapping, list, tuple)):
            total += len(value)
            if total <= MAX_CHARACTERS:
                left.extend(value)
                left.extend(value.values() if isinstance(value, Mapping) else ())
    if total > MAX_CHARACTERS:
        raise PolicyError(f"{name}: the document is too large, expected at most {MAX_CHARACTERS} characters")


def read_object(value: object, place: str, allowed: Sequence[str] = ()) -> Mapping[str, object]:
    """Return an object whose elements are all allowed; without any named, all are.

    Raises:
        PolicyError: For another type, and for an element that is unknown or given twice.
    """
    if not isinstance(value, Mapping):
        raise PolicyError(f"{place}: expected an object, got {type(value).__name__}")
    if isinstance(value, _Repeated):
        raise PolicyError(f"{place}.{cut(value.repeated)}: given twice, expected once")
    for key in value:
        if not isinstance(key, str):
            raise PolicyError(f"{place}: element {show(key)} is not allowed, expected a string")
        if allowed and key not in allowed:
            raise PolicyError(f"{place}: unknown element {show(key)}, expected some of {', '.join(allowed)}")
    return value


def read_items(value: object, place: str) -> Iterator[tuple[str, object]]:
    """Yield (path, item) of a list, or of a single value, which AWS writes without one.

    Raises:
        PolicyError: For an empty list: it restricts nothing, and read as such it would turn a statement into its
            opposite.
    """
    if not isinstance(value, (list, tuple)):
        yield place, value
        return
    if not value:
        raise PolicyError(f"{place}: expected at least one value, got an empty list")
    for index, item in enumerate(value):
        yield f"{place}[{index}]", item


def read_text(value: object, place: str, *, empty: bool = False) -> str:
    """Return a string.

    Raises:
        PolicyError: For another type, the empty string unless ``empty``, and characters that cannot be kept.
    """
    if not isinstance(value, str):
        raise PolicyError(f"{place}: expected a string, got {type(value).__name__}")
    if not value and not empty:
        raise PolicyError(f"{place}: '' is not allowed, expected at least one character")
    if not value.isascii() and (found := _UNUSABLE.search(value)):
        raise PolicyError(f"{place}: the character U+{ord(found[0]):04X} is not allowed, expected no private one")
    return value


def read_scalar(value: object, place: str) -> str:
    """Return a string, number or boolean as a string, as AWS does.

    Raises:
        PolicyError: For another type, and for a number that is not finite or has more than 30 digits.
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        if not abs(value) < 10**_MAX_DIGITS:  # neither is NaN, nor infinity
            raise PolicyError(f"{place}: expected a finite number of at most {_MAX_DIGITS} digits")
        return str(value)
    return read_text(value, place, empty=True)


def show(value: object) -> str:
    """Return a value as messages have it, at a bounded length."""
    try:
        return _SHORT.repr(value)
    except (RecursionError, ValueError):
        return type(value).__name__  # Python writes no integer of thousands of digits


def cut(key: str) -> str:
    """Return an element's name at a length that a path can bear."""
    return key if len(key) <= _SHORT.maxstring else f"{key[: _SHORT.maxstring]}…"
