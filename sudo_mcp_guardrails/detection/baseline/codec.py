"""Counts as JSON's own types, compact, and back with every value checked."""

from __future__ import annotations

from sys import intern
from typing import Any, Final

from sudo_mcp_guardrails.detection.baseline.counts import FORGET, HOURS, MAX_ACTIONS, MAX_TERMS, WINDOW, Counts
from sudo_mcp_guardrails.detection.errors import DetectionError

_MOST: Final = 2**53
_COLUMNS: Final = 4
_MAX_NAME: Final = 512


def counts_data(counts: Counts) -> dict[str, Any]:
    """Return counts; actions are named once, and days refer to them by number."""
    names = sorted({name for actions in counts.actions.values() for name in actions})
    number = {name: index for index, name in enumerate(names)}
    return {
        "calls": _pairs(counts.calls),
        "names": names,
        "actions": [
            [day, [part for name in sorted(actions) for part in (number[name], actions[name])]]
            for day, actions in sorted(counts.actions.items())
        ],
        "last": [[day, sorted(term for term, on in counts.last.items() if on == day)] for day in _days(counts)],
        "hours": [[hour, *found] for hour, found in sorted(counts.hours.items())],
        "sessions": [[day, _pairs(peaks)] for day, peaks in sorted(counts.sessions.items())],
    }


def counts_of(data: object, where: str) -> Counts:
    """Return the counts that :func:`counts_data` wrote.

    Raises:
        DetectionError: for anything else.
    """
    found = as_object(data, where)
    names = [
        intern(as_text(one, f"action in {where}")) for one in _listed(found, "names", WINDOW * MAX_ACTIONS * 2, where)
    ]
    actions: dict[int, dict[str, int]] = {}
    for row in _listed(found, "actions", FORGET, where):
        day, flat = _row(row, 2, where)
        if not isinstance(flat, list) or len(flat) > 2 * MAX_ACTIONS + 2 or len(flat) % 2:
            raise DetectionError(f"actions of {where} are damaged: {str(flat)[:80]}")
        pairs = zip(flat[::2], flat[1::2], strict=True)
        actions[whole(day, where)] = {names[_index(one, names, where)]: whole(count, where) for one, count in pairs}
    last: dict[str, int] = {}
    for row in _listed(found, "last", 2 * MAX_TERMS, where):
        day, terms = _row(row, 2, where)
        if not isinstance(terms, list) or len(terms) > 2 * MAX_TERMS:
            raise DetectionError(f"terms of {where} are damaged: {str(terms)[:80]}")
        for term in terms:
            last[intern(as_text(term, f"term in {where}"))] = whole(day, where)
    hours = (_row(row, _COLUMNS, where) for row in _listed(found, "hours", FORGET * HOURS, where))
    sessions = (_row(row, 2, where) for row in _listed(found, "sessions", 2 * FORGET, where))
    return Counts(
        _numbers(found.get("calls"), where),
        actions,
        last,
        {whole(row[0], where): [whole(one, where) for one in row[1:]] for row in hours},
        {whole(day, where): _numbers(peaks, where) for day, peaks in sessions},
    )


def _days(counts: Counts) -> list[int]:
    return sorted(set(counts.last.values()))


def _pairs(numbers: dict[int, int]) -> list[list[int]]:
    return [[key, value] for key, value in sorted(numbers.items())]


def _numbers(data: object, where: str) -> dict[int, int]:
    if not isinstance(data, list) or len(data) > MAX_TERMS:
        raise DetectionError(f"numbers of {where} are damaged: {str(data)[:80]}")
    rows = (_row(row, 2, where) for row in data)
    return {whole(key, where): whole(value, where) for key, value in rows}


def _row(data: object, length: int, where: str) -> list[Any]:
    if not isinstance(data, list) or len(data) != length:
        raise DetectionError(f"row {str(data)[:80]} of {where} is damaged, allowed: {length} values")
    return data


def _index(number: object, names: list[str], where: str) -> int:
    found = whole(number, where)
    if found >= len(names):
        raise DetectionError(f"action {found} of {where} has no name, there are {len(names)}")
    return found


def _listed(data: dict[str, Any], name: str, limit: int, where: str) -> list[Any]:
    found = data.get(name)
    if not isinstance(found, list) or len(found) > limit:
        raise DetectionError(f"{name!r} of {where} is {str(found)[:80]}, allowed: a list of {limit} at most")
    return found


def as_object(data: object, where: str) -> dict[str, Any]:
    """Return an object; raises DetectionError for anything else."""
    if not isinstance(data, dict):
        raise DetectionError(f"{where} is {str(data)[:80]!r}, allowed: an object")
    return data


def as_list(data: object, limit: int, where: str, *, exactly: bool = False) -> list[Any]:
    """Return a list of so many values at most, or of just so many; raises DetectionError for anything else."""
    if not isinstance(data, list) or len(data) > limit or (exactly and len(data) != limit):
        much = "values" if exactly else "values at most"
        raise DetectionError(f"{where} is {str(data)[:80]!r}, allowed: a list of {limit} {much}")
    return data


def as_text(data: object, where: str) -> str:
    """Return a text of 512 characters at most; raises DetectionError for anything else."""
    if not isinstance(data, str) or len(data) > _MAX_NAME:
        raise DetectionError(f"{where} is {str(data)[:80]!r}, allowed: a text of {_MAX_NAME} characters at most")
    return data


def whole(data: object, where: str) -> int:
    """Return a whole number from 0; raises DetectionError for anything else."""
    if data.__class__ is not int or not 0 <= data < _MOST:
        raise DetectionError(f"number {str(data)[:40]!r} in {where} is not allowed, allowed: 0 to {_MOST - 1}")
    return int(data)
