"""Which resources an action can be about: the ARN formats of the action catalogue as patterns.

What is not known is not left out: an action without formats can be about anything.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.automaton import ANY, DIGIT, SEGMENT, Token, like, literal, some
from sudo_mcp_guardrails.iam.catalogue import action_formats
from sudo_mcp_guardrails.iam.matching import ARN_PARTS
from sudo_mcp_guardrails.iam.operators import like as like_test

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.automaton import Tokens

ANYTHING: Final = "*"
"""The universe of an action that the catalogue does not know: any string at all."""
NOTHING_NAMED: Final = ""
"""The universe of an action that takes no resource: it is decided on ``*``."""

WILDCARD: Final = re.compile(r"[*?\ue000\ue001]")
OPEN: Final = re.compile(r"\$\{|\*")
"""Where the text of a format ends: a variable, or a star of its own, as of an endpoint of DMS."""
_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")
_SEGMENTS: Final = frozenset({"Region", "BucketName", "TableName"})
"""Variables whose values have neither colon nor slash; others may have both."""
_CHOSEN: Final = frozenset({"ObjectName", "KeyPairName", "PlacementGroupName", "AlarmName"})
"""Variables whose values may hold any character of ASCII at least.

Source: EC2 API reference, ``CreateKeyPair`` and ``CreatePlacementGroup``; CloudWatch API reference, ``PutMetricAlarm``.
"""
ACCOUNT: Final = "${Account}"
NOBODYS_ACCOUNTS: Final = ("", "aws")
"""What stands for the account in the ARNs of what AWS owns: a public document of SSM, a managed policy of IAM."""
ACCOUNT_DIGITS: Final = 12


def formats_of(action: str) -> tuple[str, ...]:
    """Return the formats of the resources that an action can be about; :data:`ANYTHING` for an unknown action."""
    formats = action_formats(action)
    return (ANYTHING,) if formats is None else formats


def universes(arn_format: str, partition: str) -> tuple[Tokens, ...]:
    """Return the patterns of an ARN format: of somebody's resources, and of AWS's own."""
    formats = (arn_format, *(arn_format.replace(ACCOUNT, a) for a in NOBODYS_ACCOUNTS if ACCOUNT in arn_format))
    return tuple(tokens(each, partition) for each in formats)


@lru_cache(maxsize=8192)
def tokens(arn_format: str, partition: str) -> Tokens:
    """Return the pattern of an ARN format such as ``arn:${Partition}:s3:::${BucketName}``.

    Args:
        arn_format: A format of the catalogue, :data:`ANYTHING` or :data:`NOTHING_NAMED`.
        partition: Such as ``"aws"``.
    """
    if arn_format == ANYTHING:
        return like("*")
    if arn_format == NOTHING_NAMED:
        return (Token("*"),)
    out: list[Token] = []
    place = 0
    for match in _VARIABLE.finditer(arn_format):
        # A star in a format, as of some virtual resources, is a wildcard.
        out += like(arn_format[place : match.start()])
        place = match.end()
        name = match[1]
        if name == "Partition":
            out += literal(partition)
        elif name == "Account":
            out += [Token("", DIGIT)] * ACCOUNT_DIGITS
        elif name in _SEGMENTS:
            out += some(SEGMENT)
        else:
            out += some(ANY)
    return (*out, *like(arn_format[place:]))


@lru_cache(maxsize=8192)
def has_chosen_text(arn_format: str) -> bool:
    """Return whether who makes a resource may choose text with colons in it: the keys of S3, paths in IAM and more."""
    return any(m[1] in _CHOSEN or m[1].endswith("WithPath") for m in _VARIABLE.finditer(arn_format))


@lru_cache(maxsize=65_536)
def may_meet(arn_format: str, partition: str, pattern: str) -> bool:
    """Return whether a Resource pattern can match any ARN of a format; True where that is not plain to see.

    Compares the literal beginnings, which settles most questions without walking an automaton.
    """
    if arn_format == ANYTHING:
        return True
    if arn_format == NOTHING_NAMED:
        return like_test((pattern,))("*")
    known = OPEN.split(arn_format.replace("${Partition}", partition), maxsplit=1)[0]
    wanted = WILDCARD.split(pattern, maxsplit=1)[0]
    if len(wanted) == len(pattern) and len(wanted) < len(known):
        return False
    length = min(len(known), len(wanted))
    return known[:length] == wanted[:length]


@lru_cache(maxsize=65_536)
def any_may_meet(formats: tuple[str, ...], partition: str, patterns: tuple[str, ...]) -> bool:
    """Return whether any of several patterns can match any ARN of several formats; see :func:`may_meet`."""
    return any(may_meet(arn_format, partition, pattern) for pattern in patterns for arn_format in formats)


@lru_cache(maxsize=65_536)
def relevant(patterns: tuple[str, ...], formats: tuple[str, ...], partition: str) -> tuple[str, ...]:
    """Return the patterns that can match an ARN of any of several formats; only ``*`` where one matches them all."""
    kept = [p for p in patterns if any(may_meet(arn_format, partition, p) for arn_format in formats)]
    if any(all(covers(arn_format, partition, p) for arn_format in formats) for p in kept):
        return ("*",)
    return tuple(dict.fromkeys(kept))


@lru_cache(maxsize=65_536)
def covers(arn_format: str, partition: str, pattern: str) -> bool:
    """Return whether a Resource pattern matches every ARN of a format; False where that is not plain to see."""
    if pattern == "*":
        return True
    formats, wanted = arn_format.split(":", ARN_PARTS - 1), pattern.split(":", ARN_PARTS - 1)
    if len(formats) < ARN_PARTS or len(wanted) < ARN_PARTS:
        return False
    known = [part.replace("${Partition}", partition) for part in formats]
    beginning = known[-1].split("${", 1)[0]
    if not all(w == "*" or (w == k and "${" not in k) for w, k in zip(wanted[:-1], known[:-1], strict=True)):
        return False
    last = wanted[-1]
    return last.endswith("*") and not WILDCARD.search(last[:-1]) and beginning.startswith(last[:-1])
