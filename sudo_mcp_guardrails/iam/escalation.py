"""The escalation catalogue: the known ways to more permissions, each as the actions it takes.

A path is a set of steps that one principal must be able to do, all of them, in one context. Where any step is
impossible, the path is blocked. The data is ``escalation_paths.json``: the facts are those of the sources that
each path names, the words are our own.

The step that passes a role asks for the service that gets it, with ``StringLikeIfExists``: a principal that may
pass roles to one service alone is not on the paths through the others, and a request without the key stays in.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.iam.documents import Statement

if TYPE_CHECKING:
    from collections.abc import Iterator

CATALOGUE_VERSION: Final = "2026-11-23"
"""The day on which the sources were read, for reports."""

CATEGORIES: Final[dict[str, str]] = {
    "self-escalation": "changes its own permissions, or what limits them",
    "principal-access": "becomes another principal, or changes who may",
    "new-passrole": "passes a stronger role to something of its own that runs for it",
    "existing-passrole": "makes something run for it that has a stronger role already",
    "credential": "gets a credential that is not its own",
    "agent": "uses what agents are made of: runtimes, tools, gateways, token vaults, sign-in",
}
"""What each category means, in the order of the documentation."""

_DATA: Final = Path(__file__).with_name("escalation_paths.json")
_ID: Final = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")
_ACTION: Final = re.compile(r"[a-z0-9-]+:[A-Za-z0-9]+")
_RESOURCE: Final = re.compile(r"\*|arn:\S+")
_FIELDS: Final = ("category", "id", "sources", "steps", "title")


class EscalationError(GuardrailsError):
    """The catalogue is malformed; the message has the path's id, the place, the value and what is allowed."""


@dataclass(frozen=True)
class EscalationPath:
    """One known way to more permissions.

    Args:
        id: Stable and kebab-case, such as ``"lambda-update-code"``.
        title: What the principal does, as the end of a sentence that begins with it.
        category: A key of :data:`CATEGORIES`.
        steps: One Allow statement with one action each, used as a question: the requests that it covers are those
            looked for. The Sid is the id in camel case and the step's number.
        sources: Catalogues with their identifiers, pages, or ``Service Authorization Reference service:Action``.
        note: Why the path stands by itself although another's actions are among its own; empty for all others.
    """

    id: str
    title: str
    category: str
    steps: tuple[Statement, ...]
    sources: tuple[str, ...]
    note: str = ""

    @property
    def actions(self) -> frozenset[str]:
        """The actions that the path takes, as IAM writes them."""
        return frozenset(action for step in self.steps for action in step.actions)


@cache
def escalation_paths() -> tuple[EscalationPath, ...]:
    """Return all paths, in order of their ids.

    Raises:
        EscalationError: Where the file that the package ships is malformed.
    """
    return parse_paths(json.loads(_DATA.read_text(encoding="utf-8")))


@cache
def escalation_actions() -> tuple[str, ...]:
    """Return every action of any path, once, in order."""
    return tuple(sorted({action for path in escalation_paths() for action in path.actions}))


def parse_paths(document: object) -> tuple[EscalationPath, ...]:
    """Read a catalogue.

    Args:
        document: ``{"version": ..., "paths": [{"id", "title", "category", "steps", "sources", "note"?}, ...]}``,
            where a step is ``{"action", "resource"?, "conditions"?: {operator: {key: [values]}}}`` and its resource
            is ``*`` by default.

    Raises:
        EscalationError: For another version, an unknown or missing field, a value of another form, paths out of
            order, and two paths with the same id or the same actions.
    """
    root = _object(document, "catalogue", ("paths", "version"))
    if root["version"] != CATALOGUE_VERSION:
        raise EscalationError(f"version: {root['version']!r} is not allowed, expected {CATALOGUE_VERSION!r}")
    paths = tuple(_path(raw, f"paths[{i}]") for i, raw in enumerate(_list(root["paths"], "paths")))
    seen: dict[frozenset[str], str] = {}
    for before, path in zip((None, *paths), paths, strict=False):
        if before and before.id >= path.id:
            raise EscalationError(f"path {path.id!r} came after {before.id!r}, expected ids in order, each once")
        # IAM does not tell actions apart by their case.
        actions = frozenset(action.lower() for action in path.actions)
        if actions in seen:
            raise EscalationError(f"path {path.id!r} has the same actions as {seen[actions]!r}, expected them once")
        seen[actions] = path.id
    return paths


def _path(raw: object, place: str) -> EscalationPath:
    """Read one path."""
    # Errors name the id as soon as there is one; the number alone would be tedious to count to.
    if isinstance(raw, dict) and isinstance(raw.get("id"), str):
        place = f"{place} {raw['id']!r}"
    fields = _object(raw, place, _FIELDS, optional=("note",))
    name = _matching(fields["id"], f"{place}: id", _ID, "lower-case words joined by hyphens")
    category = _text(fields["category"], f"{place}: category")
    if category not in CATEGORIES:
        allowed = ", ".join(CATEGORIES)
        raise EscalationError(f"{place}: category: {category!r} is not allowed, expected one of {allowed}")
    sid = "".join(word.capitalize() for word in name.split("-"))
    steps = _list(fields["steps"], f"{place}: steps")
    return EscalationPath(
        id=name,
        title=_text(fields["title"], f"{place}: title"),
        category=category,
        steps=tuple(_step(step, f"{place}: steps[{i}]", f"{sid}{i + 1}") for i, step in enumerate(steps)),
        sources=_texts(fields["sources"], f"{place}: sources"),
        note=_text(fields["note"], f"{place}: note") if "note" in fields else "",
    )


def _step(raw: object, place: str, sid: str) -> Statement:
    """Read one step."""
    fields = _object(raw, place, ("action",), optional=("conditions", "resource"))
    return Statement(
        sid=sid,
        effect="Allow",
        actions=(_matching(fields["action"], f"{place}.action", _ACTION, "'service:Action' without a wildcard"),),
        resources=(_matching(fields.get("resource", "*"), f"{place}.resource", _RESOURCE, "'*' or an ARN pattern"),),
        conditions=tuple(_conditions(fields.get("conditions", {}), f"{place}.conditions")),
    )


def _conditions(raw: object, place: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Read conditions into (operator, key, values)."""
    for operator, keys in _mapping(raw, place).items():
        for key, values in _mapping(keys, f"{place}.{operator}").items():
            yield operator, key, _texts(values, f"{place}.{operator}.{key}")


def _object(raw: object, place: str, required: tuple[str, ...], *, optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return an object that has the fields it needs and no others."""
    fields = _mapping(raw, place)
    wrong = sorted(fields.keys() - set(required) - set(optional)) or sorted(set(required) - fields.keys())
    if wrong:
        raise EscalationError(
            f"{place}: field {wrong[0]!r} is {'unknown' if wrong[0] in fields else 'missing'}, "
            f"expected {', '.join(required)}" + (f" and perhaps {', '.join(optional)}" if optional else "")
        )
    return fields


def _mapping(raw: object, place: str) -> dict[str, Any]:
    if not isinstance(raw, dict):
        raise EscalationError(f"{place}: {raw!r} is not allowed, expected an object")
    return raw


def _list(raw: object, place: str) -> list[Any]:
    if not isinstance(raw, list) or not raw:
        raise EscalationError(f"{place}: {raw!r} is not allowed, expected a list that is not empty")
    return raw


def _texts(raw: object, place: str) -> tuple[str, ...]:
    return tuple(_text(item, f"{place}[{i}]") for i, item in enumerate(_list(raw, place)))


def _text(raw: object, place: str) -> str:
    if not isinstance(raw, str) or not raw.strip():
        raise EscalationError(f"{place}: {raw!r} is not allowed, expected a text that is not empty")
    return raw


def _matching(raw: object, place: str, form: re.Pattern[str], allowed: str) -> str:
    if not isinstance(raw, str) or not form.fullmatch(raw):
        raise EscalationError(f"{place}: {raw!r} is not allowed, expected {allowed}")
    return raw
