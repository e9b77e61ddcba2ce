"""The guard's own credentials, one set for each capability. The agent neither has them nor says which are used."""

from __future__ import annotations

import re
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import Capability
from sudo_mcp_guardrails.gateway.deciding.errors import DecidingError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sudo_mcp_guardrails.gateway.call import Session

EARLY: Final = 300.0
"""Seconds before their end at which credentials are asked for anew."""
_KEY: Final = re.compile(r"[A-Z0-9]{16,128}")


@dataclass(frozen=True)
class Credentials:
    """Credentials of a session of one role.

    Attributes:
        key_id: Access key id.
        secret: Secret access key.
        token: Session token: what lasts is not taken.
        ends: Seconds since 1970.

    Raises:
        DecidingError: They are not those of a session.
    """

    key_id: str = field(repr=False)
    secret: str = field(repr=False)
    token: str = field(repr=False)
    ends: float

    def __post_init__(self) -> None:
        """Validate."""
        if not _KEY.fullmatch(self.key_id) or not self.secret or not self.token:
            raise DecidingError("credentials are not those of a session, expected key id, secret and session token")

    def environment(self, region: str = "") -> dict[str, str]:
        """Return the variables that a server started with them gets, and no other of AWS's.

        Args:
            region: Of the session; empty for none.
        """
        found = {
            "AWS_ACCESS_KEY_ID": self.key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret,
            "AWS_SESSION_TOKEN": self.token,
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        return found | ({"AWS_REGION": region, "AWS_DEFAULT_REGION": region} if region else {})


class Vault:
    """Credentials by capability, asked for when they are needed, and anew before they end.

    Args:
        sources: What returns fresh ones for a capability, such as a client of the session broker; it may block, so no
            check asks it.
        clock: Seconds since 1970.
    """

    def __init__(
        self, sources: Mapping[Capability, Callable[[], Credentials]], clock: Callable[[], float] = time.time
    ) -> None:
        self._sources = dict(sources)
        self._clock = clock
        self._kept: dict[Capability, Credentials] = {}
        self._lock = threading.Lock()

    def of(self, session: Session) -> Credentials:
        """Return the credentials of a session, by the capability that the guard gave it.

        Raises:
            DecidingError: There are none for it, or those that came have ended.
        """
        try:
            capability = Capability(session.capability)
            source = self._sources[capability]
        except (ValueError, KeyError):
            known = ", ".join(sorted(each.value for each in self._sources)) or "none"
            raise DecidingError(
                f"there are no credentials for capability {session.capability[:40]!r}, expected of {known}"
            ) from None
        with self._lock:
            found = self._kept.get(capability)
            if found is None or found.ends - EARLY <= self._clock():
                found = source()
                if found.ends <= self._clock():
                    raise DecidingError(f"credentials for {capability.value!r} ended before they came")
                self._kept[capability] = found
            return found
