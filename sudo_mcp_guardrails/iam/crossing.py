"""Wildcards of a Resource pattern that stand for colons: where the parts of an ARN cannot be looked at one by one."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.catalogue import knows_service, resource_arns
from sudo_mcp_guardrails.iam.matching import ARN_PARTS
from sudo_mcp_guardrails.iam.operators import like as like_test
from sudo_mcp_guardrails.iam.universe import ACCOUNT, NOBODYS_ACCOUNTS, NOTHING_NAMED, OPEN, WILDCARD, has_chosen_text

if TYPE_CHECKING:
    from collections.abc import Iterator

_STAR_OR_MARK: Final = re.compile(r"[*?]")
_MAX_WAYS: Final = 64
"""Ways for a pattern's wildcards to stand for colons, up to which they are looked at."""
_SERVICE: Final = 2
_SERVICE_NAME: Final = re.compile(r"[a-z][a-z0-9-]*")
_TYPE: Final = re.compile(r"[A-Za-z0-9-]+[/:]")
REGION: Final = "${Region}"
_REGION: Final = re.compile(r"[a-z]+(?:-[a-z]+)+-[0-9]+")
_REGION_TEXT: Final = re.compile(r"[a-z0-9-]*")
_ACCOUNT_ID: Final = re.compile(r"[0-9]{12}")


def runs_on(pattern: str) -> bool:
    """Return whether a wildcard before the last part of an ARN pattern may run on past colons into that part."""
    return WILDCARD.search(":".join(pattern.split(":", ARN_PARTS - 1)[:-1])) is not None


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
    name = next((n for n, part in enumerate(parts) if n >= ARN_PARTS - 1 and OPEN.search(part)), len(parts) - 1)
    *early, last = pattern.split(":", ARN_PARTS - 1)
    # Where it matches as it stands, a colon more than the format has would be in a name that ends like another ARN.
    stands = all(map(_part_meets, parts[: name + 1], (*early, *last.split(":"))))
    if stands and pattern.count(":") + 1 >= len(parts):
        return False
    # Whether the pattern itself says where the service stands: not in ``arn:aws*qs:…``.
    service = early[_SERVICE]
    known = not _REGION.fullmatch(service) if early[1] == "*" else _is_plain(early[1], partition)
    fixed = OPEN.search(parts[_SERVICE]) is None
    placed = early[0] == "arn" and known and fixed and _SERVICE_NAME.fullmatch(service) is not None
    if placed and service != parts[_SERVICE]:
        return False
    account = early[-1] in NOBODYS_ACCOUNTS or _ACCOUNT_ID.fullmatch(early[-1]) is not None
    whole = account or _begins_with_type(last, parts[_SERVICE])
    for count in range(1, ARN_PARTS):
        for number, way in enumerate(_ways(":".join(early), count)):
            before = way.split(":")
            aligned = (*before, *last.split(":"))
            moved = placed and before[_SERVICE] != service
            if moved or (whole and len(before) > name) or (stands and len(aligned) > len(parts)):
                continue  # a name that holds a service, an account or a type, and so the end of another ARN
            if number >= _MAX_WAYS or all(map(_part_meets, parts[: name + 1], aligned)):
                return True
    return False


def _begins_with_type(text: str, service: str) -> bool:
    """Return whether the last part of a pattern begins with a type of a service's resources, such as ``vpc/``."""
    match = _TYPE.match(text)
    return match is not None and knows_service(service) and match[0] in _types(service)


@lru_cache(maxsize=512)
def _types(service: str) -> frozenset[str]:
    """Return what the last parts of a service's ARNs begin with."""
    last = (arn.split(":", ARN_PARTS - 1)[-1] for arn in resource_arns(service).values())
    return frozenset(match[0] for match in map(_TYPE.match, last) if match)


def _is_plain(wanted: str, partition: str) -> bool:
    """Return whether the second part of a pattern matches the partition and cannot run on."""
    return "*" not in wanted and like_test((wanted,))(partition)


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
    if not OPEN.search(known):
        return like_test((wanted,))(known)
    if known == ACCOUNT:
        digits = _STAR_OR_MARK.sub("", wanted)
        return digits.isdigit() or not digits or any(map(like_test((wanted,)), NOBODYS_ACCOUNTS))
    if known == REGION:
        text = _STAR_OR_MARK.sub("", wanted)
        return _REGION_TEXT.fullmatch(text) is not None and (text != wanted or _REGION.fullmatch(text) is not None)
    beginning, start = OPEN.split(known, maxsplit=1)[0], WILDCARD.split(wanted, maxsplit=1)[0]
    length = min(len(beginning), len(start))
    return beginning[:length] == start[:length]


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
        one, other = WILDCARD.split(a, maxsplit=1)[0], WILDCARD.split(b, maxsplit=1)[0]
        length = min(len(one), len(other))
        if one[:length] != other[:length]:
            return True
    return False
