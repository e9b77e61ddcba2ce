"""One resource for each way in which Resource patterns can match it, found part by part of the ARN.

An ARN has six parts, told apart by its first five colons. A pattern matches where each of its parts does; so each
part is walked by itself, and most of them (partition, Region, account) are the same for all agents. What is no ARN
pattern is walked whole, and so is one whose early wildcard can stand for a colon that every such ARN has.

One assumption is made here: that no name which AWS or its naming rules decide contains the end of another ARN: a
service, an account, or a type of the service's resources such as ``vpc/`` behind a colon. A wildcard of an earlier
part may run on past colons, so that ``arn:P:dynamodb:*:111111111111:table/app-*`` would match a table of another
account if it was named ``x:111111111111:table/app-``, which nobody can make. Names with colons of other kinds, such
as ``rds:orders-2026-11-23``, are looked at; and names in which one may write anything, as the keys of S3 and the
paths of IAM, are walked whole wherever a wildcard could run on into them. See
:mod:`~sudo_mcp_guardrails.iam.crossing`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.automaton import CapError, by_beginning, like, representatives
from sudo_mcp_guardrails.iam.classes import arn_tokens
from sudo_mcp_guardrails.iam.crossing import runs_across, runs_on
from sudo_mcp_guardrails.iam.matching import ACCOUNT_PART, ARN_PARTS
from sudo_mcp_guardrails.iam.operators import like as like_test
from sudo_mcp_guardrails.iam.universe import (
    ACCOUNT,
    ANYTHING,
    NOBODYS_ACCOUNTS,
    has_chosen_text,
    may_meet,
    tokens,
    universes,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.iam.documents import Strings

MAX_COMBINATIONS: Final = 100_000
"""Combinations of parts up to which they are put together."""

Part = tuple[tuple[str, int], ...]
"""(text, mask of the patterns whose part it matches), one for each class."""


@lru_cache(maxsize=65_536)
def classified(formats: Strings, partition: str, patterns: Strings, accounts: Strings) -> tuple[tuple[str, int], ...]:
    """Return the resources of :func:`resources`, each with the mask of the patterns that match it."""
    tests = [like_test((pattern,)) for pattern in patterns]
    return tuple(
        (text, sum(1 << place for place, test in enumerate(tests) if test(text)))
        for text in resources(formats, partition, patterns, accounts)
    )


def resources(formats: Strings, partition: str, patterns: Strings, accounts: Strings) -> Strings:
    """Return a resource for each way in which patterns can match, and for each account that is named.

    Args:
        formats: ARN formats of which a resource has one.
        partition: Such as ``"aws"``.
        patterns: Resource patterns.
        accounts: Accounts of which it matters whether they own the resource.

    Raises:
        CapError: Where there are too many classes.
    """
    # Where anything goes, the plainest example first: what comes out alike later is left out.
    found: dict[str, None] = {"*": None} if ANYTHING in formats else {}
    # What AWS owns is nobody else's, though the same patterns match it.
    accounts = (*accounts, *NOBODYS_ACCOUNTS)
    for arn_format in formats:
        wanted = [p for p in patterns if may_meet(arn_format, partition, p)]
        split = tuple(tuple(pattern.split(":", ARN_PARTS - 1)) for pattern in wanted)
        if _needs_whole(arn_format, partition, split, wanted):
            found.update(dict.fromkeys(_whole(arn_format, partition, tuple(wanted), accounts)))
        else:
            found.update(dict.fromkeys(_joined(arn_format, partition, split, accounts)))
    return tuple(found)


def _needs_whole(arn_format: str, partition: str, split: tuple[Strings, ...], patterns: list[str]) -> bool:
    """Return whether patterns cannot be matched part by part: see above."""
    if arn_format.count(":") < ARN_PARTS - 1 or any(len(parts) < ARN_PARTS for parts in split):
        return True
    chosen = has_chosen_text(arn_format)
    return any((chosen and runs_on(p)) or runs_across(arn_format, partition, p) for p in patterns)


def _whole(arn_format: str, partition: str, patterns: Strings, accounts: Strings) -> Strings:
    """Return the classes of whole resources."""
    by_account = ACCOUNT in arn_format or arn_format == ANYTHING
    told_apart = (
        *(like(pattern) for pattern in patterns),
        *((arn_tokens(f"*:*:*:*:{account}:*") for account in accounts) if by_account else ()),
    )
    return representatives(universes(arn_format, partition), told_apart)


def _joined(arn_format: str, partition: str, patterns: tuple[Strings, ...], accounts: Strings) -> Iterator[str]:
    """Yield a resource for each combination of patterns, put together from the classes of its parts."""
    found: dict[int, str] = {(1 << (len(patterns) + len(accounts))) - 1: ""}
    for number, part_format in enumerate(arn_format.split(":", ARN_PARTS - 1)):
        named = accounts if number == ACCOUNT_PART and part_format else ()
        classes = _part(part_format, partition, tuple(parts[number] for parts in patterns), named, len(accounts))
        if len(found) * len(classes) > MAX_COMBINATIONS:
            raise CapError(f"telling {len(patterns)} resource patterns apart takes more than {MAX_COMBINATIONS} cases")
        separator = ":" if number else ""
        joined: dict[int, str] = {}
        for mask, before in found.items():
            for text, matched in classes:
                joined.setdefault(mask & matched, f"{before}{separator}{text}")
        found = joined
    yield from found.values()


@lru_cache(maxsize=65_536)
def _part(part_format: str, partition: str, patterns: Strings, accounts: Strings, spare: int) -> Part:
    """Return the classes of one part.

    The masks' lowest bits are the patterns'; above are those of the accounts, which all parts but the account's have.
    """
    distinct = tuple(dict.fromkeys((*patterns, *accounts)))
    tests = {pattern: like_test((pattern,)) for pattern in distinct}
    # An empty part, as of the Region of a bucket, is empty; an empty format would stand for "no resource".
    universe = tokens(part_format, partition) if part_format else ()
    told_apart = tuple(p for p in distinct if p != "*")
    texts = by_beginning(universe, told_apart) or representatives((universe,), tuple(map(like, told_apart)))
    if part_format == ACCOUNT:
        texts = (*texts, *NOBODYS_ACCOUNTS)
    above = 0 if accounts else ((1 << spare) - 1) << len(patterns)
    classes = []
    for text in texts:
        mask = above
        for place, pattern in enumerate(patterns):
            if tests[pattern](text):
                mask |= 1 << place
        for place, account in enumerate(accounts):
            if text == account:
                mask |= 1 << (len(patterns) + place)
        classes.append((text, mask))
    return tuple(classes)
