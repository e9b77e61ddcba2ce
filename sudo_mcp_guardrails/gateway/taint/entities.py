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
    (Form.EMAIL, re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")),
    (Form.ARN, re.compile(r"arn:aws[\w-]*:[\w-]+:[^\s\"'<>]+")),
    (Form.LINK, re.compile(r"(?:[a-z][a-z0-9+.-]*://|www\.)[^\s\"'<>()\[\]]+", re.IGNORECASE)),
    (
        Form.LINK,
        re.compile(r"(?<![\w@.-])(?:[a-z0-9-]+\.)+(?:com|net|org|io|info|biz|co|dev|xyz|app|ru|cn|site|online)\b"
                   r"(?:/[^\s\"'<>()\[\]]*)?", re.IGNORECASE),
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
