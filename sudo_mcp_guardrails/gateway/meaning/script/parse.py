"""From a text to its tree, within bounds."""

from __future__ import annotations

import ast
import re
import warnings
from typing import Final

from sudo_mcp_guardrails.gateway.meaning.declared import Undecidable

MAX_CHARACTERS: Final = 100_000
MAX_NODES: Final = 20_000
MAX_DEPTH: Final = 60
"""Of the tree. Scripts that people and models write stay below 25."""
_MAX_BRACKETS: Final = 60
_MAX_RUN: Final = 2_000
"""Longest run of characters without a space, a quote or a line's end: chains of operators nest without a bracket."""
_COOKIE: Final = re.compile(r"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_UTF8: Final = frozenset({"utf-8", "utf8", "utf_8", "utf-8-unix"})
_OPENING, _CLOSING = frozenset("([{"), frozenset(")]}")
_STRINGS: Final = re.compile(r"\"\"\".*?\"\"\"|'''.*?'''|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.DOTALL)


class NotRead(Exception):  # noqa: N818 - it is no failure: the answer is that nobody can tell
    """A text that is not analysed, with the reason."""

    def __init__(self, reason: str, line: int = 0) -> None:
        super().__init__(reason)
        self.undecidable = Undecidable(line, reason)


def parse(code: object) -> ast.Module:
    """Return the tree of a script.

    Raises:
        NotRead: It is no text, no Python of this version, or out of bounds.
    """
    if not isinstance(code, str):
        raise NotRead(f"the script is {type(code).__name__}, expected a text")
    if len(code) > MAX_CHARACTERS:
        raise NotRead(f"the script has {len(code)} characters, allowed are {MAX_CHARACTERS}")
    _check_text(code)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd escapes in texts
            tree = ast.parse(code)
    except SyntaxError as error:
        raise NotRead("the script is no Python that is understood here", error.lineno or 0) from None
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise NotRead(f"the script cannot be parsed: {type(error).__name__}") from None
    _check_size(tree)
    return tree


def _check_text(code: str) -> None:
    """Refuse what the server may read as another text than we do, and what could exhaust the parser's stack."""
    if any(character in code for character in "\0\f\v\x1c\x1d\x1e\x85\u2028\u2029"):
        raise NotRead("the script has control characters")
    if any("\ud800" <= character <= "\udfff" for character in code) or code.startswith("\ufeff"):
        raise NotRead("the script is no plain UTF-8")
    for number, line in enumerate(re.split(r"\r\n|\r|\n", code, maxsplit=2)[:2], start=1):
        match = _COOKIE.match(line)
        if match and match[1].lower() not in _UTF8:
            raise NotRead("the script declares an encoding other than UTF-8", number)
    depth = 0
    plain = _STRINGS.sub('""', code)
    for character in plain:
        depth += (character in _OPENING) - (character in _CLOSING)
        if depth > _MAX_BRACKETS:
            raise NotRead(f"the script nests more than {_MAX_BRACKETS} brackets")
    if max(map(len, plain.split()), default=0) > _MAX_RUN:
        raise NotRead(f"the script has a word of more than {_MAX_RUN} characters")


def _check_size(tree: ast.AST) -> None:
    """Refuse trees that are too large or too deep; all that comes after may walk down without counting."""
    count = 0
    level = [tree]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        count += len(level)
        if count > MAX_NODES:
            raise NotRead(f"the script has more than {MAX_NODES} parts")
        if not level:
            return
    raise NotRead(f"the script is nested more than {MAX_DEPTH} deep")
