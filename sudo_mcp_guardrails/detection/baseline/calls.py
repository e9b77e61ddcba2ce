"""What baselines keep of an event: the action, its effect, and the terms that may be new."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.trail.event import Event

MAX_TEXT: Final = 160
"""How much of a value is kept: it is the caller's to choose."""

_READS: Final = ("Describe", "List", "Get", "Head", "Lookup", "Search", "BatchGet", "Select", "Scan", "Query")
_DELETES: Final = ("Delete", "Terminate", "Remove", "Deregister", "Purge", "Destroy", "ScheduleKeyDeletion")
_REFUSED: Final = re.compile("AccessDenied|Unauthorized|Forbidden|AuthorizationError")
_IPV4: Final = re.compile(r"(\d{1,3}\.\d{1,3})\.\d{1,3}\.\d{1,3}")
_IPV6: Final = re.compile(r"([0-9a-fA-F]{1,4}:[0-9a-fA-F]{1,4}):[0-9a-fA-F:.]*")
_PROGRAM: Final = re.compile(r"\[?([^\s/\]]{1,64})")
_VERSIONED: Final = re.compile(r"\d{4}_?\d{2}_?\d{2}(?:v\d+)?$")


class Effect(str, Enum):
    """What a call does."""

    READ = "read"
    WRITE = "write"
    DELETE = "delete"


class Kind(str, Enum):
    """What a term is of, the weightiest first."""

    SERVICE = "service"
    ACTION = "action"
    PLACE = "place"
    """Account and Region."""
    RESOURCE = "resource"
    """Action and type of resource."""
    SOURCE = "source"
    """The network that a call comes from: /16 of IPv4, /32 of IPv6, or the name of the service that makes it. Finer
    would be new all the time, where agents run in a cloud."""
    USER_AGENT = "user-agent"
    """The program, without its version, since versions are new all the time."""


@dataclass(frozen=True, slots=True)
class Call:
    """One event, as baselines see it.

    Attributes:
        service: the event source's first label, such as ``ec2``.
        action: ``ec2:RunInstances``, without the version that some operations' names end with.
        effect: what it does; a write where the event does not say.
        failed: whether there was an error.
        refused: whether the error says that the caller may not.
        terms: pairs of kind and text.
    """

    service: str
    action: str
    effect: Effect
    failed: bool
    refused: bool
    terms: tuple[tuple[Kind, str], ...]

    @classmethod
    def of(cls, event: Event) -> Call:
        """Return what an event says; a field that is absent is ``unknown``, or no term."""
        service = (event.source or "unknown").partition(".")[0][:MAX_TEXT]
        name = _VERSIONED.sub("", event.name or "unknown")
        action = f"{service}:{name}"[:MAX_TEXT]
        refused = event.error is not None and _REFUSED.search(event.error) is not None
        terms = tuple(_terms(event, service, action))
        return cls(service, action, _effect(event, name), event.error is not None, refused, terms)

    @property
    def counted(self) -> str:
        """The action as it is counted: what was refused is no precedent for what was done."""
        return self.action + "!" if self.refused else self.action


def _effect(event: Event, name: str) -> Effect:
    if name.startswith(_DELETES):
        return Effect.DELETE
    if event.read_only is True or (event.read_only is None and name.startswith(_READS)):
        return Effect.READ
    return Effect.WRITE


def _terms(event: Event, service: str, action: str) -> Iterator[tuple[Kind, str]]:
    yield Kind.SERVICE, service
    yield Kind.ACTION, action
    if event.account is not None or event.region is not None:
        yield Kind.PLACE, f"{event.account or 'unknown'}/{event.region or 'unknown'}"[:MAX_TEXT]
    for one in _resource_types(event):
        yield Kind.RESOURCE, f"{action} on {one}"[:MAX_TEXT]
    if event.source_ip:
        yield Kind.SOURCE, network_of(event.source_ip)
    program = _PROGRAM.match(event.user_agent or "")
    if program is not None:
        yield Kind.USER_AGENT, program[1]


def network_of(address: str) -> str:
    """Return the network of an address; the first characters of what is none."""
    found = _IPV4.fullmatch(address)
    if found is not None:
        return found[1] + ".0.0/16"
    found = _IPV6.fullmatch(address)
    return found[1].lower() + "::/32" if found is not None else address[:MAX_TEXT]


def _resource_types(event: Event) -> list[str]:
    if b'"resources"' not in event.raw:  # parsing takes ten times as long as all else here
        return []
    listed = event.document().get("resources")
    if not isinstance(listed, list):
        return []
    types = {one["type"] for one in listed[:20] if isinstance(one, dict) and isinstance(one.get("type"), str)}
    return sorted(types)[:3]
