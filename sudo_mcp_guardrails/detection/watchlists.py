"""What the users of the rules name themselves: honeytokens, brokers of their own, OAuth clients that agents may use.

A list has a name, and a rule asks for it as ``agent.watch``: events that touch an entry carry the list's name there, be
they an agent's or anybody's. Who acts is looked up; what is acted on is looked for in the events of its own service
alone, so that an event of another takes no time.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from sudo_mcp_guardrails.detection.errors import DetectionError
from sudo_mcp_guardrails.detection.matching.values import texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sudo_mcp_guardrails.trail.event import Event

HONEYTOKEN: Final = "honeytoken"
"""Access keys, roles, users, secrets, parameters and buckets that nobody has a reason to touch."""
BROKER: Final = "broker"
"""Roles, beside the guardrails' own brokers, that may mint agents' sessions."""
OAUTH_CLIENT: Final = "oauth-client"
"""OAuth clients that agents' own sessions may sign in to."""
NAMES: Final = (HONEYTOKEN, BROKER, OAUTH_CLIENT)
"""The lists that rules of the library ask for; a user's own rules may ask for others."""

MAX_ENTRIES: Final = 1000
"""How many entries all lists may have together."""

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}")
_KEY: Final = re.compile(r"A(?:KIA|SIA)[A-Z0-9]{12,28}")
_PRINCIPAL: Final = re.compile(r"arn:[a-z-]+:iam::[0-9]{12}:(?:role|user)/[\w+=,.@/-]{1,512}", re.ASCII)
_RESOURCE: Final = re.compile(
    r"arn:[a-z-]+:([a-z0-9-]+):[a-z0-9-]*:[0-9]{0,12}:(?:(?:secret|parameter|table|function|key)[:/])?([!-~]{1,1024})"
    r"|(?!arn:)([a-z0-9-]+):([!-~]{1,1024})"
)


class _Resource(NamedTuple):
    """What is acted on: as a request names it, the bytes by which an event is worth a look, and the list."""

    whole: re.Pattern[str]
    part: bytes
    name: str


class Watchlists:
    """Named lists, ready to be asked about events.

    Args:
        lists: entries by the list's name. An entry is an access key's id, the ARN of a role or a user, the ARN of a
            resource, or ``service:name``, such as ``secretsmanager:prod/payments`` or ``s3:backup-of-payroll``.

    Raises:
        DetectionError: for a name or an entry of another form, or more than :data:`MAX_ENTRIES`.
    """

    def __init__(self, lists: Mapping[str, Iterable[str]] | None = None) -> None:
        self._actors: dict[str, set[str]] = {}
        self._resources: dict[str, list[_Resource]] = {}
        count = 0
        for name, entries in (lists or {}).items():
            if not _NAME.fullmatch(name):
                raise DetectionError(f"watchlist {name[:60]!r} is not allowed, allowed: lower-case words with hyphens")
            for entry in entries:
                count += 1
                if count > MAX_ENTRIES:
                    raise DetectionError(f"watchlists have more than {MAX_ENTRIES} entries, allowed: {MAX_ENTRIES}")
                self._add(name, entry)

    def __bool__(self) -> bool:
        return bool(self._actors or self._resources)

    def marks(self, event: Event) -> list[str]:
        """Return the names of the lists that an event touches, in order; empty for nearly all."""
        found: set[str] = set()
        if self._actors:
            for value in (event.access_key, event.role_arn, event.principal_arn):
                if value is not None and value in self._actors:
                    found |= self._actors[value]
        service = (event.source or "").partition(".")[0]
        near = [one for one in self._resources.get(service, ()) if one.part in event.raw]
        if near:
            document = event.document()
            asked = [*texts({"asked": document.get("requestParameters"), "on": document.get("resources")})]
            found.update(one.name for one in near if any(one.whole.fullmatch(text) for text in asked))
        return sorted(found)

    def _add(self, name: str, entry: str) -> None:
        if _KEY.fullmatch(entry) or _PRINCIPAL.fullmatch(entry):
            self._actors.setdefault(entry, set()).add(name)
            return
        found = _RESOURCE.fullmatch(entry)
        if found is None or found[1] == "iam":
            raise DetectionError(
                f"entry {entry[:80]!r} of watchlist {name!r} is not allowed, allowed: an access key's id, an ARN, or "
                "service:name"
            )
        service, resource = found[1] or found[3], found[2] or found[4]
        # A parameter's name may begin with a slash, which its ARN has not twice; Secrets Manager adds six characters to
        # a secret's ARN. Callers name a resource by its name or by its ARN.
        plain = resource.lstrip("/") if service == "ssm" else resource
        suffix = "(?:-[A-Za-z0-9]{6})?" if service == "secretsmanager" else ""
        whole = re.compile(rf"(?:arn:[^ ]*[:/]|/)?{re.escape(plain)}{suffix}")
        part = json.dumps(plain)[1:-1].encode()
        self._resources.setdefault(service, []).append(_Resource(whole, part, name))
