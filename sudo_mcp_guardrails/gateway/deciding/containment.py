"""Whether the agent is contained, and whether changes are frozen.

The kill switch is read by somebody else's thread, since a decision must not wait for a table; what is decided is by the
last reading. One that is missing, failed, or older than it may be counts as a thrown switch.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.state.kill_switch import KillSwitch, Switch, Verdict
from sudo_mcp_guardrails.state.targets import Target

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_log = logging.getLogger(__name__)
OLDEST: Final = 60.0
"""Seconds for which a reading holds."""
EVERY: Final = 5.0
"""Seconds between readings."""
_FIELDS: Final = frozenset({"target", "level", "reason", "by", "at", "incident"})
_MOST_BYTES: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class _Reading:
    at: float
    switch: KillSwitch


class Containment:
    """The last reading of the kill switch.

    Args:
        read: Reads it; may block, and may raise, which is an unreadable switch.
        oldest: Seconds for which a reading holds.
        clock: Seconds that only grow.
    """

    def __init__(
        self, read: Callable[[], KillSwitch], oldest: float = OLDEST, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._oldest = oldest
        self._clock = clock
        self._last: _Reading | None = None
        self._stop = threading.Event()

    def refresh(self) -> None:
        """Read it once; raises nothing."""
        began = self._clock()
        try:
            found = self._read()
        except Exception as error:  # noqa: BLE001 - whatever it is, the switch counts as thrown
            _log.warning("the kill switch cannot be read: %s", error)
            found = KillSwitch(unreadable=f"the kill switch cannot be read: {type(error).__name__}")
        # A reading that took long is as old as its beginning.
        self._last = _Reading(began, found)

    def allows(self, agent: str) -> Verdict:
        """Return whether an agent may make calls, by the last reading."""
        last = self._last
        if last is None:
            return Verdict(allowed=False, reason="the kill switch was not read yet")
        if self._clock() - last.at > self._oldest:
            return Verdict(allowed=False, reason=f"the kill switch was not read for {self._oldest:.0f} seconds")
        return last.switch.allows(agent)

    def watch(self, every: float = EVERY) -> None:
        """Read it now, and from then on in a thread of its own, until :meth:`close`."""
        self.refresh()

        def reading() -> None:
            while not self._stop.wait(every):
                self.refresh()

        threading.Thread(target=reading, name="kill-switch", daemon=True).start()

    def close(self) -> None:
        """Read it no more."""
        self._stop.set()


def never() -> KillSwitch:
    """Return a switch that nobody can throw, for who has none: said in the configuration, never by default."""
    return KillSwitch()


def read_file(path: Path) -> KillSwitch:
    """Read a switch from a file, for a laptop.

    It holds ``{"switches": [{"target", "level", "reason", "by", "at", "incident"}]}``.

    Args:
        path: Where it is. A file that is missing is a switch that cannot be read.
    """
    try:
        with path.open("rb") as opened:
            text = opened.read(_MOST_BYTES + 1)
        document = json.loads(text) if len(text) <= _MOST_BYTES else None
        if not isinstance(document, dict) or set(document) != {"switches"}:
            return KillSwitch(unreadable="the kill switch's file is not understood")
        return KillSwitch(tuple(_switch(item) for item in document["switches"]))
    except (OSError, ValueError, TypeError, RecursionError, GuardrailsError) as error:
        return KillSwitch(unreadable=f"the kill switch's file cannot be read: {type(error).__name__}")


def _switch(item: Any) -> Switch:  # noqa: ANN401 - JSON
    if not isinstance(item, dict) or set(item) != _FIELDS:
        raise ValueError("not a switch")
    if type(item["at"]) is not int or not all(isinstance(item[name], str) for name in _FIELDS - {"at"}):
        raise TypeError("not a switch")
    return Switch(Target.parse(item["target"]), item["level"], item["reason"], item["by"], item["at"], item["incident"])
