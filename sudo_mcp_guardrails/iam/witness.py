"""From a choice of values to requests, and the resource policy that the worst case assumes."""

from __future__ import annotations

import re
from itertools import islice, product
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.conditions import VARIABLE, variables
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.iam.request import Request
from sudo_mcp_guardrails.iam.search import Target

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from sudo_mcp_guardrails.iam.facts import Facts, Values
    from sudo_mcp_guardrails.iam.question import Built
    from sudo_mcp_guardrails.iam.search import Choice

_TRIES: Final = 3
"""Captured values of one variable that are tried."""
MAX_GUESSES: Final = 64
"""Combinations of captured values that are tried for one choice."""
_PIECE: Final = re.compile(rf"{VARIABLE.pattern}|[*?]|[^*?$]+|\$")


def requests_of(choice: Choice, built: Built, facts: Facts) -> Iterator[tuple[Request, ...]]:
    """Yield requests for a choice of values: one a step, and several where a variable has to be guessed."""
    for guess in _guesses(choice, built):
        yield tuple(_request(number, choice, guess, built, facts) for number in range(len(built.asked)))


def _request(number: int, choice: Choice, guess: Mapping[str, Values], built: Built, facts: Facts) -> Request:
    """Return the request of one step."""
    context: dict[str, Values] = {key: options[0] for key, options in facts.alternatives.items()}
    target = Target("*", facts.principal.account)
    for name, value in choice.items():
        if name.step in {None, number}:
            if isinstance(value, Target):
                target = value
            else:
                context[name.key] = value
    context.update(guess)
    if not target.told:
        context.update({"aws:resourceaccount": (), "s3:resourceaccount": ()})
    region = context.get("aws:requestedregion", ())
    return Request(
        action=built.asked[number].action,
        resource=target.resource,
        principal=facts.principal,
        context=context,
        region=region[0] if region else "us-east-1",
        resource_account=target.owner,
    )


def _guesses(choice: Choice, built: Built) -> Iterator[Mapping[str, Values]]:
    """Yield values for the keys that policy variables stand for: as chosen, or as a pattern captures them."""
    if not built.approximate:
        yield {}
        return
    options: dict[str, dict[Values, None]] = {}
    texts = [text for value in choice.values() for text in (value[:1] if isinstance(value, Target) else value)]
    for pattern in built.open_patterns:
        pieces = _pieces(pattern)
        for name in variables(pattern):
            options.setdefault(name, {})
        for text in texts:
            for name, captured in _captured(pieces, text):
                options[name][captured,] = None
    keys = list(options)
    tried = product(*([None, *list(options[key])[:_TRIES]] for key in keys))
    for chosen in islice(tried, MAX_GUESSES):
        yield {key: value for key, value in zip(keys, chosen, strict=True) if value is not None}


def _pieces(pattern: str) -> list[tuple[str, str]]:
    """Return a pattern as (variable before it or "", literal text) pairs; the first text stands at the beginning.

    A wildcard is a variable without a name, ``?`` too: what is captured is only a guess, which is replayed.
    """
    pieces = [("", "")]
    for match in _PIECE.finditer(pattern):
        text = match[0]
        if text in {"*", "?"}:
            pieces.append(("", ""))
        elif variables(text):
            pieces.append((variables(text)[0], ""))
        else:
            name, literal = pieces[-1]
            pieces[-1] = (name, literal + (match[1] or text))
    return pieces


def _captured(pieces: list[tuple[str, str]], text: str) -> list[tuple[str, str]]:
    """Return what each variable stands for where a text matches, from the left and each as short as can be.

    Takes time in proportion to the text, whatever the pattern; a regular expression may go back and forth.
    """
    if not text.startswith(pieces[0][1]):
        return []
    place, found = len(pieces[0][1]), []
    for number, (name, literal) in enumerate(pieces[1:], start=2):
        is_last = number == len(pieces)
        start = len(text) - len(literal) if is_last else text.find(literal, place)
        if start < place or not text.startswith(literal, start):
            return []
        if name:
            found.append((name, text[place:start]))
        place = start + len(literal)
    return found if place == len(text) else []


def worst_case(facts: Facts) -> PolicyDocument:
    """Return the resource policy that is assumed where none is given.

    It names the session, or with ``resource_policies="none"`` only the account, which leaves the decision to the
    principal's own policies.
    """
    principal = facts.principal
    named = principal.session_arn or principal.arn
    if facts.resource_policies == "none":
        named = principal.account
    statement = Statement(
        sid="AssumedResourcePolicy", effect="Allow", actions=("*",), resources=("*",), principals=(("AWS", named),)
    )
    return PolicyDocument("resource", (statement,))
