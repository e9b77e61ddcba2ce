"""Copies of records in a bucket under Object Lock: what is there is never written over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.evidence import check_chain
from sudo_mcp_guardrails.approval.store.aws import CONFLICT, THERE, code_of

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.evidence import Record

COPIES: Final = "records/"
"""What keys of copies begin with."""
_ATTEMPTS: Final = 5
_MAX_REMEMBERED: Final = 50_000


class Copies:
    """The copies.

    Args:
        s3: boto3's client of S3; may put objects below :data:`COPIES`.
        bucket: its name.
    """

    def __init__(self, s3: Any, bucket: str) -> None:  # noqa: ANN401 - of boto3
        self._s3 = s3
        self._bucket = bucket
        self._kept: set[tuple[str, int]] = set()

    def keep(self, record: Record) -> None:
        """Copy a record, where it is not there yet; a process asks once for each.

        Raises:
            Exception: what AWS answers; the copy may be there all the same.
        """
        known = (record.chain, record.number)
        if known in self._kept:
            return
        for attempt in range(_ATTEMPTS):
            try:
                self._s3.put_object(
                    Bucket=self._bucket,
                    Key=copy_key(record.chain, record.number),
                    Body=record.line(),
                    ContentType="application/json",
                    ChecksumAlgorithm="SHA256",  # Object Lock takes no object without a checksum
                    IfNoneMatch="*",
                )
            except Exception as error:  # noqa: PERF203 - each attempt is a call of AWS
                code = code_of(error)
                if code not in THERE | CONFLICT or (code in CONFLICT and attempt + 1 == _ATTEMPTS):
                    raise
                if code in THERE:
                    break
            else:
                break
        if len(self._kept) < _MAX_REMEMBERED:
            self._kept.add(known)


def copy_key(chain: str, number: int) -> str:
    """Return the key of a record's copy."""
    return f"{COPIES}{check_chain(chain)}/{number:08d}.json"
