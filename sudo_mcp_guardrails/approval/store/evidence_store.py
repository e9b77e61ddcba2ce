"""Evidence in DynamoDB, with a copy of each record in a bucket under Object Lock.

The table decides: a record is there once its item is, and an item is written only where none of that chain and number
is (``attribute_not_exists``). The copy follows. Who appends first makes good the copy of the record before, so that at
any crash no copy but the last one's can be missing; the daily heads make that good.
"""

from __future__ import annotations

import random
import secrets
import time as clocks
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval import evidence
from sudo_mcp_guardrails.approval.chain.check import verify
from sudo_mcp_guardrails.approval.errors import EvidenceError
from sudo_mcp_guardrails.approval.evidence import MAX_NUMBER, Record, check_chain
from sudo_mcp_guardrails.approval.moments import written
from sudo_mcp_guardrails.approval.store.aws import CONDITION_FAILED, code_of, pages, text_of
from sudo_mcp_guardrails.approval.store.copies import Copies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sudo_mcp_guardrails.approval.evidence import Signer, Verifier
    from sudo_mcp_guardrails.approval.store.signers import Keys

MAX_RACES: Final = 100
"""How often a record is made anew where another one was there first."""
_MAX_PAUSE: Final = 0.5
_MAX_DOUBLINGS: Final = 6


class Lost(EvidenceError):  # noqa: N818 - it is an answer: somebody else was there first
    """Somebody appended meanwhile; nothing was written."""


class EvidenceStore:
    """Chains of records.

    Args:
        dynamodb: boto3's low-level client of DynamoDB.
        s3: boto3's client of S3.
        table: its name; keys ``chain`` (S) and ``number`` (N).
        bucket: for the copies; empty for none, as for what only reads.
        signer: of what is appended; None for what only reads.
        clock: seconds since 1970. Default: the system's.
        pause: waits that many seconds after a lost race. Default: ``time.sleep``.
    """

    def __init__(  # noqa: PLR0917 - clients, names, signer and clock, in the order of the design
        self,
        dynamodb: Any,  # noqa: ANN401 - of boto3
        s3: Any,  # noqa: ANN401 - of boto3
        table: str,
        bucket: str,
        signer: Signer | None,
        clock: Callable[[], float] = clocks.time,
        *,
        pause: Callable[[float], None] = clocks.sleep,
    ) -> None:
        self._dynamodb = dynamodb
        self._table = table
        self._copies = Copies(s3, bucket) if bucket else None
        self._signer = signer
        self._clock = clock
        self._pause = pause

    def now(self) -> int:
        """Return the time that a record would get, in whole seconds."""
        return int(self._clock())

    def append(self, chain: str, kind: str, who: str, body: Mapping[str, Any]) -> Record:
        """Append a record, whatever is there.

        Args:
            chain: its name.
            kind: what it is.
            who: did it.
            body: what there is to say, of JSON.

        Raises:
            EvidenceError: a value is out of bounds.
            Lost: others appended :data:`MAX_RACES` times in between.
            Exception: what AWS answers. The record may be there all the same; who must know reads the chain.
        """
        for attempt in range(MAX_RACES):
            try:
                return self.append_if(chain, self.last(chain), kind, who, body)
            except Lost:  # noqa: PERF203 - each attempt is two calls of AWS
                self.wait(attempt)
        raise Lost(f"chain {chain!r} took no record of kind {kind!r} in {MAX_RACES} attempts")

    def append_if(self, chain: str, last: Record | None, kind: str, who: str, body: Mapping[str, Any]) -> Record:
        """Append a record where a chain still ends as it did: a claim, which one of several can make.

        Args:
            chain: its name.
            last: its last record, as it was read; None where it had none.
            kind: what it is.
            who: did it.
            body: what there is to say, of JSON.

        Raises:
            Lost: the chain does not end there any more.
            EvidenceError: a value is out of bounds, or there is no signer.
            Exception: as :meth:`append`.
        """
        if self._signer is None:
            raise EvidenceError(f"chain {chain!r} is opened for reading, and takes no record")
        made = evidence.append(chain, last, time=self.now(), kind=kind, who=who, body=body, signer=self._signer)
        if last is not None:
            self.copy(last)
        writer = secrets.token_hex(16)
        try:
            self._dynamodb.put_item(
                TableName=self._table,
                Item={
                    "chain": {"S": chain},
                    "number": {"N": str(made.number)},
                    "record": {"S": made.line().decode().rstrip("\n")},
                    "writer": {"S": writer},
                },
                ConditionExpression="attribute_not_exists(chain)",
            )
        except Exception as error:
            if code_of(error) != CONDITION_FAILED:
                raise
            # The SDK tries again after a connection broke: then it is this very write that is there already. The record
            # alone does not tell, since two claims may say the same in one second.
            if text_of(self._item(chain, made.number), "writer") != writer:
                raise Lost(f"record {made.number} of {chain!r} is there already") from None
        self.copy(made)
        return made

    def wait(self, attempt: int = _MAX_DOUBLINGS) -> None:
        """Wait after a lost race, at random: those who lost together do not meet again."""
        longest = min(_MAX_PAUSE, 0.01 * 2 ** min(attempt, _MAX_DOUBLINGS))
        self._pause(random.uniform(0, longest))  # noqa: S311 - no secret

    def copy(self, record: Record) -> None:
        """Copy a record to the bucket, where it is not there yet."""
        if self._copies is not None:
            self._copies.keep(record)

    def last(self, chain: str) -> Record | None:
        """Return the last record of a chain; None where it has none. Nothing is verified."""
        answer = self._dynamodb.query(**self._of(chain), ScanIndexForward=False, Limit=1)
        items = answer.get("Items", [])
        return self._read(chain, items[0]) if items else None

    def record(self, chain: str, number: int) -> Record | None:
        """Return one record; None where it is not there. Nothing is verified."""
        item = self._item(chain, number)
        return self._read(chain, item) if item else None

    def records(self, chain: str, since: int = 1) -> list[Record]:
        """Return the records of a chain in their order. Nothing is verified.

        Args:
            chain: its name.
            since: number of the first one that is wanted. Default: all.

        Raises:
            EvidenceError: what is stored is no record, or there are too many.
        """
        found: list[Record] = []
        for item in pages(self._dynamodb, "query", **self._of(chain, since)):
            found.append(self._read(chain, item))
            if len(found) > MAX_NUMBER:
                raise EvidenceError(f"chain {chain!r} has more than {MAX_NUMBER} records")
        return found

    def days(self) -> Iterator[tuple[str, str]]:
        """Yield the name of a chain and the day of a record, ``2026-11-24``, of every record; reads the whole table.

        Raises:
            EvidenceError: what is stored is no record.
        """
        # Not `record` alone: what is there beside the chains has none.
        options = {"TableName": self._table, "FilterExpression": "attribute_exists(#record)"}
        names = {"#record": "record"}
        for item in pages(self._dynamodb, "scan", **options, ExpressionAttributeNames=names, ConsistentRead=True):
            record = Record.from_line(text_of(item, "record"))
            yield record.chain, written(record.time)[: len("2026-11-24")]

    def checked(self, chain: str, verifier: Verifier, keys: Keys) -> list[Record]:
        """Return the records of a chain that is whole, in their order; none for a chain without any.

        Args:
            chain: its name.
            verifier: of signatures.
            keys: that count.

        Raises:
            EvidenceError: it is not whole, or a record is signed by the key of another kind; names the first problem.
        """
        return check_records(chain, self.records(chain), verifier, keys)

    def _item(self, chain: str, number: int) -> Mapping[str, Any]:
        key = {"chain": {"S": check_chain(chain)}, "number": {"N": str(number)}}
        answer = self._dynamodb.get_item(TableName=self._table, Key=key, ConsistentRead=True)
        found: Mapping[str, Any] = answer.get("Item", {})
        return found

    def _of(self, chain: str, since: int = 1) -> dict[str, Any]:
        found: dict[str, Any] = {
            "TableName": self._table,
            "KeyConditionExpression": "#chain = :chain",
            "ExpressionAttributeNames": {"#chain": "chain"},
            "ExpressionAttributeValues": {":chain": {"S": check_chain(chain)}},
            "ConsistentRead": True,
        }
        if since > 1:
            found["KeyConditionExpression"] += " AND #number >= :since"
            found["ExpressionAttributeNames"]["#number"] = "number"
            found["ExpressionAttributeValues"][":since"] = {"N": str(since)}
        return found

    def _read(self, chain: str, item: Mapping[str, Any]) -> Record:
        record = Record.from_line(text_of(item, "record"))
        if (record.chain, str(record.number)) != (chain, item.get("number", {}).get("N", str(record.number))):
            raise EvidenceError(f"record {record.number} of {record.chain!r} stands in the place of one of {chain!r}")
        return record


def check_records(chain: str, records: Sequence[Record], verifier: Verifier, keys: Keys) -> list[Record]:
    """Return records that are a whole chain; raises EvidenceError, as :meth:`EvidenceStore.checked`."""
    problems = [*verify(chain, records, verifier, keys.of_chain(chain)), *keys.misused(chain, records)]
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise EvidenceError(f"chain {chain!r} is not whole: {problems[0].text}{more}")
    return list(records)
