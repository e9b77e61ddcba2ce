"""The OpenSearch sink where the node fails in ways that a real one cannot be made to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.trail.attribution import Attribution, By
from sudo_mcp_guardrails.trail.errors import SinkUnavailableError, TrailError
from sudo_mcp_guardrails.trail.ledger import MemoryLedger
from sudo_mcp_guardrails.trail.sinks.dead_letters import MemoryDeadLetters
from sudo_mcp_guardrails.trail.sinks.opensearch import OpenSearchSink, SinkOptions
from sudo_mcp_guardrails.trail.sinks.sink import DeadLetter, Written
from sudo_mcp_guardrails.trail.sinks.transports import Answer, UnreachableError
from tests.trail.batches import one_file
from tests.trail.made import event
from tests.trail.sinks.pretending import Clock, Pretend, refusing

if TYPE_CHECKING:
    from tests.trail.sinks.pretending import Items


def sink_of(
    node: Pretend, clock: Clock, letters: MemoryDeadLetters | None = None, ledger: MemoryLedger | None = None
) -> OpenSearchSink:
    # One request after the other, so that the clock of a test says when each was sent.
    options = SinkOptions(patience=clock.patience(60), most_items=2, in_flight=1)
    return OpenSearchSink(node, letters or MemoryDeadLetters(), ledger=ledger or MemoryLedger(), options=options)


def test_an_hour_without_opensearch_loses_nothing() -> None:
    clock, down = Clock(), [False]

    def answer(_: str, __: Items) -> Answer | None:
        if down[0] and clock.now < 3600:
            raise UnreachableError("connection refused")
        return None

    node, ledger = Pretend(before=answer), MemoryLedger()
    sink = sink_of(node, clock, ledger=ledger)
    batch = one_file(*(event(f"e{n}") for n in range(7)))
    sink.write(one_file(event("e0"), event("e1"), event("e2"), name="before.json"))
    down[0] = True
    tries = 0
    while True:  # as SQS, or a person, comes back to it
        try:
            written = sink.write(batch)
            break
        except SinkUnavailableError:
            tries += 1
            assert "a.json" not in ledger.records()
            assert len(node.documents) == 3
    assert tries > 30
    assert clock.now < 3700
    assert (written.created, written.duplicates, written.conflicts) == (4, 3, 0)
    assert len(node.documents) == 7
    assert ledger.records()["a.json"] == replace(batch.sources[0], created=4, duplicates=3)


def test_answer_that_was_lost_does_not_make_a_duplicate_of_a_new_event() -> None:
    clock = Clock()

    def lost(_: Items) -> None:
        if len(clock.waits) == 0:
            raise UnreachableError("cut off")

    sink = sink_of(Pretend(after=lost), clock)
    assert sink.write(one_file(event("a"), event("b"), event("c"))) == Written(created=3, duplicates=0, retries=1)


def test_failure_in_the_middle_keeps_the_file_out_of_the_ledger() -> None:
    clock, ledger = Clock(), MemoryLedger()
    node = Pretend(
        before=lambda _, items: Answer(503, {}) if ("create", "agent-trail-2026.11.20", "e3") in items else None
    )
    batch = one_file(*(event(f"e{n}") for n in range(5)))
    with pytest.raises(SinkUnavailableError):
        sink_of(node, clock, ledger=ledger).write(batch)
    assert ledger.records() == {}
    node.before = None
    assert sink_of(node, clock, ledger=ledger).write(batch) == Written(created=3, duplicates=2)


def test_letter_is_kept_before_the_stub() -> None:
    clock, letters = Clock(), MemoryDeadLetters()
    seen: list[int] = []

    def refuse_once(path: str, items: Items) -> Answer | None:
        if path != "/_bulk":
            return None
        seen.append(len(list(letters.letters())))
        return refusing(items, 400, "mapper_parsing_exception") if len(seen) == 1 else None

    node = Pretend(before=refuse_once)
    assert sink_of(node, clock, letters).write(one_file(event("a"))) == Written(0, 0, rejected=1)
    assert seen == [0, 1]
    ((_, stub),) = node.documents.items()
    assert stub["stub_reason"] == "mapper_parsing_exception: because"


def test_index_that_refuses_even_stubs_is_an_error_with_the_letter_kept() -> None:
    letters = MemoryDeadLetters()
    node = Pretend(
        before=lambda path, items: (
            refusing(items, 400, "strict_dynamic_mapping_exception") if path == "/_bulk" else None
        )
    )
    with pytest.raises(TrailError, match="refuses even a stub"):
        sink_of(node, Clock(), letters).write(one_file(event("a")))
    assert len(list(letters.letters())) == 1


def test_letters_of_the_batch_are_kept_even_of_a_file_without_events() -> None:
    letters = MemoryDeadLetters()
    batch = one_file({"eventName": "NoId", "eventTime": "2026-11-20T00:00:00Z"})
    sink_of(Pretend(), Clock(), letters).write(batch)
    (letter,) = letters.letters()
    assert isinstance(letter, DeadLetter)
    assert "eventID" in letter.reason


def test_without_comparing_a_replay_looks_nothing_up() -> None:
    looked: list[str] = []
    node = Pretend(before=lambda path, _: looked.append(path))
    options = SinkOptions(patience=Clock().patience(1), compare=False)
    sink = OpenSearchSink(node, MemoryDeadLetters(), ledger=MemoryLedger(), options=options)
    sink.write(one_file(event("a")))
    assert sink.write(one_file(event("a", eventName="Other"))) == Written(created=0, duplicates=1)
    assert "/_mget" not in looked


@pytest.mark.parametrize("day", ["2026-11", "../x", "2026-11-20,other", ""])
def test_day_that_is_none_is_refused(day: str) -> None:
    sink = sink_of(Pretend(), Clock())
    with pytest.raises(TrailError, match="is none"):
        sink.missing(day, ["a"])
    with pytest.raises(TrailError, match="is none"):
        sink.amend([(day, "a", Attribution(By.NOBODY))])


def test_shard_that_cannot_be_counted_is_no_number() -> None:
    node = Pretend(before=lambda _, __: Answer(200, {"count": 5, "_shards": {"failed": 1}}))
    with pytest.raises(SinkUnavailableError, match="1 shards"):
        sink_of(node, Clock()).count()


def test_document_that_cannot_be_read_is_not_called_missing() -> None:
    error = {"error": {"type": "no_shard_available_action_exception", "reason": "no shard"}}
    node = Pretend(before=lambda path, _: Answer(200, {"docs": [error]}) if path == "/_mget" else None)
    with pytest.raises(SinkUnavailableError, match="no shard"):
        sink_of(node, Clock()).missing("2026-11-20", ["a"])


def test_template_that_may_not_be_written_names_the_permission() -> None:
    node = Pretend(before=lambda _, __: Answer(403, {"error": {"type": "security_exception", "reason": "no"}}))
    with pytest.raises(TrailError, match="indices:admin/index_template/get"):
        sink_of(node, Clock()).write(one_file(event("a")))


def test_an_event_that_cannot_be_amended_does_not_hold_up_the_others(caplog: pytest.LogCaptureFixture) -> None:
    node = Pretend()
    sink = sink_of(node, Clock())
    sink.write(one_file(event("a"), event("b")))
    node.before = lambda path, items: (
        refusing(items, 400, "mapper_parsing_exception") if path == "/_bulk" and items[0][2] == "a" else None
    )
    changes = [("2026-11-20", name, Attribution(By.NOBODY)) for name in ("x", "y", "a", "b")]
    assert sink.amend(changes[2:3]) == 0
    assert "event 'a' of agent-trail-2026.11.20 is not amended: mapper_parsing_exception" in caplog.text
    assert sink.amend(changes[3:]) == 1
