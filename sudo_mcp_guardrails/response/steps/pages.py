"""Lists that AWS answers in pages, read whole and bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.response.errors import RecordError

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_PAGES: Final = 200
"""Pages of one list; more are refused, so that nothing is taken for all that is only the beginning."""


def listed(
    call: Callable[..., Any],
    field: str,
    *,
    token: str = "NextToken",  # noqa: S107 - the name of a parameter
    answered: str = "",
    **parameters: Any,  # noqa: ANN401 - of boto3
) -> list[Any]:
    """Return all elements of a list.

    Args:
        call: The client's method.
        field: Name of the list in the answer.
        token: Name of the parameter that asks for the next page.
        answered: Name of the field that gives it. Default: the same.
        parameters: Of the call.

    Raises:
        RecordError: It has more than 200 pages, or an answer has no such list.
        Exception: What the client raises.
    """
    found: list[Any] = []
    following: dict[str, Any] = {}
    for _ in range(MAX_PAGES):
        page = call(**parameters, **following)
        elements = page.get(field)
        if not isinstance(elements, list):
            raise RecordError(f"answer without a list {field!r}, got {type(elements).__name__}, expected a list")
        found += elements
        value = page.get(answered or token)
        if not value:
            return found
        following = {token: value}
    raise RecordError(f"list {field!r} has more than {MAX_PAGES} pages, allowed are {MAX_PAGES}")
