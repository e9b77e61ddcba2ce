"""What stands in free text and can be acted on: links, addresses of mail, numbers of bank accounts, ARNs."""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator


class Form(str, Enum):
    """Forms of what can be acted on."""

    LINK = "link"
    EMAIL = "email"
    IBAN = "iban"
    ARN = "arn"
    ADDRESS = "address"


_FORMS: Final = (
    # Every repetition is bounded, and begins where a word does: no text takes longer than in proportion to its length.
    (Form.EMAIL, re.compile(r"(?<![\w.+-])[\w.+-]{1,128}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,10}")),
    (Form.ARN, re.compile(r"arn:aws[\w-]{0,16}:[\w-]{1,63}:[^\s\"'<>]{1,2048}")),
    (
        Form.LINK,
        re.compile(r"(?<![a-z0-9+.-])(?:[a-z][a-z0-9+.-]{0,15}://|www\.)[^\s\"'<>()\[\]]{1,2048}", re.IGNORECASE),
    ),
    (
        Form.LINK,
        re.compile(r"(?<![\w@.-])(?:[a-z0-9-]{1,63}\.){1,126}"
                   r"(?:com|net|org|io|info|biz|co|dev|xyz|app|ru|cn|site|online)\b"
                   r"(?:/[^\s\"'<>()\[\]]{0,2048})?", re.IGNORECASE),
    ),
    (Form.IBAN, re.compile(r"\b[A-Z]{2}\d{2}[A-Z0-9]{10,30}\b")),
    (Form.ADDRESS, re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?\b")),
)  # fmt: skip
MOST: Final = 200_000
"""Characters of one text that are looked at."""


def entities(text: str) -> Iterator[tuple[Form, str]]:
    """Yield each with its form, without the punctuation after it; longer texts than :data:`MOST` are cut."""
    text = text[:MOST]
    for form, pattern in _FORMS:
        for found in pattern.findall(text):
            yield form, plain(form, found)


def form_of(value: str) -> Form | None:
    """Return the form of a whole value; None where it has none of them."""
    return next((form for form, pattern in _FORMS if pattern.fullmatch(value.strip())), None)


def plain(form: Form, value: str) -> str:
    """Return a value as it is compared: links without scheme, ``www.`` and last slash, in small letters."""
    value = value.strip().rstrip(".,;:!?'\"")
    if form is Form.LINK:
        value = re.sub(r"^(?:[a-z][a-z0-9+.-]*://)?(?:www\.)?", "", value, flags=re.IGNORECASE).rstrip("/")
    return value.casefold()
