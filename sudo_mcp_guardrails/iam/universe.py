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
    from collections.abc import Iterator

    from sudo_mcp_guardrails.iam.automaton import Tokens

ANYTHING: Final = "*"
"""The universe of an action that the catalogue does not know: any string at all."""
NOTHING_NAMED: Final = ""
"""The universe of an action that takes no resource: it is decided on ``*``."""

_WILDCARD: Final = re.compile(r"[*?\ue000\ue001]")
_STAR_OR_MARK: Final = re.compile(r"[*?]")
_MAX_WAYS: Final = 64
"""Ways for a pattern's wildcards to stand for colons, up to which they are looked at."""
_VARIABLE: Final = re.compile(r"\$\{(\w+)\}")
_SEGMENTS: Final = frozenset({"Region", "BucketName", "TableName"})
"""Variables whose values have neither colon nor slash; others may have both."""
ACCOUNT: Final = "${Account}"
NOBODYS_ACCOUNTS: Final = ("", "aws")
"""What stands for the account in the ARNs of what AWS owns: a public document of SSM, a managed policy of IAM."""
_SERVICE: Final = 2
_SERVICE_NAME: Final = re.compile(r"[a-z0-9-]+")
_ACCOUNT_DIGITS: Final = 12


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
            out += [Token("", DIGIT)] * _ACCOUNT_DIGITS
        elif name in _SEGMENTS:
            out += some(SEGMENT)
        else:
            out += some(ANY)
    return (*out, *like(arn_format[place:]))


@lru_cache(maxsize=8192)
def has_chosen_text(arn_format: str) -> bool:
    """Return whether who makes a resource may choose text with colons in it: the keys of S3, and paths in IAM."""
    return any(m[1] == "ObjectName" or m[1].endswith("WithPath") for m in _VARIABLE.finditer(arn_format))


def runs_on(pattern: str) -> bool:
    """Return whether a wildcard before the last part of an ARN pattern may run on past colons into that part."""
    return _WILDCARD.search(":".join(pattern.split(":", ARN_PARTS - 1)[:-1])) is not None


@lru_cache(maxsize=65_536)
def runs_across(arn_format: str, partition: str, pattern: str) -> bool:
    """Return whether a wildcard before the last part of a pattern can stand for a colon of the format itself.

    As in ``arn:P:lambda:*:function:app-*``, whose first star stands for Region and account. Names that would hold the
    end of another ARN do not count, see :mod:`~sudo_mcp_guardrails.iam.resources`.
    """
    if not runs_on(pattern) or arn_format == NOTHING_NAMED:
        return False
    parts = arn_format.replace("${Partition}", partition).split(":")
    if len(parts) < ARN_PARTS or pattern.count(":") < ARN_PARTS - 1:
        return True
    name = next((n for n, part in enumerate(parts) if n >= ARN_PARTS - 1 and "${" in part), len(parts) - 1)
    *early, last = pattern.split(":", ARN_PARTS - 1)
    if all(map(_part_meets, parts[: name + 1], (*early, *last.split(":")))):
        # Where it matches as it stands, a star further on would run into a name that ends like another ARN.
        return False
    # Whether the pattern itself says where the service stands: not in ``arn:aws*qs:…``.
    known = early[1] == "*" or ("*" not in early[1] and like_test((early[1],))(partition))
    placed = early[0] == "arn" and known and _SERVICE_NAME.fullmatch(early[_SERVICE]) is not None
    if placed and early[_SERVICE] != parts[_SERVICE]:
        return False
    for count in range(1, ARN_PARTS):
        for number, way in enumerate(_ways(":".join(early), count)):
            before = way.split(":")
            aligned = (*before, *last.split(":"))
            account = early[-1] in NOBODYS_ACCOUNTS or (len(early[-1]) == _ACCOUNT_DIGITS and early[-1].isdigit())
            moved = placed and before[_SERVICE] != early[_SERVICE]
            if moved or (account and len(before) > name):
                continue  # a name that holds a service or an account, and so the end of another ARN
            if number >= _MAX_WAYS or all(map(_part_meets, parts[: name + 1], aligned)):
                return True
    return False


def _ways(pattern: str, lacking: int) -> Iterator[str]:
    """Yield a pattern with the colons that it lacks, wherever a wildcard may stand for them."""
    match = _STAR_OR_MARK.search(pattern)
    if match is None or not lacking:
        if not lacking:
            yield pattern
        return
    before, wild, rest = pattern[: match.start()], match[0], pattern[match.end() :]
    for count in range(lacking + 1):
        if wild == "?" and count > 1:
            break
        stands = ":" if wild == "?" and count else wild + ":*" * count
        for after in _ways(rest, lacking - count):
            yield before + stands + after


def _part_meets(known: str, wanted: str) -> bool:
    """Return whether one part of a pattern can match one part of a format; True where that is not plain to see."""
    if "${" not in known:
        return like_test((wanted,))(known)
    if known == ACCOUNT:
        digits = _STAR_OR_MARK.sub("", wanted)
        return digits.isdigit() or not digits or any(map(like_test((wanted,)), NOBODYS_ACCOUNTS))
    beginning, start = known.split("${", 1)[0], _WILDCARD.split(wanted, maxsplit=1)[0]
    length = min(len(beginning), len(start))
    return beginning[:length] == start[:length]


@lru_cache(maxsize=65_536)
def may_meet(arn_format: str, partition: str, pattern: str) -> bool:
    """Return whether a Resource pattern can match any ARN of a format; True where that is not plain to see.

    Compares the literal beginnings, which settles most questions without walking an automaton.
    """
    if arn_format == ANYTHING:
        return True
    if arn_format == NOTHING_NAMED:
        return like_test((pattern,))("*")
    known = arn_format.replace("${Partition}", partition).split("${", 1)[0].split("*", 1)[0]
    wanted = _WILDCARD.split(pattern, maxsplit=1)[0]
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
    return last.endswith("*") and not _WILDCARD.search(last[:-1]) and beginning.startswith(last[:-1])


@lru_cache(maxsize=65_536)
def disjoint(formats: tuple[str, ...], partition: str, first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    """Return whether no resource matches a pattern of both sets; False where that is not plain to see.

    Args:
        formats: ARN formats of the resources.
        partition: Such as ``"aws"``.
        first: Resource patterns.
        second: Resource patterns.
    """
    for arn_format in formats:
        chosen = has_chosen_text(arn_format)
        for pattern in (*first, *second):
            if (chosen and runs_on(pattern)) or runs_across(arn_format, partition, pattern):
                return False
    return all(_apart(a, b) for a in first for b in second)


def _apart(first: str, second: str) -> bool:
    """Return whether two patterns differ in the beginning of any part that both write out."""
    parts = [pattern.split(":", ARN_PARTS - 1) for pattern in (first, second)]
    if any(len(p) < ARN_PARTS for p in parts):
        return False
    for a, b in zip(*parts, strict=True):
        one, other = _WILDCARD.split(a, maxsplit=1)[0], _WILDCARD.split(b, maxsplit=1)[0]
        length = min(len(one), len(other))
        if one[:length] != other[:length]:
            return True
    return False
