"""Strings that tell patterns apart.

Given patterns and a universe of possible strings, find one string for each combination of patterns that can match
together: the equivalence classes of a request variable. All patterns run as one nondeterministic automaton whose
states are the bits of an integer, so that a step of all of them is a handful of operations; a breadth-first walk
meets every combination, by its shortest string. This is the standard product construction with bit-parallel
simulation (Baeza-Yates and Gonnet 1992).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.iam.operators import WILD

if TYPE_CHECKING:
    from collections.abc import Iterable

ANY: Final = "any"
NO_COLON: Final = "no-colon"
SEGMENT: Final = "segment"
DIGIT: Final = "digit"

_ADMITS: Final[dict[str, frozenset[str]]] = {
    ANY: frozenset({"letter", "digit", "/", ":"}),
    NO_COLON: frozenset({"letter", "digit", "/"}),
    SEGMENT: frozenset({"letter", "digit"}),
    DIGIT: frozenset({"digit"}),
}
"""Kinds of characters that a wildcard of each class stands for."""
_FRESH: Final = {"letter": "xyzqwvkjnabcdefghilmoprstuXYZQWVKJNABCDEFGHILMOPRSTU_-.~ø", "digit": "0123456789"}
"""Characters to choose one from that no pattern names; the last is in no name that AWS allows."""
_LITERALS: Final = {wild: char for char, wild in WILD.items()}
MAX_STATES: Final = 8_000
"""States after which the walk gives up; the project's own policies need some hundred."""


class CapError(GuardrailsError):
    """A question needs more work than the prover allows itself; the answer is not known."""


class Token(NamedTuple):
    """One element of a pattern: literal characters to choose from, or a wildcard of a class."""

    chars: str
    wild: str = ""
    repeated: bool = False


Tokens = tuple[Token, ...]


def literal(text: str) -> Tokens:
    """Return the pattern that is one text."""
    return tuple(Token(_LITERALS.get(c, c)) for c in text)


def like(pattern: str, wild: str = ANY) -> Tokens:
    """Return the tokens of a pattern with ``*`` and ``?``."""
    tokens: list[Token] = []
    for char in pattern:
        if char == "*":
            if not (tokens and tokens[-1].repeated):
                tokens.append(Token("", wild, repeated=True))
        elif char == "?":
            tokens.append(Token("", wild))
        else:
            tokens.append(Token(_LITERALS.get(char, char)))
    return tuple(tokens)


def some(wild: str) -> Tokens:
    """Return the pattern of one or more characters of a class."""
    return (Token("", wild), Token("", wild, repeated=True))


def ignoring_case(tokens: Tokens) -> Tokens:
    """Return a pattern that takes letters of either case."""
    return tuple(Token("".join(dict.fromkeys(t.chars.lower() + t.chars.upper())), t.wild, t.repeated) for t in tokens)


def representatives(universes: Iterable[Tokens], patterns: tuple[Tokens, ...]) -> tuple[str, ...]:
    """Return a string of the universes for each combination of patterns that match together.

    Args:
        universes: Patterns of which a string must match one.
        patterns: The patterns to tell apart.

    Raises:
        CapError: Where more than :data:`MAX_STATES` states would be needed.
    """
    found: dict[str, None] = {}
    for universe in universes:
        found.update(dict.fromkeys(_classes(universe, patterns)))
    return tuple(found)


def by_beginning(universe: Tokens, patterns: tuple[str, ...]) -> tuple[str, ...] | None:
    """Return what :func:`representatives` does where every pattern is a text or a beginning; None elsewhere.

    The beginnings that a string has form a chain, which its longest one determines: so one string that continues
    each beginning with nothing that another one has, and one with none of them, are all there is to tell apart.
    This is most of the work of a proof, and needs no walk.

    Args:
        universe: The pattern that a string must match.
        patterns: Texts with no wildcard but a ``*`` at the end.
    """
    texts = [pattern.removesuffix("*") for pattern in patterns]
    taken = set("".join(texts))
    fresh = next((c for c in _FRESH["letter"] if c not in taken), "")
    if not fresh or taken & {"*", "?", *_LITERALS}:
        return None
    if universe == like("*"):
        # What continues a whole text is like anything else: one that continues its longest beginning, or none.
        told = (text + fresh if p.endswith("*") else text for text, p in zip(texts, patterns, strict=True))
        return tuple(dict.fromkeys((fresh, *told)))
    start = next((place for place, token in enumerate(universe) if token.wild), len(universe))
    known = "".join(token.chars for token in universe[:start])
    rest = universe[start:]
    if not rest or rest[0].repeated or rest[0].wild == DIGIT or any(len(t.chars) > 1 for t in universe):
        return None
    longer = any(len(text) > len(known) and not p.endswith("*") for text, p in zip(texts, patterns, strict=True))
    if longer and len(rest) > len(some(ANY)):
        # A whole text would have to be taken apart to see whether it is one of the universe.
        return None
    minimal = "".join(token.chars or fresh for token in rest if not token.repeated)
    found = {known + minimal: None}
    for text in texts:
        if not text.startswith(known) or len(text) == len(known):
            continue
        named = text[len(known) :]
        if any(kind(c) not in _ADMITS[rest[0].wild] for c in named):
            return None
        # The variable's first character is given by the text; what follows the variable is put behind.
        found[text + minimal[1:]] = None
        found[text + fresh + minimal[1:]] = None
    return tuple(found)


@lru_cache(maxsize=16_384)
def _classes(universe: Tokens, patterns: tuple[Tokens, ...]) -> tuple[str, ...]:
    """Walk the product of one universe and the patterns."""
    machine = _Machine((universe, *patterns))
    came_from: dict[int, tuple[int, str]] = {machine.start: (0, "")}
    classes: dict[int, int] = {}
    queue = [machine.start]
    for state in queue:
        if state & machine.universe_end:
            classes.setdefault(state & machine.ends, state)
        for char in machine.alphabet(state):
            following = machine.step(state, char)
            if following & machine.universe and following not in came_from:
                came_from[following] = (state, char)
                queue.append(following)
        if len(queue) > MAX_STATES:
            raise CapError(f"telling {len(patterns)} patterns apart takes more than {MAX_STATES} states")
    return tuple(_text(state, came_from) for state in classes.values())


def _text(state: int, came_from: dict[int, tuple[int, str]]) -> str:
    """Return the string that leads to a state."""
    chars = []
    previous, char = came_from[state]
    while char:
        chars.append(char)
        previous, char = came_from[previous]
    return "".join(reversed(chars))


def kind(char: str) -> str:
    """Return the kind of a character, as far as the classes of wildcards tell them apart."""
    if char in "/:":
        return char
    return "digit" if char in _FRESH["digit"] else "letter"


class _Machine:
    """Several patterns side by side; the first is the universe. A bit is a place between two tokens."""

    def __init__(self, patterns: tuple[Tokens, ...]) -> None:
        self._literals: dict[str, int] = {}
        self._once = dict.fromkeys(("letter", "digit", "/", ":"), 0)
        self._loops = dict.fromkeys(self._once, 0)
        self._stars = 0
        self.start = self.ends = self.universe = self.universe_end = 0
        place = 0
        for number, tokens in enumerate(patterns):
            first = place
            self.start |= 1 << first
            for token in tokens:
                self._add(token, 1 << place)
                place += 1
            if number == 0:
                self.universe = (1 << (place + 1)) - 1
                self.universe_end = 1 << place
            else:
                self.ends |= 1 << place
            place += 1
        self.start = self._closed(self.start)
        # A slash or a colon is a character like any other where no wildcard leaves it out.
        wilds = {t.wild for tokens in patterns for t in tokens if t.wild}
        self._kinds = ["letter"]
        if DIGIT in wilds:
            self._kinds.append("digit")
        if wilds & {SEGMENT, DIGIT}:
            self._kinds.append("/")
        if wilds & {NO_COLON, SEGMENT, DIGIT}:
            self._kinds.append(":")
        self._items = tuple(self._literals.items())

    def _add(self, token: Token, bit: int) -> None:
        for char in token.chars:
            self._literals[char] = self._literals.get(char, 0) | bit
        for admitted in _ADMITS[token.wild] if token.wild else ():
            (self._loops if token.repeated else self._once)[admitted] |= bit
        if token.repeated:
            self._stars |= bit

    def _closed(self, state: int) -> int:
        """Add the places behind stars, which may stand for nothing."""
        while True:
            more = state | (state & self._stars) << 1
            if more == state:
                return state
            state = more

    def step(self, state: int, char: str) -> int:
        """Return where all patterns stand after a character."""
        of_kind = kind(char)
        taken = state & (self._literals.get(char, 0) | self._once[of_kind])
        return self._closed(taken << 1 | state & self._loops[of_kind])

    def alphabet(self, state: int) -> list[str]:
        """Return a character for each way in which the patterns can go on from a state."""
        chars = [char for char, bits in self._items if bits & state]
        for of_kind in self._kinds:
            for char in _FRESH.get(of_kind, of_kind):
                if not self._literals.get(char, 0) & state:
                    chars.append(char)
                    break
        return chars
