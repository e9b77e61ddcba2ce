"""From the text of one AWS CLI command to its words and options. No shell ever sees it, here or at the server."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field
from typing import Any, Final

from sudo_mcp_guardrails.gateway.meaning.declared import HOLE

MAX_CHARACTERS: Final = 20_000
_SHELL: Final = frozenset("|;&<>()\n\r")
_SUBSTITUTES: Final = frozenset("$`")
_WITH_VALUE: Final = frozenset(
    {
        *("--ca-bundle", "--cli-binary-format", "--cli-connect-timeout", "--cli-read-timeout", "--color"),
        *("--endpoint-url", "--output", "--profile", "--query", "--region"),
    }
)
_FLAGS: Final = frozenset(
    {
        *("--cli-auto-prompt", "--debug", "--no-cli-auto-prompt", "--no-cli-pager", "--no-paginate"),
        *("--no-sign-request", "--no-verify-ssl", "--version"),
    }
)
GLOBAL: Final = _WITH_VALUE | _FLAGS
REFUSED: Final = {
    "--ca-bundle": "trusts certificates of somebody's choice",
    "--cli-auto-prompt": "waits for somebody at a terminal",
    "--debug": "prints signatures",
    "--endpoint-url": "sends the call, and its signature, to a server of somebody's choice",
    "--no-sign-request": "makes the call as nobody",
    "--no-verify-ssl": "trusts any certificate",
    "--profile": "chooses other credentials than those of this session",
}
"""Global options that no agent needs, and why not."""
_NAME: Final = re.compile(r"[a-z][a-z0-9-]*")
_OUTSIDE: Final = ("file://", "fileb://", "http://", "https://")


class Unclear(Exception):  # noqa: N818 - it is no failure: the answer is that nobody can tell
    """A command of which nobody can tell what it does, with the reason."""


@dataclass(frozen=True)
class CommandLine:
    """One command, taken apart.

    Attributes:
        service: As the CLI calls it.
        operation: Likewise, with what follows up to the first option.
        rest: Words behind the operation.
        options: Of the operation, by name without dashes; each with its values, none for a flag.
        globals: Global options with their values, None for a flag.
    """

    service: str
    operation: str
    rest: tuple[str, ...] = ()
    options: dict[str, tuple[str, ...]] = field(default_factory=dict)
    globals: dict[str, str | None] = field(default_factory=dict)


def read_line(text: object) -> CommandLine:  # noqa: C901 - one loop over words
    """Take a command apart.

    Raises:
        Unclear: It is none, or is not understood here.
    """
    words = _words(text)
    if not words or words[0] != "aws":
        raise Unclear("it does not begin with aws")
    plain: list[str] = []
    options: dict[str, tuple[str, ...]] = {}
    found: dict[str, str | None] = {}
    number, current = 1, ""
    while number < len(words):
        word = words[number]
        number += 1
        if not word.startswith("--"):
            if current:
                options[current] = (*options[current], word)
            else:
                plain.append(word)
            continue
        name, equals, value = word.partition("=")
        if name in GLOBAL:
            current = ""
            if name in _WITH_VALUE and not equals:
                if number >= len(words):
                    raise Unclear(f"{name} has no value")
                value = words[number]
                number += 1
            if name in found:
                raise Unclear(f"{name} is there twice")
            found[name] = value if name in _WITH_VALUE else None
            # What follows belongs to no option any more.
            continue
        if not _NAME.fullmatch(name[2:]) or any(each.startswith(name) for each in GLOBAL):
            raise Unclear(f"option {name[:40]!r} is not understood here")
        current = name[2:]
        if current in options:
            raise Unclear(f"{name} is there twice")
        options[current] = (value,) if equals else ()
    if len(plain) < 2 or not all(_NAME.fullmatch(word) for word in plain[:2]):  # noqa: PLR2004 - service and operation
        raise Unclear("it names no service and operation")
    return CommandLine(plain[0], plain[1], tuple(plain[2:]), options, found)


def value_of(values: tuple[str, ...], name: str) -> Any:  # noqa: ANN401 - JSON
    """Return what an option's values mean; a hole for shorthand, which is not read here.

    Raises:
        Unclear: A value is taken from outside.
    """
    for value in values:
        if value.lower().startswith(_OUTSIDE):
            raise Unclear(f"--{name} takes content from outside")
    found = [_single(value) for value in values]
    if not found:
        return True
    return found[0] if len(found) == 1 else (HOLE if HOLE in found else found)


def _single(value: str) -> Any:  # noqa: ANN401 - JSON
    if value.lstrip().startswith(("{", "[")):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return HOLE
    return HOLE if ("=" in value and "," in value) or re.match(r"\w+=", value) else value


def _words(text: object) -> list[str]:  # noqa: C901 - one loop over characters
    """Split a command as a shell would, and refuse what only a shell could do."""
    if not isinstance(text, str):
        raise Unclear(f"it is {type(text).__name__}, expected a text")
    if len(text) > MAX_CHARACTERS:
        raise Unclear(f"it has {len(text)} characters, allowed are {MAX_CHARACTERS}")
    quote = ""
    skip = False
    for character in text.strip():
        if skip:
            skip = False
        elif character == "\\" and quote != "'":
            skip = True
        elif quote:
            if quote == '"' and character in _SUBSTITUTES:
                raise Unclear("it has a substitution")
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in _SHELL or character in _SUBSTITUTES:
            raise Unclear("it has a pipe, a redirection, a substitution or several commands")
    try:
        return shlex.split(text)
    except ValueError:
        raise Unclear("its quotes do not close") from None
