from __future__ import annotations

import base64
import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given

from sudo_mcp_guardrails.trail.attribution import Attributed, Attribution, By
from sudo_mcp_guardrails.trail.errors import TrailError
from sudo_mcp_guardrails.trail.event import Event
from sudo_mcp_guardrails.trail.index import pairs as pairing
from sudo_mcp_guardrails.trail.index.document import attribution_fields, document, stub
from sudo_mcp_guardrails.trail.index.names import document_id, event_patterns, index_name, ledger_name
from sudo_mcp_guardrails.trail.index.pairs import PAIRS, bounded, pairs
from sudo_mcp_guardrails.trail.index.template import (
    ATTRIBUTION_FIELDS,
    EVENT_FIELDS,
    FIELDS,
    LEDGER_FIELDS,
    IndexSettings,
    event_template,
    ledger_template,
)
from sudo_mcp_guardrails.trail.reading import read_file
from sudo_mcp_guardrails.trail.sinks.opensearch_write import encoded
from sudo_mcp_guardrails.trail.sinks.sink import SourceRecord
from tests.trail.index.documents import odd_events
from tests.trail.made import event, records

if TYPE_CHECKING:
    from collections.abc import Iterator

TERM_BYTES = 32_766
NOBODY = Attribution(By.NOBODY, reason="nothing tells of an agent")


def read(**more: Any) -> Event:
    (found,) = read_file("a.json", records(event("a", **more))).events
    return found


def made(found: Event) -> dict[str, Any]:
    return document(Attributed(found, NOBODY), source_object="s", ingested_at=1_795_000_000_000, write_id="w")


def keywords(what: dict[str, Any]) -> Iterator[str]:
    for name, value in what.items():
        if FIELDS[name]["type"] == "keyword" and FIELDS[name].get("index", True):
            yield from value if isinstance(value, list) else [value]


@given(odd_events())
def test_template_takes_every_json_object(found: Event) -> None:
    what = made(found)
    assert set(what) <= set(FIELDS)
    for text in keywords(what):
        assert isinstance(text, str)
        assert len(text.encode()) <= TERM_BYTES  # strict: halves of surrogate pairs are an error here
        assert len(text.encode("utf-16-le")) // 2 <= 8191
    for name, value in what.items():
        if FIELDS[name]["type"] == "boolean":
            assert isinstance(value, bool)
    assert len(document_id(found.event_id).encode()) <= 512
    raw = what["raw"].encode() if "raw" in what else base64.b64decode(what["raw_base64"])
    assert raw == found.raw
    assert json.loads(encoded(what)) == what
    assert json.loads(encoded(stub(found, reason="r", source_object="s", ingested_at=1, write_id="w")))["stub"]


def test_fields_are_those_of_the_contract() -> None:
    assert set(EVENT_FIELDS) == set(Event._fields) - {"raw"}
    assert set(ATTRIBUTION_FIELDS) == {field.name for field in fields(Attribution)} | {"attributed"}
    assert set(LEDGER_FIELDS) == {field.name for field in fields(SourceRecord)} | {"key"}
    assert len(FIELDS) == len(EVENT_FIELDS) + len(ATTRIBUTION_FIELDS) + 9


def test_names_of_services_are_no_addresses() -> None:
    assert made(read(sourceIPAddress="aws-mcp.amazonaws.com"))["source_ip"] == "aws-mcp.amazonaws.com"
    assert FIELDS["source_ip"]["type"] == "keyword"


def test_rest_of_an_event_becomes_pairs_and_fields_do_not() -> None:
    found, cut = pairs(read(requestParameters={"a": {"b": [1, "x", {"c": True}, None]}, "n": 1.50, "e": {}}))
    rest = [pair for pair in found if pair.startswith("requestParameters")]
    assert rest == [
        "requestParameters.n=1.5",
        "requestParameters.a.b=1",
        "requestParameters.a.b=x",
        "requestParameters.a.b.c=true",
    ]
    assert not cut
    assert not [pair for pair in found if pair.startswith(("eventName", "awsRegion", "userIdentity.arn", "readOnly"))]


def test_value_that_its_field_could_not_take_is_a_pair() -> None:
    found, _ = pairs(read(eventName={"odd": 7}, readOnly="yes", eventTime="yesterday"))
    assert {"eventName.odd=7", "readOnly=yes", "eventTime=yesterday"} <= set(found)


def test_too_many_pairs_are_cut_and_say_so() -> None:
    what = made(read(requestParameters={f"k{n}": n for n in range(3000)}))
    assert len(what["kv"]) == PAIRS
    assert what["kv_cut"] is True
    assert "kv_cut" not in made(read())


def test_long_value_is_cut_and_says_so_and_is_kept_whole_in_raw() -> None:
    what = made(read(requestParameters={"policy": "é" * 40_000}))
    assert what["kv_cut"] is True
    assert json.loads(what["raw"])["requestParameters"]["policy"] == "é" * 40_000


@pytest.mark.parametrize("raw", [b"[" * 100_000, b'{"a":' * 100_000, b"no json", b'{"a":1'])
def test_what_cannot_be_parsed_keeps_its_bytes(raw: bytes) -> None:
    what = made(read()._replace(raw=raw))
    assert (what["kv"], what["kv_cut"], what["raw"]) == ([], True, raw.decode())


def test_deep_events_take_little_room() -> None:
    deep: Any = {f"leaf{n}": n for n in range(500)}
    for _ in range(300):
        deep = {"k" * 50: deep}
    found, cut = pairs(read(requestParameters=deep))
    assert sum(map(len, found)) <= 256 * 1024
    assert cut


def test_bounded_cuts_between_characters() -> None:
    assert bounded("x" * 9000) == "x" * 8191
    assert bounded("\U0001f600" * 5000) == "\U0001f600" * 4095
    assert bounded("\ud800a") == "?a"


def test_update_names_every_field_and_a_new_document_only_what_is_known() -> None:
    assert set(attribution_fields(NOBODY)) == set(ATTRIBUTION_FIELDS)
    assert set(attribution_fields(NOBODY, nulls=False)) == {"by", "attributed", "reason"}


def test_index_is_a_function_of_the_events_day() -> None:
    assert index_name("2026-11-23") == "agent-trail-2026.11.23"
    assert index_name("undated", "t") == "t-undated"
    assert ledger_name("t") not in event_patterns("t")
    assert [document_id("a"), document_id("a" * 513)[:7]] == ["a", "sha256:"]


def test_template_is_strict_and_the_ledger_has_its_own() -> None:
    one = event_template(IndexSettings(prefix="t", shards=3, replicas=2, codec="zstd", refresh_seconds=5))
    assert one["template"]["mappings"]["dynamic"] == "strict"
    assert one["template"]["settings"]["index"] == {
        "number_of_shards": "3",
        "number_of_replicas": "2",
        "codec": "zstd",
        "refresh_interval": "5s",
        "translog": {"durability": "request"},
    }
    assert ledger_template(IndexSettings(prefix="t"))["index_patterns"] == ["t-ledger"]
    assert one["_meta"]["digest"] != event_template(IndexSettings(prefix="t"))["_meta"]["digest"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"prefix": "Upper"},
        {"prefix": "a,b"},
        {"prefix": ""},
        {"shards": 0},
        {"replicas": -1},
        {"codec": "lzma"},
        {"refresh_seconds": 0},
    ],
)
def test_settings_that_opensearch_would_refuse_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(TrailError, match=r"not allowed|must be"):
        IndexSettings(**wrong)


@given(odd_events())
def test_the_extra_and_the_standard_library_make_the_same_pairs(found: Event) -> None:
    quick = pairs(found)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairing, "_parse", None)
        assert pairs(found) == quick


@given(odd_events())
def test_a_plain_event_has_the_pairs_that_the_bounded_way_makes(found: Event) -> None:
    quick, cut = pairs(found)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pairing, "is_plain", lambda _raw: False)
        slow, cut_too = pairs(found)
    assert (set(slow), cut_too) == (set(quick), cut)
