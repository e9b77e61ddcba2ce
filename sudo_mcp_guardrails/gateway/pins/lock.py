"""The lock file, ``mcp-guardrails.lock.json``: each server and each tool as a person accepted them.

It is JSON with names in order, two spaces a level and one line end at the end, so that a change of it is a small diff.
Definitions stand there whole, beside their digest: a reviewer reads what the model will read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.gateway.pins.canonical import digest
from sudo_mcp_guardrails.gateway.pins.errors import PinError
from sudo_mcp_guardrails.gateway.pins.labels import UNREVIEWED, labels_of
from sudo_mcp_guardrails.gateway.pins.lock_reading import entries, object_of, parsed, texts
from sudo_mcp_guardrails.gateway.pins.snapshot import ERAS, LISTS, named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sudo_mcp_guardrails.gateway.pins.labels import Labels
    from sudo_mcp_guardrails.gateway.pins.snapshot import Snapshot

LOCK_NAME: Final = "mcp-guardrails.lock.json"
VERSION: Final = 1
_SERVER: Final = {"launch", "eras", "accepted", "dynamic", *LISTS}


@dataclass(frozen=True, slots=True)
class Pin:
    """One tool, prompt, resource or template.

    Attributes:
        definitions: By digest, whole; two where the eras of the protocol show two forms of it.
        labels: Of a tool; the strictest for all else.
    """

    definitions: Mapping[str, Mapping[str, Any]]
    labels: Labels = UNREVIEWED


@dataclass(frozen=True, slots=True)
class ServerPin:
    """One server.

    Attributes:
        launch: The document of a :class:`~sudo_mcp_guardrails.gateway.pins.launch.LaunchPin`.
        eras: By era, what it says of itself.
        lists: By kind and name, what it offers.
        accepted: Findings that a person accepted, as ``ID ITEM``.
        dynamic: Kinds whose items come and go, such as a database's tables as ``resources``, and are not pinned. Never
            tools.
    """

    launch: Mapping[str, Any]
    eras: Mapping[str, Mapping[str, Any]]
    lists: Mapping[str, Mapping[str, Pin]] = field(default_factory=dict)
    accepted: tuple[str, ...] = ()
    dynamic: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """Return it as the lock file has it."""
        return {
            "launch": dict(self.launch),
            "eras": {era: dict(each) for era, each in self.eras.items()},
            "accepted": list(self.accepted),
            "dynamic": list(self.dynamic),
            **{kind: {name: _pin(kind, pin) for name, pin in self.lists.get(kind, {}).items()} for kind in LISTS},
        }


@dataclass(frozen=True, slots=True)
class Lock:
    """All servers, by the name that the guard knows them under."""

    servers: Mapping[str, ServerPin] = field(default_factory=dict)

    def text(self) -> str:
        """Return the file: the same lock, the same bytes."""
        document = {"version": VERSION, "servers": {name: pin.document() for name, pin in self.servers.items()}}
        return json.dumps(document, indent=2, sort_keys=True, ensure_ascii=True) + "\n"


def server_pin(
    launch: Mapping[str, Any], snapshots: Sequence[Snapshot], *, before: ServerPin | None = None, where: str = "server"
) -> ServerPin:
    """Return the pin of a server.

    Args:
        launch: What starts it, or where it is.
        snapshots: What it says of itself, one for each era that it knows.
        before: Its pin so far. Labels of tools whose definitions stay as they are are kept, those of the others are
            for a person to give anew; so are accepted findings, which name a definition's digest.
        where: For errors: the server's name.

    Raises:
        PinError: It lists something without a name, a name twice, or what has no form in JSON.
    """
    lists: dict[str, dict[str, Pin]] = {kind: {} for kind in LISTS}
    dynamic = before.dynamic if before else ()
    for snapshot in snapshots:
        for kind in LISTS:
            for name, item in named(kind, snapshot.lists.get(kind, ()), where).items() if kind not in dynamic else ():
                known = lists[kind][name].definitions if name in lists[kind] else {}
                lists[kind][name] = Pin({**known, digest(item): item})
    for name, pin in lists["tools"].items():
        old = before.lists.get("tools", {}).get(name) if before else None
        if old and set(old.definitions) == set(pin.definitions):
            lists["tools"][name] = Pin(pin.definitions, old.labels)
    eras = {each.era: each.introduction for each in snapshots}
    return ServerPin(launch, eras, lists, before.accepted if before else (), dynamic)


def lock_of(text: str | bytes, where: str = LOCK_NAME) -> Lock:
    """Read a lock file.

    Args:
        text: UTF-8.
        where: For errors.

    Raises:
        PinError: It is no lock file, of another version, or a digest in it is not that of what stands beside it.
    """
    document = object_of(parsed(text, where), where, {"version", "servers"})
    if document.get("version") != VERSION:
        raise PinError(f"{where} has version {document.get('version')!r}; expected {VERSION}")
    servers = entries(document.get("servers"), f"{where}: servers")
    return Lock({name: _server(item, f"{where}: servers.{name}") for name, item in servers.items()})


def _server(item: object, where: str) -> ServerPin:
    found = object_of(item, where, _SERVER)
    eras = entries(found.get("eras"), f"{where}.eras")
    if not eras or not set(ERAS).issuperset(eras):
        raise PinError(f"{where}.eras names {sorted(eras)}; expected one or more of {', '.join(ERAS)}")
    dynamic = texts(found.get("dynamic", []), f"{where}.dynamic")
    if not {"prompts", "resources", "resourceTemplates"}.issuperset(dynamic):
        raise PinError(f"{where}.dynamic is {list(dynamic)}; expected of prompts, resources, resourceTemplates")
    return ServerPin(
        entries(found.get("launch"), f"{where}.launch"),
        {era: entries(each, f"{where}.eras.{era}") for era, each in eras.items()},
        {
            kind: {
                name: _pin_of(kind, pin, f"{where}.{kind}.{name}")
                for name, pin in entries(found.get(kind), f"{where}.{kind}").items()
            }
            for kind in LISTS
        },
        texts(found.get("accepted", []), f"{where}.accepted"),
        dynamic,
    )


def _pin_of(kind: str, item: object, where: str) -> Pin:
    found = object_of(item, where, {"definitions", "labels"})
    definitions = entries(found.get("definitions"), f"{where}.definitions")
    if not definitions:
        raise PinError(f"{where}.definitions is empty; expected a definition under its digest")
    for key, definition in definitions.items():
        if not isinstance(definition, dict) or digest(definition) != key:
            raise PinError(f"{where}.definitions has {key}, which is not the digest of what stands there")
    return Pin(definitions, labels_of(found.get("labels", {}), f"{where}.labels") if kind == "tools" else UNREVIEWED)


def _pin(kind: str, pin: Pin) -> dict[str, Any]:
    labels = {"labels": pin.labels.document()} if kind == "tools" else {}
    return {"definitions": dict(pin.definitions), **labels}
