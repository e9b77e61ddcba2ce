"""What the functions of the log pipeline work with, made from their environment once for each container."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.handlers.notified import EVENT
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.trail.attributing import Attributor
from sudo_mcp_guardrails.trail.attributing.dynamodb_store import DynamoKnowledge
from sudo_mcp_guardrails.trail.index.template import IndexSettings
from sudo_mcp_guardrails.trail.ledger import DynamoLedger
from sudo_mcp_guardrails.trail.sinks.dead_letters import S3DeadLetters
from sudo_mcp_guardrails.trail.sinks.opensearch import OpenSearchSink, SinkOptions
from sudo_mcp_guardrails.trail.sinks.retrying import Patience
from sudo_mcp_guardrails.trail.sinks.transports import SignedTransport

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.trail.ledger import Ledger
    from sudo_mcp_guardrails.trail.sinks.sink import Sink, SourceRecord
    from sudo_mcp_guardrails.trail.sinks.transports import Transport

MAX_OBJECT_BYTES: Final = 64 * 1024 * 1024
"""Largest object that is read, as stored: CloudTrail's have a few megabytes. A larger one ends as a dead message."""
_REQUEST_SECONDS: Final = 30.0
_POOL: Final = 10


@dataclass(frozen=True)
class Parts:
    """What a function works with.

    Attributes:
        pipeline: value of the metrics' dimension.
        s3: boto3's client.
        sink: where events go.
        attributor: tells whose work each event is.
        patience: seconds that the sink tries.
        max_object_bytes: most bytes of one object, as stored.
        transport: to the search domain, for what is set up there; None where the sink is another.
        settings: of the indexes.
    """

    pipeline: str
    s3: Any
    sink: Sink
    attributor: Attributor
    patience: float = 20.0
    max_object_bytes: int = MAX_OBJECT_BYTES
    transport: Transport | None = None
    settings: IndexSettings = IndexSettings()  # noqa: RUF009 - frozen


class FileLedger:
    """A ledger of files alone: events that came whole leave no line, since the file that they are delivered in does.

    Args:
        ledger: where the lines go.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def put(self, records: Sequence[SourceRecord]) -> None:
        """See :class:`~sudo_mcp_guardrails.trail.ledger.Ledger`."""
        files = [record for record in records if not record.name.startswith(EVENT)]
        if files:
            self._ledger.put(files)

    def records(self) -> dict[str, SourceRecord]:
        """See :class:`~sudo_mcp_guardrails.trail.ledger.Ledger`."""
        return self._ledger.records()


def named_brokers() -> list[str] | None:
    """Return the roles whose session tags are believed, as the environment names them; None for everybody's."""
    named = os.environ.get("BROKER_ROLES")
    return named.split(",") if named else None


@lru_cache(maxsize=1)
def made_parts() -> Parts:
    """Return the parts, as the environment says; they are kept for the container's next invocation."""
    import boto3  # noqa: PLC0415 - so that what is wrong with a message shows without it
    from botocore.config import Config  # noqa: PLC0415 - as above

    session = boto3.session.Session()
    config = Config(
        retries={"mode": "standard", "max_attempts": 4},
        connect_timeout=5,
        read_timeout=_REQUEST_SECONDS,
        max_pool_connections=_POOL,
    )
    s3, dynamodb = (session.client(name, config=config) for name in ("s3", "dynamodb"))
    seconds = float(os.environ["PATIENCE_SECONDS"])
    patience = Patience(seconds=seconds, longest=5.0)
    settings = IndexSettings(prefix=os.environ["INDEX_PREFIX"], replicas=int(os.environ["REPLICAS"]))
    transport = SignedTransport(
        os.environ["ENDPOINT"],
        credentials=session.get_credentials(),
        region=os.environ["AWS_REGION"],
        timeout=_REQUEST_SECONDS,
    )
    sink = OpenSearchSink(
        transport,
        S3DeadLetters(s3, os.environ["DEAD_LETTER_BUCKET"], os.environ["DEAD_LETTER_PREFIX"]),
        ledger=FileLedger(DynamoLedger(dynamodb, os.environ["LEDGER_TABLE"], patience)),
        options=SinkOptions(settings=settings, patience=patience),
    )
    attributor = Attributor(
        GuardrailNames(os.environ["NAMES_PREFIX"]),
        knowledge=DynamoKnowledge(dynamodb, os.environ["KNOWLEDGE_TABLE"]),
        brokers=named_brokers(),
    )
    return Parts(os.environ["PIPELINE"], s3, sink, attributor, seconds, transport=transport, settings=settings)
