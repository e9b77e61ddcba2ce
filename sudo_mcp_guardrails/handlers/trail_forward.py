"""Forward the trail files that messages tell of to a Firehose stream: the ingester, with another sink."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.handlers import trail_ingest
from sudo_mcp_guardrails.handlers.trail_parts import Parts, named_brokers
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.trail.attributing import Attributor
from sudo_mcp_guardrails.trail.attributing.dynamodb_store import DynamoKnowledge
from sudo_mcp_guardrails.trail.attributing.knowledge import WAITING, MemoryKnowledge
from sudo_mcp_guardrails.trail.sinks.dead_letters import S3DeadLetters
from sudo_mcp_guardrails.trail.sinks.firehose import FirehoseSink
from sudo_mcp_guardrails.trail.sinks.retrying import Patience

if TYPE_CHECKING:
    from sudo_mcp_guardrails.trail.attributing.knowledge import Knowledge

_REMEMBERED: Final = 20_000


def handler(event: dict[str, Any], context: Any, parts: Parts | None = None) -> dict[str, Any]:  # noqa: ANN401 - Lambda's own
    """Forward what one invocation brings; arguments, answer and errors as in :func:`~.trail_ingest.handler`."""
    return trail_ingest.handler(event, context, parts or _made_parts())


class Borrowed:
    """What a pipeline knows of sessions and calls, read and never changed; what is learned here stays here.

    Which events wait for an amendment is the pipeline's alone: to take one away would leave it without.

    Args:
        shared: the pipeline's.
    """

    shared = False  # what waits here, waits for this process alone

    def __init__(self, shared: Knowledge) -> None:
        self._shared = shared
        self._own = MemoryKnowledge(_REMEMBERED)

    def get(self, key: str) -> Any:  # noqa: ANN401 - as in the protocol
        """See :class:`~sudo_mcp_guardrails.trail.attributing.knowledge.Knowledge`."""
        found = self._own.get(key)
        return self._shared.get(key) if found is None and not key.startswith(WAITING) else found

    def put(self, key: str, value: Any) -> None:  # noqa: ANN401 - as in the protocol
        """See :class:`~sudo_mcp_guardrails.trail.attributing.knowledge.Knowledge`."""
        self._own.put(key, value)

    def flush(self) -> None:
        """Do nothing."""


@lru_cache(maxsize=1)
def _made_parts() -> Parts:
    """Return the parts, as the environment says."""
    import boto3  # noqa: PLC0415 - as in trail_parts

    seconds = float(os.environ["PATIENCE_SECONDS"])
    s3 = boto3.client("s3")
    sink = FirehoseSink(
        boto3.client("firehose"),
        os.environ["STREAM"],
        S3DeadLetters(s3, os.environ["DEAD_LETTER_BUCKET"], os.environ["DEAD_LETTER_PREFIX"]),
        form=os.environ["FORM"],
        patience=Patience(seconds=seconds, longest=5.0),
    )
    table = os.environ["KNOWLEDGE_TABLE"]
    # What the pipeline has learned of sessions; without it only what each container has seen itself.
    knowledge = Borrowed(DynamoKnowledge(boto3.client("dynamodb"), table)) if table else None
    names = GuardrailNames(os.environ["NAMES_PREFIX"])
    attributor = Attributor(names, knowledge=knowledge, brokers=named_brokers())
    return Parts(os.environ["PIPELINE"], s3, sink, attributor, seconds)
