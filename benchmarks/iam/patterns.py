"""Random patterns of actions and resources, about half of them for a given request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.iam.universe import TARGETS

if TYPE_CHECKING:
    import random

    from sudo_mcp_guardrails.iam.request import Request

_VARIABLES: Final = ("${aws:PrincipalTag/team}", "${aws:PrincipalTag/none, 'blue'}", "${aws:PrincipalTag/none}")
"""In the place of ``blue``: resolved for callers with a tag, resolved by default, and never resolved."""
_RARELY: Final = 0.005


def action_pattern(rng: random.Random, request: Request) -> str:
    """Draw an action pattern."""
    service, name = (request.action if rng.random() < 0.6 else rng.choice(TARGETS).action).split(":")  # noqa: PLR2004
    place = rng.randrange(1, len(name))
    return rng.choice(
        (
            *(f"{service}:{name}", f"{service}:*", f"{service}:{name[:place]}*", f"{service}:*{name[place:]}"),
            *(f"{service}:{name[:place]}?{name[place + 1 :]}", f"{service}:?{name[: place - 1]}*"),
            *(f"{service}:{name[0]}*{name[place:]}", f"{service.upper()}:{name.lower()}"),
            rng.choice(("*", f"{service}:{name}*")),
            "*:*" if rng.random() < _RARELY else f"{service}:{name}",
        )
    )


def resource_pattern(rng: random.Random, request: Request, *, variables: bool, short: bool) -> str:
    """Draw a resource pattern.

    Args:
        rng: Where the choices come from.
        request: The request.
        variables: Whether policy variables may be in it.
        short: Whether it may be a shortened ARN.
    """
    arn = request.resource if rng.random() < 0.7 else rng.choice(rng.choice(TARGETS).resources)  # noqa: PLR2004
    if arn == "*" or rng.random() < 0.25:  # noqa: PLR2004
        return "*"
    parts = arn.split(":", 5)
    head, tail = arn[: -len(parts[5]) - 1], parts[5]
    place = rng.randrange(1, len(tail))
    anywhere = ":".join((*parts[:3], "*" if parts[3] else "", "*" if parts[4] else "", parts[5]))
    with_variable = (arn.replace("blue", rng.choice(_VARIABLES)), arn.replace("key", rng.choice(("key", "${*}"))))
    choices: tuple[str, ...] = (
        *(arn, f"{head}:{tail[:place]}*", f"{head}:*{tail[place:]}", f"{head}:*"),
        *(f"{head}:{tail[:place]}?{tail[place + 1 :]}", anywhere, f"{arn}*", f"{arn}?"),
        *(with_variable if variables else ()),
        *((":".join(parts[:3]),) if short else ()),
    )
    return rng.choice(choices)
