"""What boto3's answers have in common: codes of errors, and values of DynamoDB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CONDITION_FAILED: Final = "ConditionalCheckFailedException"
THERE: Final = frozenset({"PreconditionFailed", "412"})
"""What S3 answers to a write with ``If-None-Match: *`` where an object is there."""
CONFLICT: Final = frozenset({"ConditionalRequestConflict", "OperationAborted", "409"})
"""What S3 answers where another write of the same key is under way; it may be tried again."""
MISSING: Final = frozenset({"NoSuchKey", "NoSuchVersion", "NotFound", "404"})


def code_of(error: BaseException) -> str:
    """Return the code of an error of AWS; empty for an error that has none, such as a broken connection.

    Told by its members and not by its class, since this room does not import botocore.
    """
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return ""
    return str(response.get("Error", {}).get("Code", ""))


def text_of(item: Mapping[str, Any], name: str) -> str:
    """Return a text attribute of a DynamoDB item; empty where there is none."""
    return str(item.get(name, {}).get("S", ""))


def number_of(item: Mapping[str, Any], name: str) -> int:
    """Return a number attribute of a DynamoDB item; 0 where there is none."""
    return int(item.get(name, {}).get("N", "0"))


def pages(client: Any, operation: str, **options: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - of boto3
    """Yield the items of a ``query`` or ``scan``, all pages of it."""
    while True:
        answer = getattr(client, operation)(**options)
        yield from answer.get("Items", [])
        last = answer.get("LastEvaluatedKey")
        if not last:
            return
        options["ExclusiveStartKey"] = last
