"""Sigma's wildcard patterns as predicates, in time that grows with the text alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_PIECES = re.compile(r"\\(.)|([*?])|([^\\*?]+)|(\\)$", re.DOTALL)
_ANY = object()
_ONE = object()


def like(pattern: str) -> Callable[[str], bool]:
    """Return what tells whether a text fits a pattern as a whole.

    Texts between stars are looked for one after the other, each as early as possible, which never goes back; Python's
    regular expressions would try again from every star.
    """
    tokens = _tokens(pattern)
    if _ONE in tokens:
        return _with_single(tokens)
    stars = [index for index, token in enumerate(tokens) if token is _ANY]
    texts = [str(token) for token in tokens if token is not _ANY]
    if not stars:
        return "".join(texts).__eq__
    if len(texts) == 0:
        return lambda _text: True
    if len(tokens) == 2:  # noqa: PLR2004 - a text and a star
        text = texts[0]
        return (lambda value: value.startswith(text)) if tokens[1] is _ANY else (lambda value: value.endswith(text))
    if len(tokens) == 3 and tokens[0] is _ANY and tokens[2] is _ANY:  # noqa: PLR2004 - star, text, star
        text = texts[0]
        return lambda value: text in value
    head = texts.pop(0) if tokens[0] is not _ANY else ""
    tail = texts.pop() if texts and tokens[-1] is not _ANY else ""
    return _in_order(head, tuple(texts), tail)


def _tokens(pattern: str) -> list[object]:
    tokens: list[object] = []
    for escaped, wild, text, slash in _PIECES.findall(pattern):
        if wild:
            token: object = _ANY if wild == "*" else _ONE
            if token is _ANY and tokens and tokens[-1] is _ANY:
                continue
            tokens.append(token)
        else:
            literal = (
                escaped if escaped in {"*", "?", "\\"} and escaped else "\\" + escaped if escaped else text or slash
            )
            if tokens and isinstance(tokens[-1], str):
                tokens[-1] += literal
            else:
                tokens.append(literal)
    return tokens


def _in_order(head: str, middle: tuple[str, ...], tail: str) -> Callable[[str], bool]:
    shortest = len(head) + len(tail)

    def fits(value: str) -> bool:
        if len(value) < shortest or not value.startswith(head) or not value.endswith(tail):
            return False
        at, end = len(head), len(value) - len(tail)
        for text in middle:
            at = value.find(text, at, end)
            if at < 0:
                return False
            at += len(text)
        return True

    return fits


def _with_single(tokens: list[object]) -> Callable[[str], bool]:
    """Return the same for a pattern with ``?``: it goes back to the last star alone, so takes the square at most."""
    units: list[object] = []
    for token in tokens:
        units.extend(token if isinstance(token, str) else [token])

    def fits(value: str) -> bool:
        at = unit = 0
        star = resume = -1
        while at < len(value):
            if unit < len(units) and (units[unit] is _ONE or units[unit] == value[at]):
                at += 1
                unit += 1
            elif unit < len(units) and units[unit] is _ANY:
                star, resume = unit, at
                unit += 1
            elif star >= 0:
                resume += 1
                at, unit = resume, star + 1
            else:
                return False
        return all(token is _ANY for token in units[unit:])

    return fits
