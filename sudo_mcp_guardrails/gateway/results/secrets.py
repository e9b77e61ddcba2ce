"""Secrets in text, found by what they look like or by the name in front of them, in time linear in the text.

Every pattern is bounded, or starts only where a run of its characters starts, so none goes over the same text twice.
The patterns of the approval room look at plans, which are short; these look at what a hostile server wrote. A pattern
runs only where a word of its own occurs, so most text costs a few searches for substrings.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from math import log2
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.approval.secret_names import MASK, is_secret_name

if TYPE_CHECKING:
    from collections.abc import Iterator

_KEY_END: Final = r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
_KEY_CUT: Final = r"|(?:(?:\s|\\[nr])*[A-Za-z0-9+/=]{32,})*)"
_PLAIN: Final = (
    # (what must occur, what is masked)
    (("AKIA", "ASIA", "ABIA", "ACCA"), r"(?<![A-Za-z0-9])(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}(?![A-Za-z0-9])"),
    # A session token begins with what its first bytes are in base64.
    (
        ("IQoJb3JpZ2lu", "FwoGZXIvYXdz", "FQoGZXIvYXdz"),
        r"(?<![A-Za-z0-9+/])(?:IQoJb3JpZ2lu|FwoGZXIvYXdz|FQoGZXIvYXdz)[A-Za-z0-9+/=%]{80,}",
    ),
    (
        ("PRIVATE KEY",),
        rf"-----BEGIN [A-Z0-9 ]{{0,40}}PRIVATE KEY(?: BLOCK)?-----(?:(?:[^-]|-(?!----)){{0,16384}}{_KEY_END}{_KEY_CUT}",
    ),
    (("eyJ",), r"(?<![\w.-])eyJ[\w-]{8,}\.[\w-]{4,}\.[\w.-]*"),
    (("gh", "github_pat_"), r"(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_\w{22,255})"),
    (("glpat-",), r"glpat-[\w-]{20,64}"),
    (("xox", "hooks.slack.com/"), r"(?:xox[abeprs]-[\w-]{10,250}|hooks\.slack\.com/[\w/]{10,250})"),
    (("_live_",), r"[prs]k_live_\w{16,128}"),
    (("sk-",), r"(?<![\w-])sk-[\w-]{20,250}"),
    (("AIza",), r"AIza[\w-]{35}"),
    (("npm_", "pypi-AgEI"), r"(?:npm_[A-Za-z0-9]{36}|pypi-AgEI[\w-]{50,250})"),
    (("://",), r"(?<=://)[^\s/:@\"'{}<>]{0,256}:[^\s/@\"'{}<>]{1,256}(?=@)"),
    (("X-Amz-",), r"(?<=X-Amz-Signature=)[0-9a-f]{64}|(?<=X-Amz-Security-Token=)[\w%/+=.-]+"),
    (
        ("AccountKey=", "SharedAccessKey="),
        r"(?<=AccountKey=)[A-Za-z0-9+/=]{20,}|(?<=SharedAccessKey=)[A-Za-z0-9+/=]{20,}",
    ),
)
_PATTERNS: Final = tuple((needles, re.compile(pattern)) for needles, pattern in _PLAIN)
_RANDOM: Final = re.compile(r"(?<![A-Za-z0-9+/_.-])[A-Za-z0-9+/]{40}(?![A-Za-z0-9+/=_.-])")
"""As long as a secret access key of AWS, and of its characters."""
_RUN: Final = bytes(code if chr(code).isalnum() or chr(code) in "+/_.-" else 32 for code in range(128)) + b" " * 128
_RANDOM_LENGTH: Final = 40
_RANDOM_BITS: Final = 4.4
_WORDS: Final = (
    "passw",
    "pwd",
    "passphrase",
    "secret",
    "token",
    "credential",
    "connectionstring",
    "connection_string",
    "key",
)
_KINDS_OF_KEY: Final = ("private", "api", "access", "auth", "signing", "shared", "master", "secret", "host", "account")
_LOWER: Final = {code: code + 32 for code in range(65, 91)}
_NAME: Final = re.compile(r"[\w-]*")
_VALUE: Final = re.compile(
    r"(?:\\?[\"'])?\s{0,3}[:=]\s{0,3}(?:\\?[\"'])?(?P<value>(?:Bearer |Basic )?[^\s\"'\\,;&<>(){}\[\]]{8,1024})"
)
_BEFORE: Final = re.compile(r"[\w-]*\Z")
_REACH: Final = 40
_PLACEHOLDER: Final = re.compile(
    r"\*+|x+|\.+|arn:.*|https?:.*|[$<{%].*|(?:None|null|true|false|example|REDACTED).*", re.IGNORECASE
)
_NAMED_BITS: Final = 2.5
_is_secret_name = functools.lru_cache(maxsize=4096)(is_secret_name)
_SHORTEST: Final = 12
"""What is shorter holds no name with a secret behind it, nor any secret by itself."""


def masked(text: str) -> str:
    """Return a text with its secrets masked; the very same where there are none."""
    if len(text) < _SHORTEST:
        return text
    for needles, pattern in _PATTERNS:
        if any(needle in text for needle in needles):
            text = pattern.sub(MASK, text)
    runs = text.encode("utf-8", "replace").translate(_RUN).split() if len(text) >= _RANDOM_LENGTH else ()
    if any(len(run) == _RANDOM_LENGTH for run in runs):
        text = _RANDOM.sub(_unless_plain, text)
    return _named_masked(text)


def _named_masked(text: str) -> str:
    """Mask what stands behind the name of a secret, as in ``DB_PASSWORD=…`` and ``"apiKey": "…"``."""
    lower = text.lower() if text.isascii() else text.translate(_LOWER)
    pieces, end = [], 0
    for place in sorted({place for word in _WORDS for place in _places(lower, word)}):
        if place < end:
            continue
        name = _NAME.match(text, place)
        last = end
        end = name.end() if name else place
        found = _VALUE.match(text, end) if end - place <= _REACH else None
        if found is not None and _is_secret(text[max(last, place - _REACH) : end], found["value"]):
            pieces += [(found.start("value"), found.end())]
            end = found.end()
    return _without(text, pieces) if pieces else text


def _without(text: str, pieces: list[tuple[int, int]]) -> str:
    found, end = [], 0
    for start, stop in pieces:
        found += [text[end:start], MASK]
        end = stop
    return "".join([*found, text[end:]])


def _places(lower: str, word: str) -> Iterator[int]:
    place = lower.find(word)
    while place >= 0:
        if word != "key" or lower[max(0, place - 9) : place].rstrip("_-").endswith(_KINDS_OF_KEY):
            yield place
        place = lower.find(word, place + len(word))


def is_random(text: str, bits: float) -> bool:
    """Return whether a text's characters are as mixed as those of a key: Shannon's entropy, in bits a character."""
    count = len(text)
    return bool(count) and -sum(n / count * log2(n / count) for n in Counter(text).values()) >= bits


def _unless_plain(found: re.Match[str]) -> str:
    word = found[0]
    mixed = any(map(str.isupper, word)) and any(map(str.islower, word)) and any(map(str.isdigit, word))
    return MASK if mixed and is_random(word, _RANDOM_BITS) else word


def _is_secret(name: str, value: str) -> bool:
    whole = _BEFORE.search(name)
    if whole is None or not _is_secret_name(whole[0]) or name[: whole.start()].endswith(":"):
        return False  # also what stands between colons, as in an ARN
    return not _PLACEHOLDER.fullmatch(value) and is_random(value, _NAMED_BITS)
