"""What is suspicious in definitions, by rules that decide the same way every time.

They are help for the person who pins, not a boundary: the boundary is that nothing runs that was not pinned. A finding
keeps a definition out of the lock file until the person accepts it by its id.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.gateway.invisible import invisible, shown
from sudo_mcp_guardrails.gateway.pins.confusables import scripts, skeleton
from sudo_mcp_guardrails.gateway.pins.rules import RULES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NAME: Final = re.compile(r"[A-Za-z0-9_./-]{1,128}")
_LONGEST_TEXT: Final = 100_000
_SHOWN: Final = 160


@dataclass(frozen=True, slots=True)
class Finding:
    """Something suspicious.

    Attributes:
        id: Stable: ``name.shadowed``, ``name.look-alike``, ``name.mixed-script``, ``name.characters``,
            ``text.invisible``, ``text.too-long``, or a rule's of :mod:`~sudo_mcp_guardrails.gateway.pins.rules`.
        server: Of the definition.
        item: Kind and name, such as ``tools/read_file``; empty for the server itself.
        path: Where in the definition, as a JSON Pointer.
        text: What was found, shortened, with what cannot be seen written as code points. It is an untrusted server's:
            for the eyes of a person, never for an agent.
        digest: Of the definition; empty for a finding about a name.
    """

    id: str
    server: str
    item: str
    path: str
    text: str
    digest: str = ""


def text_findings(server: str, item: str, definition: object) -> tuple[Finding, ...]:
    """Return what is suspicious in the texts of one definition: every name and every value, wherever it stands."""
    return tuple(
        Finding(identity, server, item, shown(path), shown(text)[:_SHOWN])
        for path, value in _texts(definition, "")
        for identity, text in _suspicious(value)
    )


def name_findings(servers: Mapping[str, Mapping[str, object]]) -> tuple[Finding, ...]:
    """Return what is suspicious in the names of tools, over all servers at once.

    Args:
        servers: By name, the tools by theirs.
    """
    found: list[Finding] = []
    alike: dict[str, list[tuple[str, str]]] = {}
    for server, tools in servers.items():
        for name in tools:
            alike.setdefault(skeleton(name), []).append((server, name))
            if not _NAME.fullmatch(name):
                found.append(Finding("name.characters", server, f"tools/{shown(name)}", "/name", shown(name)[:_SHOWN]))
            if len(scripts(name)) > 1:
                text = ", ".join(sorted(scripts(name)))
                found.append(Finding("name.mixed-script", server, f"tools/{shown(name)}", "/name", text))
    for group in alike.values():
        for server, name in group if len(group) > 1 else ():
            others = [(other, twin) for other, twin in group if (other, twin) != (server, name)]
            same = any(twin == name for _, twin in others)
            text = ", ".join(f"{other}: {shown(twin)}" for other, twin in others)[:_SHOWN]
            identity = "name.shadowed" if same else "name.look-alike"
            found.append(Finding(identity, server, f"tools/{shown(name)}", "/name", text))
    return tuple(found)


def _suspicious(text: str) -> Iterator[tuple[str, str]]:
    if len(text) > _LONGEST_TEXT:
        yield "text.too-long", f"{len(text)} characters; looked at are {_LONGEST_TEXT}"
        text = text[:_LONGEST_TEXT]
    hidden = "".join(invisible(text))
    if hidden:
        yield "text.invisible", hidden
    for rule in RULES:
        match = rule.pattern.search(text)
        if match:
            yield rule.id, match[0]


def _texts(value: object, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, item in value.items():
            inner = f"{path}/{str(name).replace('~', '~0').replace('/', '~1')}"
            yield f"{inner}#name", str(name)
            yield from _texts(item, inner)
    elif isinstance(value, (list, tuple)):
        for number, item in enumerate(value):
            yield from _texts(item, f"{path}/{number}")
