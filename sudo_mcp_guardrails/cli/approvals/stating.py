"""State something that is no decision about an approval, by a fresh proof of who states it: a ruling, a delegation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.cli.approvals.api import REFUSED, ApiError
from sudo_mcp_guardrails.cli.approvals.printing import line
from sudo_mcp_guardrails.cli.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.cli.approvals.reaching import Reached
    from sudo_mcp_guardrails.cli.output import Answer


def state(
    answer: Answer,
    reached: Reached,
    body: dict[str, Any],
    *,
    asked_at: str,
    stated_at: str,
    challenge: Callable[[dict[str, Any]], str],
) -> tuple[dict[str, Any], str]:
    """State something.

    Args:
        answer: is told of a refusal.
        reached: whom it is stated to.
        body: what is stated.
        asked_at: path that gives the challenge.
        stated_at: path that takes the statement.
        challenge: makes it of what is stated, so that nobody proves something else than he reads.

    Returns:
        What the API answers, and why it refuses; the one is empty where the other is not.

    Raises:
        InputError: nothing was stated: the sign-in proves too little, or the API asks about something else.
        ApiError: the API does not answer, or takes the statement for none.
    """
    if not reached.session.says_how:
        raise InputError(
            "this sign-in does not say how you signed in and proves no second factor, expected an identity provider "
            "that says amr, or an IAM user (--profile)"
        )
    try:
        asked = reached.post(asked_at, body)
        stated = {**body, "issued": asked["issued"]}
        if asked["challenge"] != challenge(stated):
            raise InputError("the API asks for a proof of something else than this: nothing was changed")
        return reached.post(stated_at, stated, reached.again(asked["challenge"])), ""
    except ApiError as error:
        return {}, refusal(answer, error)


def refusal(answer: Answer, error: ApiError) -> str:
    """Print why the API refuses, and return it; raises the error where it is no refusal."""
    if error.status not in REFUSED:
        raise error
    line(answer, f"refused: {error}")
    return str(error)
