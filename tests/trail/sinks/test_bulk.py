from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sudo_mcp_guardrails.trail.errors import SinkUnavailableError, TrailError
from sudo_mcp_guardrails.trail.sinks.bulk import Bulk, Operation
from sudo_mcp_guardrails.trail.sinks.retrying import Patience
from sudo_mcp_guardrails.trail.sinks.transports import Answer, UnreachableError
from tests.trail.sinks.pretending import Clock, Pretend, refusing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.trail.sinks.pretending import Items


def operations(count: int, size: int = 10) -> list[Operation]:
    return [Operation("create", "i", f"e{n}", b'{"x":"' + b"x" * size + b'"}') for n in range(count)]


def statuses(bulk: Bulk, count: int = 3) -> list[int]:
    return [outcome.status for _, outcome in bulk.send(operations(count))]


@given(st.lists(st.integers(0, 400), max_size=40), st.integers(1, 2000), st.integers(1, 7))
def test_requests_are_bounded_and_nothing_is_left_out(sizes: list[int], most_bytes: int, most_items: int) -> None:
    node = Pretend()
    asked = [Operation("create", "i", f"e{n}", b'"' + b"x" * size + b'"') for n, size in enumerate(sizes)]
    bulk = Bulk(node, Patience(), most_bytes, most_items, in_flight=1)
    assert [operation for operation, _ in bulk.send(asked)] == asked
    assert [id for items in node.requests for _, _, id in items] == [operation.id for operation in asked]
    for items, size in zip(node.requests, node.bodies, strict=True):
        assert len(items) <= most_items
        assert size <= most_bytes or len(items) == 1


@pytest.mark.parametrize("in_flight", [1, 2, 5])
def test_requests_under_way_are_bounded_and_answers_in_order(in_flight: int) -> None:
    """The next request is made while OpenSearch works on the one before; nothing is made far ahead of it."""
    made: list[int] = []
    most: list[int] = []
    under_way = [0]
    lock = Lock()

    def ahead(count: int) -> Iterator[Operation]:
        for number, operation in enumerate(operations(count)):
            made.append(number)
            yield operation

    def slow(_: str, __: Items) -> None:
        with lock:
            under_way[0] += 1
            most.append(under_way[0])
        time.sleep(0.01)
        with lock:
            under_way[0] -= 1

    bulk = Bulk(Pretend(before=slow), Patience(), most_items=1, in_flight=in_flight)
    answered = []
    for operation, outcome in bulk.send(ahead(30)):
        answered.append(operation.id)
        assert outcome.status == 201
        assert len(made) - len(answered) <= in_flight + 2
    assert answered == [operation.id for operation in operations(30)]
    assert max(most) <= in_flight


def test_a_request_that_fails_leaves_none_under_way() -> None:
    """What was sent beside it has come to its end when the error is raised."""
    clock = Clock()
    ended: list[str] = []

    def answer(_: str, items: Items) -> Answer | None:
        name = items[0][2]
        if name == "e0":
            return Answer(503, {})
        time.sleep(0.05)
        ended.append(name)
        return None

    node = Pretend(before=answer)
    with pytest.raises(SinkUnavailableError):
        list(Bulk(node, clock.patience(5), most_items=1).send(operations(6)))
    before = list(ended)
    time.sleep(0.1)
    assert ended == before
    assert len(ended) <= 2


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_busy_node_is_asked_again_with_longer_waits(status: int) -> None:
    clock = Clock()
    node = Pretend(before=lambda _, __: Answer(status, {}) if len(clock.waits) < 4 else None)
    bulk = Bulk(node, clock.patience(60))
    assert statuses(bulk) == [201, 201, 201]
    assert clock.waits == [0.5, 1.0, 2.0, 4.0]
    assert bulk.retries == 4


def test_only_items_that_failed_for_now_are_sent_again() -> None:
    clock = Clock()

    def busy_for_one(_: str, items: Items) -> Answer | None:
        if clock.waits:
            return None
        error = {"type": "rejected_execution_exception", "reason": "queue full"}
        ends = [{"status": 429, "error": error} if id == "e1" else {"status": 201, "_index": "i"} for _, _, id in items]
        return Answer(200, {"errors": True, "items": [{"create": end} for end in ends]})

    node = Pretend(before=busy_for_one)
    assert statuses(Bulk(node, clock.patience(60))) == [201, 201, 201]
    assert [len(items) for items in node.requests] == [3, 1]


def test_no_answer_leaves_it_unsure_who_created() -> None:
    clock = Clock()

    def lost(_: Items) -> None:
        if not clock.waits:
            raise UnreachableError("cut off")

    found = list(Bulk(Pretend(after=lost), clock.patience(60)).send(operations(2)))
    assert [(outcome.status, outcome.unsure) for _, outcome in found] == [(409, True), (409, True)]


def test_patience_ends() -> None:
    clock = Clock()
    node = Pretend(before=lambda _, __: Answer(503, {"message": "starting"}))
    with pytest.raises(SinkUnavailableError, match=r"http://pretend: starting; given up after \d+ attempts"):
        statuses(Bulk(node, clock.patience(30)))
    assert 10 < clock.now <= 30


@pytest.mark.parametrize(
    ("kind", "status", "reason"),
    [
        ("cluster_block_exception", 403, "index [i] blocked by: [FORBIDDEN/12/index read-only / allow delete (api)]"),
        (
            "validation_exception",
            400,
            "this action would add [2] shards, but this cluster has [9]/[9] maximum shards open",
        ),
        ("index_closed_exception", 400, "closed"),
        ("circuit_breaking_exception", 429, "Data too large"),
    ],
)
def test_fault_of_the_cluster_is_none_of_the_document(kind: str, status: int, reason: str) -> None:
    clock = Clock()
    node = Pretend(before=lambda _, items: refusing(items, status, kind, reason))
    with pytest.raises(SinkUnavailableError, match=kind):
        statuses(Bulk(node, clock.patience(5)))


def test_fault_of_the_document_is_final() -> None:
    node = Pretend(before=lambda _, items: refusing(items, 400, "mapper_parsing_exception", "failed\nto parse"))
    (found,) = [outcome for _, outcome in Bulk(node, Patience()).send(operations(1))]
    assert found.refused
    assert found.reason == "mapper_parsing_exception: failed to parse"
    assert len(node.requests) == 1


@pytest.mark.parametrize(
    ("status", "lack"), [(401, "no valid credentials"), (403, "no permission 'indices:data/write/bulk'")]
)
def test_missing_permission_is_said_at_once(status: int, lack: str) -> None:
    node = Pretend(before=lambda _, __: Answer(status, {"message": "User: anonymous is not authorized"}))
    with pytest.raises(TrailError, match=lack) as caught:
        statuses(Bulk(node, Patience()))
    assert not isinstance(caught.value, SinkUnavailableError)
    assert len(node.requests) == 1


def test_missing_permission_on_one_index_is_said_at_once() -> None:
    node = Pretend(before=lambda _, items: refusing(items, 403, "security_exception", "no permissions for [create]"))
    with pytest.raises(TrailError, match="no permission to write to 'i'"):
        statuses(Bulk(node, Patience()))


def test_too_large_a_request_is_halved_and_a_single_one_refused() -> None:
    node = Pretend(before=lambda _, items: Answer(413, {}) if len(items) > 1 else None)
    assert statuses(Bulk(node, Patience()), 5) == [201] * 5
    assert sorted(id for items in node.requests if len(items) == 1 for _, _, id in items) == [f"e{n}" for n in range(5)]
    never = Pretend(before=lambda _, __: Answer(413, {}))
    assert statuses(Bulk(never, Patience()), 2) == [413, 413]


@pytest.mark.parametrize("count", [1, 5])
def test_what_got_no_answer_stays_in_doubt_when_the_request_is_halved(count: int) -> None:
    clock = Clock()
    attempts = 0

    def before(_: str, items: Items) -> Answer | None:
        nonlocal attempts
        attempts += 1
        if attempts == 1:
            raise UnreachableError("the connection broke")
        return Answer(413, {}) if attempts == 2 or len(items) > 1 else None

    documents: dict[tuple[str, str], dict[str, Any]] = {("i", f"e{n}"): {} for n in range(count)}
    bulk = Bulk(Pretend(before=before, documents=documents), clock.patience(60))
    found = [outcome for _, outcome in bulk.send(operations(count))]
    assert all(outcome.unsure for outcome in found)
    assert [outcome.status for outcome in found] == [413] if count == 1 else [409] * count


@pytest.mark.parametrize(
    "body", [{}, {"items": []}, {"items": [{"create": {}}] * 3}, {"items": "no"}, {"items": [1, 2, 3]}]
)
def test_answer_that_says_too_little_is_none(body: dict[str, object]) -> None:
    clock = Clock()
    node = Pretend(before=lambda _, __: Answer(200, body))
    with pytest.raises(SinkUnavailableError):
        statuses(Bulk(node, clock.patience(5)))


def test_write_that_went_elsewhere_is_refused() -> None:
    node = Pretend(
        before=lambda _, items: Answer(200, {"items": [{"create": {"status": 201, "_index": "i-000001"}}] * len(items)})
    )
    with pytest.raises(TrailError, match="'i' is an alias of 'i-000001'"):
        statuses(Bulk(node, Patience()))


def test_index_that_may_not_be_made_is_no_fault_of_the_event() -> None:
    node = Pretend(before=lambda _, items: refusing(items, 404, "index_not_found_exception", "no such index"))
    with pytest.raises(TrailError, match=r"action\.auto_create_index"):
        statuses(Bulk(node, Patience()))


@pytest.mark.parametrize("patience", [{"seconds": -1}, {"first": 0}, {"first": 5, "longest": 1}, {"longest": 4000}])
def test_patience_that_spins_or_never_ends_is_refused(patience: dict[str, float]) -> None:
    with pytest.raises(TrailError, match="is not allowed"):
        Patience(**patience)  # type: ignore[arg-type] # floats alone


def test_bounds_that_never_send_are_refused() -> None:
    with pytest.raises(TrailError, match="must all be above 0"):
        Bulk(Pretend(), Patience(), most_items=0)
