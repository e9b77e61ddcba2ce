"""Python's cycle collector, made rare while many events are read."""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_COLLECT: Final = (100_000, 50, 50)


@contextmanager
def rare_collections() -> Iterator[None]:
    """Look for cycles less often, and as before afterwards.

    Events are trees: looking for cycles among them as often as usual takes a twentieth of the time.
    """
    before = gc.get_threshold()
    gc.set_threshold(*_COLLECT)
    try:
        yield
    finally:
        gc.set_threshold(*before)
