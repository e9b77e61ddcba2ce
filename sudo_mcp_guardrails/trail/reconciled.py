"""What a comparison of a source with a sink found: :mod:`~sudo_mcp_guardrails.trail.reconcile` makes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

MAX_ITEMS: Final = 10_000
"""Most items that a report keeps; the counts go on."""


class Gap(str, Enum):
    """What is wrong with a file, a digest or the index."""

    NOT_TAKEN_IN = "not-taken-in"
    """A trail file that is not in the ledger, or there with a part of it alone."""
    EVENTS_MISSING = "events-missing"
    """A file of the ledger, some events of which the sink has not."""
    NEVER_SEEN = "never-seen"
    """A file that a digest names and that is neither in the source nor in the ledger: its events are lost."""
    GONE = "gone"
    """A file of the ledger that is not in the source any more: the sink has its events, the archive has not."""
    CHANGED = "changed"
    """A file of other bytes than were taken in, or than CloudTrail says; it is not taken in again."""
    UNREADABLE = "unreadable"
    """A file that is there and could not be read, so that nothing is known of it."""
    DIGEST = "digest"
    """A digest that proves nothing: missing, changed, or not signed."""
    COUNT = "count"
    """The sink holds fewer events than its ledger says it created."""


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that is wrong.

    Attributes:
        gap: what.
        name: the file, or ``index`` for a wrong count.
        reason: in one line.
        repaired: whether it was taken in again, and was found there after that.
    """

    gap: Gap
    name: str
    reason: str
    repaired: bool = False


@dataclass
class Reconciled:
    """What came of it.

    Attributes:
        checked: trail files of the source that were looked at.
        missing: files with events that should be in the sink and are not.
        repaired: of these, taken in again and found there after that.
        broken: what taking in again cannot mend.
        digests: digests that are as CloudTrail delivered them.
        proved: log files that are as one of these says.
        items: what is wrong, at most 10,000.
        omitted: items that are not kept.
        last: the file up to which all is done: the ``first`` of the range of a run that goes on from here.
    """

    checked: int = 0
    missing: int = 0
    repaired: int = 0
    broken: int = 0
    digests: int = 0
    proved: int = 0
    items: list[Item] = field(default_factory=list)
    omitted: int = 0
    last: str | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing is missing any more and nothing is broken."""
        return self.missing == self.repaired and not self.broken

    def add(self, item: Item) -> None:
        """Keep an item, unless there are too many."""
        if len(self.items) < MAX_ITEMS:
            self.items.append(item)
        else:
            self.omitted += 1
