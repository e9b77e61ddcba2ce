"""What a request authorizes, read from its words alone: which tools, which values, and what it leaves to others.

No model is asked: the same request gives the same manifest. What it cannot tell it does not authorize, which costs a
question to a person.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.gateway.taint.dates import days, speaks_of
from sudo_mcp_guardrails.gateway.taint.entities import entities, form_of, plain
from sudo_mcp_guardrails.gateway.taint.words import (
    GENERIC,
    IMPLIED,
    NOUNS,
    SELECTORS,
    VERBS,
    listed,
    nouns_of,
    sentences,
    tokens,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_QUOTED: Final = re.compile(
    r"(?<!\w)(?:'[^'\n]{2,400}'|\"[^\"\n]{2,400}\"|\u201c[^\u201d\n]{2,400}\u201d|\u2018[^\u2019\n]{2,400}\u2019)(?!\w)"
)
_CLAUSE: Final = re.compile(r",|;|:|\band\b|\bthen\b|\balso\b|\bso\b|(?<=[.!?])\s|\n", re.IGNORECASE)
_DELEGATED: Final = re.compile(
    r"\b(?:do|does|doing|perform|complete|execute|carry out|take care of|handle)\b[^.!?\n]{0,30}"
    r"\b(?:tasks?|actions?|things|steps|to-?dos?|everything|whatever)\b[^.!?\n]{0,40}"
    r"\b(?:in|on|from|at|by|specified|mentioned|listed|described|requested|asked|says?|that|he|she|they)\b"
    r"|\b(?:do|does|doing)\b[^.!?\n]{0,30}\b(?:what|whatever|as)\b[^.!?\n]{0,60}"
    r"\b(?:says?|asks?|asked|told|tells?|requests?|requested|wants?|instructs?)\b"
    r"|\b(?:follow|execute|obey)\b[^.!?\n]{0,30}\b(?:instructions?|steps|orders)\b",
    re.IGNORECASE,
)
_RUN_ON: Final = re.compile(r"(?<=[a-z])\.(?=[A-Z][a-z]*\s)")
"""A sentence that begins without a space before it."""
_LISTED: Final = re.compile(r"\bfollowing (?:tasks|actions|steps|things)\b", re.IGNORECASE)
_LINKED: Final = re.compile(
    r"\b(?:articles?|web ?sites?|web ?pages?|links?|urls?|posts?)\b[^.!?\n]{0,40}"
    r"\b(?:posted|shared|sent|linked|mentioned|in|from)\b",
    re.IGNORECASE,
)
_NOMINAL: Final = listed(
    "the a an my your his her our their this that these those of in from by with direct new last first any "
    "each every all unread received sent which what"
)
"""A word after one of these is no order to do something."""
_PLAIN: Final = frozenset({"forward", "reply", "respond", "book", "mail"})
_GOES_ON: Final = re.compile(r"[\w@.-]")
_GOES_ON_AFTER: Final = re.compile(r"[\w@]|[.-]\w")
_NEAR: Final = 6
_LEAST_DIGITS: Final = 4
_LEAST_KEY: Final = 3
_NUMBER: Final = re.compile(r"(?<![\w.-])\d+(?:\.\d+)?(?![\w-])")


@dataclass(frozen=True)
class Manifest:
    """What a request authorizes.

    Attributes:
        text: The request.
        tools: Names of the writing tools it speaks of.
        delegated: Whether it leaves it to other data what to do, as "do the tasks of my list".
        links: Whether it asks to read what others linked to.
        keys: Words and numbers of it that pick something out.
        days: Days that it speaks of.
        entities: Links, addresses and numbers of accounts in it.
        choices: Nouns of which it leaves the choice to the agent.
    """

    text: str
    tools: frozenset[str]
    delegated: bool
    links: bool
    keys: frozenset[str]
    days: frozenset[str]
    entities: frozenset[tuple[str, str]]
    choices: frozenset[str]

    def says(self, value: str) -> bool:
        """Tell whether a whole value stands in the request; never true of a bare number of fewer than four digits."""
        value = value.strip()
        form = form_of(value)
        if form is not None:
            found = plain(form, value)
            # A host that is named without a path is named whole.
            return not {(form.value, found), (form.value, found.partition("/")[0])}.isdisjoint(self.entities)
        if len(value) < 2 or (value.isdigit() and len(value) < _LEAST_DIGITS):  # noqa: PLR2004 - one letter
            return False
        return self._has(value.casefold()) or speaks_of(value, self.days)

    def _has(self, value: str) -> bool:
        text, at = self.text.casefold(), -1
        while (at := text.find(value, at + 1)) >= 0:
            # What goes on before or after it is another word, address or name of a file.
            if not _GOES_ON.search(text[max(0, at - 1) : at]) and not _GOES_ON_AFTER.match(text, at + len(value)):
                return True
        return False

    def picks(self, value: str) -> bool:
        """Tell whether a value has a word, a number or a day of the request that picks something out."""
        if speaks_of(value, self.days) or not self.keys.isdisjoint(_words(value)):
            return True
        if self.entities and any((form.value, found) in self.entities for form, found in entities(value)):
            return True
        if len(tokens(value)) > 1 and self.says(value):
            return True
        return any(_number(each) in self.keys for each in _NUMBER.findall(value))


@lru_cache(maxsize=1_000)
def manifest_of(request: str, tools: frozenset[str]) -> Manifest:
    """Read a request.

    Args:
        request: What the user, or the SOP, says.
        tools: Names of all writing tools of the session's servers.
    """
    request = _RUN_ON.sub(". ", request)
    bare = _QUOTED.sub(" ", request)
    rest = request
    for _, each in entities(request):
        rest = re.sub(re.escape(each), " ", rest, flags=re.IGNORECASE)
    words = [each for each in _words(rest) if each not in GENERIC and len(each) >= _LEAST_KEY and not each.isdigit()]
    numbers = {_number(each) for each in _NUMBER.findall(request) if "." in each or len(each) >= _LEAST_DIGITS}
    return Manifest(
        text=request,
        tools=_tools(bare, sorted(tools)),
        delegated=bool(_DELEGATED.search(_LISTED.sub(" ", bare))),
        links=bool(_LINKED.search(request)),
        keys=frozenset(words) | numbers,
        days=days(request),
        entities=frozenset((form.value, value) for form, value in entities(request)),
        choices=_choices(bare),
    )


def _words(text: str) -> list[str]:
    return [each.removesuffix("'s").removesuffix("\u2019s") for each in tokens(text)]


def _number(text: str) -> str:
    return f"{float(text):.10g}" + "#"


def _tools(request: str, tools: Iterable[str]) -> frozenset[str]:
    found: set[str] = set()
    names = [(name, name.casefold().split("_")[0], nouns_of(name)) for name in tools]
    everything = set(tokens(request))
    for clause in _CLAUSE.split(request):
        words = tokens(clause)
        named = set(words) | ({"email"} if "@" in clause else set())
        exact, loose = set[str](), set[str]()
        for name, verb, nouns in names:
            hit = [word for place, word in enumerate(words) if _orders(words, place, verb)]
            if any(
                IMPLIED.get(word, ("",))[0] == verb and IMPLIED[word][1] in nouns for word in hit if word in IMPLIED
            ) or (hit and (not nouns or (any(named & NOUNS[noun] for noun in nouns) and _others(hit, nouns, named)))):
                exact.add(name)
            elif any(word == verb or word in _PLAIN for word in hit):
                loose.add(name)
        # "book it": what another clause names. What is sent is seldom named by where it is sent through.
        named_elsewhere = {
            name for name, verb, nouns in names if verb != "send" and any(everything & NOUNS[noun] for noun in nouns)
        }
        found |= exact or (loose & named_elsewhere) or loose
    return frozenset(found)


def _others(hit: Collection[str], nouns: Collection[str], named: Collection[str]) -> bool:
    """Tell whether something but the verb itself names the object: "email" is a verb and a noun."""
    return any((NOUNS[noun] & set(named)) - set(hit) for noun in nouns)


def _orders(words: list[str], place: int, verb: str) -> bool:
    word = words[place]
    if word not in VERBS.get(verb, frozenset()) | {verb} and IMPLIED.get(word, ("",))[0] != verb:
        return False
    return place == 0 or words[place - 1] not in _NOMINAL


def _choices(request: str) -> frozenset[str]:
    found = set()
    for words in sentences(request):
        places = [place for place, word in enumerate(words) if word in SELECTORS]
        for noun, forms in NOUNS.items():
            at = [place for place, word in enumerate(words) if word in forms]
            if any(abs(one - other) <= _NEAR for one in places for other in at):
                found.add(noun)
    return frozenset(found)
