"""What was said or seen before, remembered by a process, and handed on to the next one as digests."""

from __future__ import annotations

import base64
import hashlib
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.detection.baseline.codec import as_list, as_object, as_text, whole

if TYPE_CHECKING:
    from collections.abc import Hashable

REMEMBERED: Final = 50_000
"""How many things a process remembers."""
HANDED: Final = 1_000
"""How many things that were said are handed on."""
SEEN_SECONDS: Final = 2 * 3_600
"""How long an event is handed on: it comes at once, and by the trail's file some minutes later."""
SEEN: Final = 3_000
"""How many events are handed on at most."""
_DIGEST_BYTES: Final = 8


class Once:
    """Remembers what was said already, the last 50,000 things."""

    def __init__(self) -> None:
        self._said: OrderedDict[Hashable, None] = OrderedDict()
        self._handed: dict[str, None] = {}

    def __call__(self, what: Hashable) -> bool:
        """Tell whether this is said for the first time, and remember it."""
        if self._handed and digest_of(what) in self._handed:
            return False
        if what in self._said:
            self._said.move_to_end(what)
            return False
        self._said[what] = None
        if len(self._said) > REMEMBERED:
            self._said.popitem(last=False)
        return True

    def to_data(self) -> list[str]:
        """Return what is remembered, the last 1,000 things, as JSON."""
        return [*self._handed, *map(digest_of, self._said)][-HANDED:]

    def take(self, data: object, where: str) -> None:
        """Remember what :meth:`to_data` gave; raises DetectionError for anything else."""
        self._handed = dict.fromkeys(as_text(one, where) for one in as_list(data, HANDED, where))


class Seen:
    """Remembers which events came, so that one that comes again counts once.

    In one process the last 50,000 do. What is handed on are those of the last two hours, 3,000 at most; an event that
    is older than all of these counts as seen, since nobody can tell: it is looked at for what is new, and not counted.
    """

    def __init__(self) -> None:
        self._times: OrderedDict[Hashable, int] = OrderedDict()
        self._handed: dict[str, int] = {}
        self._horizon = -1

    def again(self, what: Hashable, time: int) -> bool:
        """Tell whether an event came before, and remember it.

        Args:
            what: names it.
            time: of the event, in seconds.
        """
        if time <= self._horizon or (self._handed and digest_of(what) in self._handed):
            return True
        if what in self._times:
            self._times.move_to_end(what)
            return True
        self._times[what] = time
        if len(self._times) > REMEMBERED:
            self._times.popitem(last=False)
        return False

    def to_data(self) -> dict[str, Any]:
        """Return what is remembered, as JSON."""
        every = {**self._handed, **{digest_of(what): time for what, time in self._times.items()}}
        newest = max(every.values(), default=self._horizon)
        kept = sorted(((time, name) for name, time in every.items() if time > newest - SEEN_SECONDS), reverse=True)
        horizon = max(self._horizon, newest - SEEN_SECONDS)
        if len(kept) > SEEN:
            horizon = max(horizon, kept[SEEN][0])
            kept = [one for one in kept[:SEEN] if one[0] > horizon]
        return {"horizon": max(0, horizon), "events": [[name, time] for time, name in reversed(kept)]}

    def take(self, data: object, where: str) -> None:
        """Remember what :meth:`to_data` gave; raises DetectionError for anything else."""
        found = as_object(data, where)
        self._horizon = whole(found.get("horizon"), where)
        rows = (as_list(row, 2, where, exactly=True) for row in as_list(found.get("events"), SEEN, where))
        self._handed = {as_text(name, where): whole(time, where) for name, time in rows}


def digest_of(what: Hashable) -> str:
    """Return 8 bytes that stand for a thing, as text; its form with ``repr`` is the same in every process."""
    made = hashlib.blake2b(repr(what).encode("utf-8", "surrogatepass"), digest_size=_DIGEST_BYTES).digest()
    return base64.b64encode(made).decode().rstrip("=")
