"""Plays of one approval each, side by side in one deployment, and which way each took."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from tests.local.approvals.site import Site

SIDE_BY_SIDE = 8
"""Plays that wait at once; the machine has fewer cores than that, and most of a play is waiting."""


class Plays:
    """Plays that were begun together; each test waits for its own.

    Args:
        site: Where they are played.
        plays: By name, in the order in which they begin.
        width: How many go at once.
    """

    def __init__(self, site: Site, plays: dict[str, Callable[[Site], Any]], width: int = SIDE_BY_SIDE) -> None:
        self._pool = ThreadPoolExecutor(width)
        self._found: dict[str, Future[Any]] = {name: self._pool.submit(play, site) for name, play in plays.items()}

    def result(self, name: str) -> Any:
        """What a play returned, or the error that ended it."""
        return self._found[name].result(timeout=900)

    def close(self) -> None:
        """Wait for all of them."""
        self._pool.shutdown(wait=True, cancel_futures=True)


def edges(states: list[str]) -> set[tuple[str, str]]:
    """The transitions of one execution."""
    return set(pairwise(states))
