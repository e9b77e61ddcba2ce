"""Words of a request: which mean an action, which an object, and which say nothing."""

from __future__ import annotations

import re
from typing import Final

_TOKEN: Final = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)?")
_SENTENCE: Final = re.compile(r"(?<=[.!?;])\s+|\n+")


def listed(words: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(words.split())


VERBS: Final[dict[str, frozenset[str]]] = {
    canonical: frozenset(words.split())
    for canonical, words in {
        "send": "send sending forward write reply respond message post email mail tell inform notify share text ask "
        "answer dm",
        "post": "post publish put upload write",
        "create": "create add make set schedule write save store put book plan organize arrange new compile draft "
        "generate block",
        "add": "add invite include put join",
        "append": "append add write update extend put insert",
        "delete": "delete remove erase discard trash",
        "remove": "remove delete kick ban expel",
        "cancel": "cancel delete remove drop",
        "reschedule": "reschedule move postpone shift delay change push",
        "update": "update change adjust modify edit correct set fix amend increase decrease",
        "schedule": "schedule set plan create",
        "share": "share grant give send",
        "invite": "invite add",
        "reserve": "reserve book reservation booking make",
    }.items()
}
"""The first word of a tool's name to the words of a request that ask for it."""
NOUNS: Final[dict[str, frozenset[str]]] = {
    canonical: frozenset(words.split())
    for canonical, words in {
        "email": "email emails mail mails e-mail message reply inbox",
        "event": "event events meeting meetings appointment appointments calendar lunch dinner breakfast brunch call "
        "reminder session",
        "participants": "participant participants attendee attendees event meeting",
        "file": "file files document documents doc docx txt md pdf csv xlsx pptx list notes",
        "money": "money payment bill difference refund amount",
        "transaction": "transaction transactions payment payments order orders standing",
        "password": "password passcode",
        "info": "information info details address account name",
        "user": "user users member members people person everyone somebody colleague",
        "channel": "channel channels",
        "message": "message messages dm question feedback",
        "slack": "slack workspace",
        "webpage": "website websites webpage webpages page site www http https",
        "hotel": "hotel hotels accommodation stay room",
        "restaurant": "restaurant restaurants table dinner lunch",
        "car": "car cars vehicle rental",
        "rental": "car cars vehicle rental",
        "company": "company companies",
        "iban": "iban account",
        "day": "day",
        "contacts": "contact contacts",
    }.items()
}
"""A noun of a tool's name to the words of a request that name it."""
IMPLIED: Final[dict[str, tuple[str, str]]] = {
    "pay": ("send", "money"),
    "refund": ("send", "money"),
    "transfer": ("send", "money"),
    "reimburse": ("send", "money"),
    "email": ("send", "email"),
    "message": ("send", "message"),
    "reschedule": ("reschedule", "event"),
    "invite": ("invite", "user"),
    "move": ("reschedule", "event"),
    "postpone": ("reschedule", "event"),
    "cancel": ("cancel", "event"),
}
"""Words that name an action and its object at once."""
SELECTORS: Final = listed(
    "all each every any which most least best highest lowest cheapest largest biggest smallest other others "
    "first last latest newest oldest recent random next both starting top find good expensive cheap rated some"
)
"""Words that leave a choice to the agent."""
KINDS: Final[dict[str, frozenset[str]]] = {
    "recipient": frozenset({"user", "iban", "contacts"}),
    "recipients": frozenset({"participants", "contacts", "user"}),
    "cc": frozenset({"participants", "contacts", "user"}),
    "bcc": frozenset({"participants", "contacts", "user"}),
    "company": frozenset({"company", "car", "rental"}),
    "id": frozenset({"transaction"}),
}
"""What an argument's name stands for, where it is no noun itself."""
STOP: Final = listed(
    "a about accordingly after afternoon again already also amount an and anything april are as asked asks at "
    "august be been before between but by can check com content contents could date day december description "
    "did do does end ended ends evening february five following for four friday from get give goes going got "
    "had has have he hello help her hi him his how http https i if in into is it its january july june just "
    "know let like list listed location make many march may me mentioned monday month more morning much my "
    "name named near need net no noon not november number october of off on one only or org our out per please "
    "query received saturday september she so someone something start started starts still subject such "
    "summarize summary sunday sure take tell than thanks that the their them then there these they think this "
    "those three thursday time title to today tomorrow too total tuesday two up us use using want was we "
    "wednesday week went were what when where whether while who why will with would written wrote www year "
    "yesterday you your"
)


def tokens(text: str) -> list[str]:
    """Return the words of a text in small letters."""
    return _TOKEN.findall(text.casefold())


def sentences(text: str) -> list[list[str]]:
    """Return the words of each sentence."""
    return [found for each in _SENTENCE.split(text) if (found := tokens(each))]


def nouns_of(name: str) -> frozenset[str]:
    """Return the known nouns in the name of a tool or an argument, in the form of :data:`NOUNS`."""
    found = set()
    for word in name.casefold().split("_"):
        for noun in (word, word.removesuffix("s"), word + "s"):
            if noun in NOUNS:
                found.add(noun)
                break
    return frozenset(found)


def _all(table: dict[str, frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*table.values())


GENERIC: Final = STOP | _all(VERBS) | _all(NOUNS) | SELECTORS | frozenset(IMPLIED)
"""Words that pick nothing out: they are no key of a record."""
