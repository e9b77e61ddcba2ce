"""What AWS answers: as JSON, as an error that is final or not, and as text that may be shown."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.secret_names import MASK, without_secrets
from sudo_mcp_guardrails.approval.store.aws import code_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from sudo_mcp_guardrails.approval.plan import Plan

MAX_SHOWN: Final = 300
"""Longest text of AWS's that goes into a record."""
_MIN_SECRET: Final = 4
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
_CLIENT_ERRORS: Final = range(400, 500)
_MAY_HAVE_RUN: Final = frozenset({"RequestTimeout", "RequestTimeoutException", "408"})
"""Errors of the client's by their number, after which the call may have been carried out all the same."""
_NEVER_SENT: Final = frozenset(
    {"ParamValidationError", "UnknownServiceError", "UnknownRegionError", "NoRegionError", "InvalidRegionError"}
)
"""Errors of botocore before anything is sent; told by name, since this room does not import it."""
MISSING: Final = frozenset(
    {
        *("403", "404", "AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NoSuchBucket", "NoSuchKey"),
        *("NotFound", "ResourceNotFoundException", "ParameterNotFound", "ImageNotFoundException", "400", "301"),
        *("RepositoryNotFoundException", "ValidationError", "ValidationException", "InvalidParameterException"),
        *("TypeNotFoundException", "UnsupportedActionException", "InvalidRequestException", "NoSuchVersion"),
        *("GeneralServiceException", "HandlerFailureException", "PermanentRedirect", "InvalidParameter"),
    }
)
"""Answers that say that something cannot be looked up: it is not there, or not for us."""


def plain(value: Any) -> Any:  # noqa: ANN401 - an answer of boto3's
    """Return an answer as JSON: times as text, without what it says of itself; what has no form, by its type's name."""
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items() if name != "ResponseMetadata"}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if value is None or isinstance(value, (str, bool, int, float, Decimal, bytes)):
        return value
    return f"<{type(value).__name__}>"


def was_not_done(error: BaseException) -> bool:
    """Tell whether an error says for certain that a call was not carried out.

    A server's error and a connection that broke say nothing: the call may have been carried out before.
    """
    if type(error).__name__ in _NEVER_SENT:
        return True
    response = getattr(error, "response", None)
    metadata = response.get("ResponseMetadata") if isinstance(response, dict) else None
    status = metadata.get("HTTPStatusCode") if isinstance(metadata, dict) else None
    return isinstance(status, int) and status in _CLIENT_ERRORS and code_of(error) not in _MAY_HAVE_RUN


def is_missing(error: BaseException) -> bool:
    """Tell whether an error says that something cannot be looked up, now or later."""
    return code_of(error) in MISSING


class Veil:
    """Makes texts of AWS's fit to be recorded and shown: one line, bounded, without the plan's secrets.

    Args:
        plan: Whose values nobody is to be shown; None where there is none yet.
    """

    def __init__(self, plan: Plan | None = None) -> None:
        found = set(_secrets(plan)) if plan is not None else set()
        self._secrets = sorted((each for each in found if len(each) >= _MIN_SECRET), key=len, reverse=True)

    def text(self, text: object, most: int = MAX_SHOWN) -> str:
        """Return a text that may be shown."""
        shown = str(text)
        for secret in self._secrets:
            shown = shown.replace(secret, MASK)
        shown = _CONTROL.sub(" ", without_secrets(shown)).strip()
        return shown if len(shown) <= most else f"{shown[: most - 1]}…"

    def error(self, error: BaseException) -> str:
        """Return an error's code and message, as they may be shown."""
        code = code_of(error) or type(error).__name__
        response = getattr(error, "response", None)
        message = response.get("Error", {}).get("Message", "") if isinstance(response, dict) else ""
        return self.text(f"{code}: {message}" if message else code)


def _secrets(plan: Plan) -> Iterator[str]:
    yield from _at(plan.parameters, plan.sensitive)
    for change in plan.changes:
        for value in (change.before, change.after):
            yield from _at(value, change.sensitive)


def _at(value: Any, paths: Iterable[tuple[str, ...]]) -> Iterator[str]:  # noqa: ANN401 - JSON
    for path in paths:
        item: Any = value
        for name in path:
            item = _step(item, name)
        yield from _leaves(item)


def _step(item: Any, name: str) -> Any:  # noqa: ANN401 - JSON
    if isinstance(item, dict):
        found: Mapping[str, Any] = item
        return found.get(name)
    if isinstance(item, list) and name.isdigit() and int(name) < len(item):
        return item[int(name)]
    return None


def _leaves(value: Any) -> Iterator[str]:  # noqa: ANN401 - JSON
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, dict):
            left += item.values()
        elif isinstance(item, list):
            left += item
        elif isinstance(item, str):
            yield item
        elif isinstance(item, (int, float, Decimal)) and not isinstance(item, bool):
            yield str(item)
