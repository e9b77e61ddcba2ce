"""The OpenSearch sink on a real node."""

from __future__ import annotations

import gzip
import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sudo_mcp_guardrails.trail.attribution import Attributed, Attribution, By
from sudo_mcp_guardrails.trail.errors import SinkUnavailableError, TrailError
from sudo_mcp_guardrails.trail.index.names import document_id, index_name
from sudo_mcp_guardrails.trail.index.template import IndexSettings
from sudo_mcp_guardrails.trail.sinks.dead_letters import MemoryDeadLetters
from sudo_mcp_guardrails.trail.sinks.opensearch import OpenSearchSink, SinkOptions
from sudo_mcp_guardrails.trail.sinks.retrying import Patience
from sudo_mcp_guardrails.trail.sinks.sink import Batch, SourceRecord, Written
from sudo_mcp_guardrails.trail.sinks.transports import ClientTransport, SignedTransport
from tests.trail.batches import NOBODY, batch, one_file
from tests.trail.conftest import TRAIL_DATA
from tests.trail.index.documents import odd_events
from tests.trail.made import RUN, event, records

if TYPE_CHECKING:
    from sudo_mcp_guardrails.toolchain.opensearch_node import OpenSearchNode
    from sudo_mcp_guardrails.trail.event import Event
    from sudo_mcp_guardrails.trail.sinks.transports import Transport

pytestmark = pytest.mark.integration

QUICK = Patience(seconds=10, first=0.05)


def sink_of(
    transport: Transport, prefix: str, letters: MemoryDeadLetters | None = None, **options: Any
) -> OpenSearchSink:
    chosen = SinkOptions(settings=IndexSettings(prefix=prefix, replicas=0), patience=QUICK, **options)
    return OpenSearchSink(transport, letters or MemoryDeadLetters(), options=chosen)


def kept(transport: Transport, prefix: str, day: str, event_id: str) -> dict[str, Any]:
    answer = transport.send("GET", f"/{index_name(day, prefix)}/_doc/{document_id(event_id)}")
    found: dict[str, Any] = answer.body["_source"]
    return found


def test_events_are_created_once(transport: ClientTransport, prefix: str) -> None:
    sink = sink_of(transport, prefix)
    first = one_file(event("a"), event("b"), event("b"), event("c", eventTime="2026-11-21T00:00:00Z"))
    assert sink.write(first) == Written(created=3, duplicates=1)
    assert sink.write(first) == Written(created=0, duplicates=4)
    assert sink.count() == 3
    assert sink.missing("2026-11-20", ["a", "b", "c"]) == {"c"}
    assert sink.missing("2026-11-21", ["a", "c"]) == {"a"}
    assert sink.missing("1999-01-01", ["a"]) == {"a"}
    assert kept(transport, prefix, "2026-11-20", "a")["raw"] == json.dumps(event("a"), separators=(",", ":"))


def test_conflicts_are_counted_and_change_nothing(transport: ClientTransport, prefix: str) -> None:
    sink = sink_of(transport, prefix)
    sink.write(one_file(event("a")))
    assert sink.write(one_file(event("a", eventName="Other"))) == Written(created=0, duplicates=1, conflicts=1)
    assert sink.write(one_file(event("b"), event("b", requestID="z"))) == Written(created=1, duplicates=1, conflicts=1)
    assert kept(transport, prefix, "2026-11-20", "a")["name"] == "ListBuckets"


def test_ledger_holds_the_files(transport: ClientTransport, prefix: str) -> None:
    sink = sink_of(transport, prefix)
    assert sink.ledger() == {}
    long = "x" * 3000
    written = batch({"a.json": records(event("a")), long: records(event("a"), event("b"))})
    sink.write(written)
    assert sink.ledger() == {
        "a.json": replace(written.sources[0], created=1),
        long: replace(written.sources[1], created=1, duplicates=1),
    }
    assert sink.count() == 2


def test_amending_replaces_the_attribution_alone(transport: ClientTransport, prefix: str) -> None:
    sink = sink_of(transport, prefix)
    sink.write(one_file(event("a"), event("é" * 200)))
    before = kept(transport, prefix, "2026-11-20", "a")
    later = Attribution(By.SESSION_TAGS, agent="release-bot", run=RUN)
    changes = [("2026-11-20", "a", later), ("2026-11-20", "é" * 200, later), ("2026-11-20", "nobody", later)]
    assert sink.amend(changes) == 2
    after = kept(transport, prefix, "2026-11-20", "a")
    assert (after["agent"], after["run"], after["by"], after["attributed"]) == (
        "release-bot",
        RUN,
        "session-tags",
        True,
    )
    assert after["reason"] is None
    assert after["raw"] == before["raw"]
    assert sink.count() == 2


def test_large_events_are_taken(transport: ClientTransport, prefix: str) -> None:
    sink = sink_of(transport, prefix, most_bytes=100_000)
    large = [
        event("parameters", requestParameters={"policyDocument": "ä" * 40_960}),
        event("whole", requestParameters={f"k{n}": "x" * 100 for n in range(2300)}),
        event("deep", requestParameters=json.loads('{"a":' * 400 + "1" + "}" * 400)),
        event("agent", userAgent="\U0001f600" * 30_000, requestID="é" * 33_000, eventID="ö" * 250),
    ]
    assert sink.write(one_file(*large)) == Written(created=4, duplicates=0)
    assert sink.missing("2026-11-20", ["parameters", "whole", "deep", "ö" * 250]) == set()


@pytest.mark.skipif(not TRAIL_DATA.is_dir(), reason="the published trails are not in ../shared/data/cloudtrail")
def test_no_published_event_is_rejected(transport: ClientTransport, prefix: str) -> None:
    sink = sink_of(transport, prefix)
    files = {str(p.relative_to(TRAIL_DATA)): p.read_bytes() for p in sorted(TRAIL_DATA.rglob("*")) if p.is_file()}
    whole = batch(files)
    written = sink.write(whole)
    known = {(one.event.day, one.event.event_id) for one in whole.events}
    assert (written.created, written.rejected) == (len(known), 0)
    assert written.duplicates == len(whole.events) - len(known)
    assert sink.count() == len(known) > 400
    for day in {day for day, _ in known}:
        assert sink.missing(day, [event_id for other, event_id in known if other == day]) == set()


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(events=st.lists(odd_events(), min_size=1, max_size=60))
def test_no_json_object_is_rejected(events: list[Event], transport: ClientTransport, prefix: str) -> None:
    sink = sink_of(transport, prefix)
    source = SourceRecord("f", 1, "0", len(events), 0, 0, 0, None, None)
    before = sink.count()
    written = sink.write(Batch([Attributed(one, NOBODY) for one in events], [0] * len(events), [source]))
    assert written.rejected == 0
    assert sink.count() == before + written.created
    for one in events:
        assert sink.missing(one.day, [one.event_id]) == set()


def test_refused_event_becomes_a_letter_and_a_stub_and_later_an_event(transport: ClientTransport, prefix: str) -> None:
    letters = MemoryDeadLetters()
    sink = sink_of(transport, prefix, letters)
    sink.prepare()
    index = index_name("2026-11-20", prefix)
    # Somebody made the index by hand, with a field that no event fits.
    body = json.dumps({"mappings": {"properties": {"account": {"type": "long"}}}}).encode()
    assert transport.send("PUT", f"/{index}", body=body).status == 200
    bad, good = event("bad", recipientAccountId="no number"), event("good")
    assert sink.write(one_file(bad, good)) == Written(created=1, duplicates=0, rejected=1)
    assert sink.write(one_file(bad, good)) == Written(created=0, duplicates=2)
    assert sink.count() == 2
    (letter,) = letters.letters()
    assert "mapper_parsing_exception" in letter.reason
    assert json.loads(letter.raw) == bad
    stub = kept(transport, prefix, "2026-11-20", "bad")
    assert stub["stub"] is True
    assert "raw" not in stub
    assert sink.missing("2026-11-20", ["bad"]) == set()
    # The index is mended; what comes again takes the stub's place.
    assert sink.write(one_file(event("bad"))) == Written(created=1, duplicates=0)
    assert "stub" not in kept(transport, prefix, "2026-11-20", "bad")
    assert sink.count() == 2


def test_block_on_an_index_is_no_fault_of_the_event(transport: ClientTransport, prefix: str) -> None:
    letters = MemoryDeadLetters()
    chosen = SinkOptions(settings=IndexSettings(prefix=prefix, replicas=0), patience=Patience(seconds=0.3, first=0.1))
    sink = OpenSearchSink(transport, letters, options=chosen)
    sink.write(one_file(event("a")))
    settings_path = f"/{index_name('2026-11-20', prefix)}/_settings"
    # What OpenSearch sets itself on every index when the disk is nearly full.
    block = json.dumps({"index.blocks.read_only_allow_delete": True}).encode()
    transport.send("PUT", settings_path, body=block)
    with pytest.raises(SinkUnavailableError, match="read-only"):
        sink.write(one_file(event("b")))
    assert list(letters.letters()) == []
    transport.send("PUT", settings_path, body=json.dumps({"index.blocks.read_only_allow_delete": None}).encode())
    assert sink.write(one_file(event("a"), event("b"))) == Written(created=1, duplicates=1)
    assert sink.ledger()["a.json"].events == 2


def test_rollover_by_alias_would_store_twice_and_is_refused(transport: ClientTransport, prefix: str) -> None:
    # The control: through an alias that rolls over, one id is created twice.
    alias = f"{prefix}-control"
    body = json.dumps({"aliases": {alias: {"is_write_index": True}}}).encode()
    transport.send("PUT", f"/{alias}-000001", body=body)
    create = f"/{alias}/_create/same"
    assert transport.send("PUT", create, body=b"{}").status == 200  # what opensearch-py says of any success
    assert transport.send("PUT", create, body=b"{}").status == 409
    transport.send("POST", f"/{alias}/_rollover")
    assert transport.send("PUT", create, body=b"{}").status == 200
    transport.send("POST", f"/{alias}-*/_refresh")
    assert transport.send("GET", f"/{alias}-*/_count").body["count"] == 2
    transport.send("DELETE", f"/{alias}-000001,{alias}-000002")
    # Ours: an index of that name that is such an alias is refused, and an ordinary one is immune to age.
    sink = sink_of(transport, prefix)
    index = index_name("2026-11-22", prefix)
    body = json.dumps({"aliases": {index: {"is_write_index": True}}}).encode()
    transport.send("PUT", f"/{index}-000001", body=body)
    with pytest.raises(TrailError, match="is an alias"):
        sink.write(one_file(event("a", eventTime="2026-11-22T00:00:00Z")))
    assert sink.write(one_file(event("a"))) == Written(created=1, duplicates=0)


def test_events_cross_midnight_and_stay_single(transport: ClientTransport, prefix: str) -> None:
    sink = sink_of(transport, prefix)
    days = [event(f"e{n}", eventTime=f"2026-11-{20 + n % 3}T23:59:5{n % 10}Z") for n in range(30)]
    assert sink.write(one_file(*days)) == Written(created=30, duplicates=0)
    late = event("late", eventTime="2019-02-28T00:00:00Z")
    ahead = event("ahead", eventTime="2999-12-31T23:59:59Z")
    never = event("never", eventTime="2026-02-30T00:00:00Z")
    assert sink.write(one_file(*days, late, ahead, never)) == Written(created=3, duplicates=30)
    assert sink.missing("undated", ["never"]) == set()
    assert sink.count() == 33


def test_both_transports_say_the_same(node: OpenSearchNode, transport: ClientTransport, prefix: str) -> None:
    plain = SignedTransport(node.url, timeout=30)
    assert sink_of(plain, prefix).write(one_file(event("a"))) == Written(created=1, duplicates=0)
    for path in (f"/_index_template/{prefix}-events", "/_index_template/none", f"/{prefix}-none/_search"):
        assert plain.send("GET", path) == transport.send("GET", path)
    plain.close()


def test_two_writers_store_each_event_once(node: OpenSearchNode, transport: ClientTransport, prefix: str) -> None:
    sink_of(transport, prefix).prepare()
    files = one_file(*(event(f"e{n}") for n in range(500)))
    found: list[Written] = []

    def work() -> None:
        own = ClientTransport.connect(node.url)
        found.append(sink_of(own, prefix, most_items=50).write(files))
        own.close()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one.created for one in found) == 500
    assert sum(one.duplicates for one in found) == 1000
    assert sum(one.conflicts for one in found) == 0
    assert sink_of(transport, prefix).count() == 500


def test_template_is_written_once_and_never_over_a_newer_one(transport: ClientTransport, prefix: str) -> None:
    sink_of(transport, prefix).prepare()
    path = f"/_index_template/{prefix}-events"
    there = transport.send("GET", path).body["index_templates"][0]["index_template"]
    assert there["template"]["mappings"]["dynamic"] == "strict"
    newer = {**there, "version": 99, "_meta": {"digest": "another"}}
    assert transport.send("PUT", path, body=json.dumps(newer).encode()).status == 200
    sink_of(transport, prefix).prepare()
    assert transport.send("GET", path).body["index_templates"][0]["index_template"]["version"] == 99


def test_everything_that_an_event_says_is_found(transport: ClientTransport, prefix: str) -> None:
    sink = sink_of(transport, prefix)
    asked = event("a", requestParameters={"bucketName": "logs", "tags": [{"key": "a", "value": 1.50}, {"key": "b"}]})
    sink.write(one_file(asked))
    sink.count()  # refreshes
    for pair in (
        "requestParameters.bucketName=logs",
        "requestParameters.tags.key=b",
        "requestParameters.tags.value=1.5",
    ):
        body = json.dumps({"query": {"term": {"kv": pair}}}).encode()
        answer = transport.send("POST", f"/{index_name('2026-11-20', prefix)}/_search", body=body)
        assert answer.body["hits"]["total"]["value"] == 1, pair


def test_compressed_and_wrapped_forms_are_the_same_event(transport: ClientTransport, prefix: str) -> None:
    sink = sink_of(transport, prefix)
    lines = json.dumps({"event": event("a")}).encode()
    written = sink.write(batch({"a": records(event("a")), "b.gz": gzip.compress(lines)}))
    assert written == Written(created=1, duplicates=1)
