"""What is read of a file, in every form, and what becomes of what cannot be read."""

from __future__ import annotations

import gzip
import json
import os
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sudo_mcp_guardrails.trail.event import UNDATED
from sudo_mcp_guardrails.trail.reading import decode, read_file, read_pieces, split, unpack
from tests.trail.made import ACCOUNT, ROLE, RUN, SIGN_IN, event, records, session

if TYPE_CHECKING:
    from sudo_mcp_guardrails.trail.reading import FileContent

SHARED = Path(os.environ.get("MCP_GUARDRAILS_SHARED_DATA", Path(__file__).parents[3].parent / "shared" / "data"))
TRAILS = SHARED / "cloudtrail"
needs_data = pytest.mark.skipif(not TRAILS.is_dir(), reason="the published trails are not in ../shared/data/cloudtrail")


@pytest.fixture(params=["extra", "standard"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test with the extra, and with the standard library alone."""
    if request.param == "standard":
        _alone(monkeypatch)


both_ways = pytest.mark.usefixtures("_way")


def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the extra away."""
    monkeypatch.setattr(split, "msgspec", None)
    monkeypatch.setattr(decode, "msgspec", None)
    monkeypatch.setattr(unpack, "_zlib", zlib)


def ids(content: FileContent) -> list[str]:
    return [one.event_id for one in content.events]


def lines(*items: object) -> bytes:
    return b"".join(json.dumps(item).encode() + b"\n" for item in items)


TWO = (event("a"), event("b"))
ENVELOPE = {"version": "0", "detail-type": "AWS API Call via CloudTrail", "source": "aws.s3", "detail": event("a")}
FORMS = {
    "records": (records(*TWO), ["a", "b"]),
    "records, indented": (json.dumps({"Records": TWO}, indent=2).encode(), ["a", "b"]),
    "records after other members": (json.dumps({"meta": {"x": [1]}, "Records": TWO}).encode(), ["a", "b"]),
    "list": (json.dumps(TWO).encode(), ["a", "b"]),
    "list, indented": (json.dumps(TWO, indent=3).encode(), ["a", "b"]),
    "lines": (lines(*TWO), ["a", "b"]),
    "lines with blank ones": (b"\n\n".join(lines(one) for one in TWO) + b"\n\n", ["a", "b"]),
    "lines as Windows ends them": (lines(*TWO).replace(b"\n", b"\r\n"), ["a", "b"]),
    "lines that wrap": (lines(*({"source": "x", "event": one} for one in TWO)), ["a", "b"]),
    "objects one after the other": (b"".join(json.dumps(one).encode() for one in TWO), ["a", "b"]),
    "files one after the other": (records(event("a")) + b"\n" + records(event("b")) + b"\n", ["a", "b"]),
    "members after the records": (json.dumps({"Records": TWO, "z": {"b": []}}).encode(), ["a", "b"]),
    "one event": (json.dumps(event("a")).encode(), ["a"]),
    "envelope": (json.dumps(ENVELOPE).encode(), ["a"]),
    "list of envelopes": (json.dumps([ENVELOPE]).encode(), ["a"]),
    "byte order mark": (b"\xef\xbb\xbf" + records(*TWO), ["a", "b"]),
    "leading space": (b"\n  " + records(*TWO), ["a", "b"]),
    "no records": (records(), []),
    "a comma is missing": (records(*TWO).replace(b"},{", b"} {"), ["a", "b"]),
}


@both_ways
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize(("data", "expected"), FORMS.values(), ids=list(FORMS))
def test_every_form_is_read(data: bytes, expected: list[str], *, packed: bool) -> None:
    content = read_file("x.json.gz" if packed else "x.json", gzip.compress(data) if packed else data)
    assert ids(content) == expected
    assert content.dead_letters == []
    assert content.no_trail is None


@both_ways
def test_all_that_is_searched_by_is_read() -> None:
    identity = session(sign_in=SIGN_IN, invoked_by="aws-mcp.amazonaws.com")
    (found,) = read_file("x", records(event("a", userIdentity=identity, errorCode="AccessDenied"))).events
    assert (found.event_id, found.event_time, found.day) == ("a", "2026-11-20T10:00:05Z", "2026-11-20")
    assert (found.source, found.name, found.type) == ("s3.amazonaws.com", "ListBuckets", "AwsApiCall")
    assert (found.category, found.region, found.account) == ("Management", "eu-central-1", ACCOUNT)
    assert (found.identity_type, found.principal_id) == ("AssumedRole", f"AROAEXAMPLE:{RUN}")
    assert (found.role_arn, found.user_name) == (ROLE, "mcp-guardrails-release-bot-plan")
    assert found.principal_arn == identity["arn"]
    assert (found.access_key, found.invoked_by) == ("ASIAEXAMPLE0000000001", "aws-mcp.amazonaws.com")
    assert (found.source_identity, found.sign_in_session) == (RUN, SIGN_IN)
    assert (found.source_ip, found.user_agent, found.request_id) == ("203.0.113.7", "aws-cli/2.31", "r-a")
    assert (found.error, found.read_only) == ("AccessDenied", True)
    assert found.document()["eventID"] == "a"


@both_ways
def test_the_raw_event_has_the_bytes_that_were_written() -> None:
    text = '{"eventID" : "a",\n "x": 1.50, "y": "\\u00e9 \u00e9"}'
    (found,) = read_file("x.json", f'{{"Records": [ {text} ]}}'.encode()).events
    assert found.raw == text.encode()
    (found,) = read_file("x.json", f'{{"detail-type": "x", "detail": {text}, "z": {{"detail": 1}}}}'.encode()).events
    assert found.raw == text.encode()


@both_ways
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("readOnly", "true"),
        ("eventTime", 1_700_000_000),
        ("userIdentity", "root"),
        ("awsRegion", {"x": 1}),
        ("additionalEventData", "text"),
        ("additionalEventData", [1]),
        ("userIdentity", {"sessionContext": [], "arn": 7}),
        ("userIdentity", {"sessionContext": {"sessionIssuer": "x"}}),
    ],
)
def test_a_field_of_another_kind_costs_that_field_alone(field: str, value: Any) -> None:
    (found,) = read_file("x", records(event("a", **{field: value}))).events
    assert found.event_id == "a"
    assert found.request_id == "r-a"
    unusual = {"readOnly": found.read_only, "eventTime": found.event_time, "awsRegion": found.region}
    assert unusual.get(field) is None


@both_ways
@pytest.mark.parametrize(
    "time", [None, "", "...", "yesterday", "2026-02-30T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-20 10:00:05"]
)
def test_an_event_without_a_time_is_kept_apart(time: str | None) -> None:
    (found,) = read_file("x", records(event("a", eventTime=time))).events
    assert found.event_time is None
    assert found.day == UNDATED


@both_ways
@pytest.mark.parametrize("time", ["1999-12-31T23:59:59Z", "2099-01-01T00:00:00Z", "2026-11-20T10:00:05.123Z"])
def test_years_early_and_years_late_are_times(time: str) -> None:
    (found,) = read_file("x", records(event("a", eventTime=time))).events
    assert found.day == time[:10]


@both_ways
@pytest.mark.parametrize("event_id", [None, "", 7, ["a"], "x" * 513, "\u20ac" * 200])
def test_a_record_without_an_id_is_a_dead_letter(event_id: Any) -> None:
    content = read_file("x.json", records(event("a"), event("b", eventID=event_id), event("c")))
    assert ids(content) == ["a", "c"]
    (letter,) = content.dead_letters
    assert (letter.source, letter.position) == ("x.json", 1)
    assert "eventID" in letter.reason
    assert json.loads(letter.raw)["requestID"] == "r-b"


@both_ways
@pytest.mark.parametrize("item", [b"1", b"null", b'"text"', b"[]", b"true"])
def test_a_record_that_is_no_object_is_a_dead_letter(item: bytes) -> None:
    content = read_file("x.json", records(event("a")).replace(b"]}", b"," + item + b"]}"))
    assert ids(content) == ["a"]
    assert [letter.raw for letter in content.dead_letters] == [item]


@both_ways
def test_what_is_whole_in_a_file_that_is_cut_off_is_read() -> None:
    """Wherever it is cut: what is whole is read, and what is left is the dead letter."""
    whole = records(*(event(f"e{number}") for number in range(3)))
    for kept in range(len(b'{"Records":['), len(whole) - 1):
        content = read_file("x.json", whole[:kept])
        assert ids(content) == [f"e{number}" for number in range(3)][: len(content.events)]
        (letter,) = content.dead_letters
        assert whole[:kept].endswith(letter.raw)
        assert len(letter.raw) < len(whole) / 3


@both_ways
def test_a_gzip_stream_that_is_cut_off_gives_what_it_has() -> None:
    noisy = [event(f"e{number}", requestParameters={"x": os.urandom(200).hex()}) for number in range(200)]
    packed = gzip.compress(records(*noisy))
    content = read_file("x.json.gz", packed[: len(packed) // 2])
    assert 20 < len(content.events) < 180
    assert ids(content) == [f"e{number}" for number in range(len(content.events))]
    (letter,) = content.dead_letters
    assert "gzip" in letter.reason


@both_ways
def test_damage_in_the_middle_of_a_gzip_stream_is_told() -> None:
    noisy = [event(f"e{number}", requestParameters={"x": os.urandom(200).hex()}) for number in range(200)]
    packed = bytearray(gzip.compress(records(*noisy)))
    packed[len(packed) // 2] ^= 0xFF
    content = read_file("x.json.gz", bytes(packed))
    assert content.dead_letters
    assert "gzip" in content.dead_letters[-1].reason


@both_ways
def test_several_gzip_members_are_one_file() -> None:
    assert ids(read_file("x.gz", gzip.compress(lines(event("a"))) + gzip.compress(lines(event("b"))))) == ["a", "b"]


@both_ways
@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("README.md", b"# Trails\n{x}"),
        ("LICENSE", b"MIT License"),
        ("rows.csv", b"Event Type,Event Name\n1,2\n"),
        ("package.json", b'{"name": "x", "version": "1"}'),
        ("numbers.json", b"[1, 2, 3]"),
        ("settings.jsonl", b'{"a": 1}\n{"b": 2}\n'),
        ("image.png", b"\x89PNG\r\n"),
        ("empty", b""),
        ("notes", b"{not json at all"),
    ],
)
def test_what_is_no_trail_file_is_said_to_be_none(name: str, data: bytes) -> None:
    content = read_file(name, data)
    assert content.no_trail is not None
    assert content.events == []
    assert content.dead_letters == []


@both_ways
@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("x.json.gz", b"\x1f\x8b\x08"),
        ("x.json.gz", b"this is no gzip"),
        ("x.json", b"<html>not found</html>"),
        ("x.json", b'{"Records": [{"eventVersion": "1.'),
        ("x.jsonl", b'{"eventName": "x", "eventTi'),
        ("x.json", b'[{"eventName": "ListBuckets"}]'),
    ],
)
def test_what_was_meant_as_a_trail_is_a_dead_letter(name: str, data: bytes) -> None:
    content = read_file(name, data)
    assert content.no_trail is None
    assert content.events == []
    assert len(content.dead_letters) == 1


LARGE = tuple(
    event(f"e{number}", requestParameters={"items": [{"x": number}, {"y": "}, {"}], "text": "\u20ac" * (number % 50)})
    for number in range(400)
)
LARGE_FORMS = {
    "records": records(*LARGE),
    "records, indented, after other members": json.dumps(
        {"a": [{}, {}], "Records": LARGE, "z": {"b": 1}}, indent=1
    ).encode(),
    "list": json.dumps(LARGE).encode(),
    "lines": lines(*LARGE),
}


@both_ways
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
@pytest.mark.parametrize("data", LARGE_FORMS.values(), ids=list(LARGE_FORMS))
@pytest.mark.parametrize("size", [5_000, 40_000])
def test_a_large_file_is_read_in_pieces(data: bytes, size: int, *, packed: bool) -> None:
    found = list(read_pieces("x.json.gz", gzip.compress(data) if packed else data, size=size))
    assert len(found) > 5
    assert max(sum(len(one.raw) for one in content.events) for content in found) < 2 * size
    assert [one.event_id for content in found for one in content.events] == [f"e{number}" for number in range(400)]
    assert [letter for content in found for letter in content.dead_letters] == []
    assert all(content.no_trail is None for content in found)


@both_ways
@pytest.mark.parametrize("form", LARGE_FORMS)
def test_a_large_file_that_is_cut_off_gives_what_it_has(form: str) -> None:
    data = LARGE_FORMS[form][:-1000]
    found = list(read_pieces("x.json", data, size=20_000))
    events = [one for content in found for one in content.events]
    (letter,) = [letter for content in found for letter in content.dead_letters]
    assert 390 <= len(events) < 400
    assert letter.position == len(events)
    whole = read_file("x.json", data)
    assert events == whole.events


@both_ways
def test_a_dead_letter_of_a_later_piece_has_its_place_in_the_file() -> None:
    data = lines(*LARGE[:300], {"eventName": "x"}, *LARGE[300:])
    letters = [letter for content in read_pieces("x.jsonl", data, size=20_000) for letter in content.dead_letters]
    assert [letter.position for letter in letters] == [300]


@both_ways
def test_a_large_file_of_another_kind_is_not_read_to_its_end() -> None:
    (content,) = read_pieces("x.bin", os.urandom(100_000), size=5_000)
    assert content.no_trail == "not JSON"
    (content,) = read_pieces("numbers.json", json.dumps([{"a": n} for n in range(9_000)]).encode(), size=5_000)
    assert content.no_trail is not None


@both_ways
def test_a_file_that_grows_without_end_is_given_up() -> None:
    """A record that never ends, in a small file: what is held of it is bounded."""
    (*_, last) = read_pieces("x.json.gz", gzip.compress(b'[{"eventName": "' + b"x" * 200_000_000), size=1_000_000)
    assert "no record ends" in last.dead_letters[-1].reason
    assert len(last.dead_letters[-1].raw) <= 1024 * 1024


@both_ways
def test_large_events_are_read() -> None:
    content = read_file("x.json", records(event("a", requestParameters={"x": "y" * 256 * 1024})))
    assert len(content.events[0].raw) > 256 * 1024


@both_ways
@pytest.mark.parametrize(
    "odd",
    [
        pytest.param('{"x": ' + "[" * 100_000, id="brackets without end"),
        pytest.param('{"x": ' + "9" * 10_000 + "}", id="a number of ten thousand digits"),
        pytest.param('{"x": NaN}', id="NaN"),
        pytest.param('{"x": "\\ud800"}', id="half of a surrogate pair"),
    ],
)
def test_odd_json_costs_no_other_event(odd: str) -> None:
    data = records(event("a")) + b"\n"
    content = read_file("x.jsonl", lines(event("a")) + odd.encode() + b"\n" + lines(event("b")))
    assert ids(content)[0] == "a"
    assert len(content.events) + len(content.dead_letters) >= 2
    assert ids(read_file("x.json", data)) == ["a"]


@both_ways
def test_bytes_that_are_no_utf8_are_kept_as_they_were() -> None:
    data = records(event("a", userAgent="@@")).replace(b"@@", b"\xff\xfe")
    (found,) = read_file("x.json", data).events
    assert b"\xff\xfe" in found.raw
    assert found.user_agent is not None
    found.user_agent.encode()
    assert found.document()["eventID"] == "a"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
FIELDS = st.sampled_from([*event(), "sessionContext", "event", "detail", "Records"])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    documents=st.lists(st.dictionaries(FIELDS, JSON, max_size=6), max_size=3),
    form=st.sampled_from(["records", "list", "lines"]),
    cut=st.integers(0, 40),
)
def test_the_extra_and_the_standard_library_read_the_same(
    documents: list[dict[str, Any]], form: str, cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {"records": records(*documents), "list": json.dumps(documents).encode(), "lines": lines(*documents)}[form]
    data = made[: max(0, len(made) - cut)]
    quick = read_file("x.json", data)
    with monkeypatch.context() as context:
        _alone(context)
        assert read_file("x.json", data) == quick


@needs_data
@both_ways
def test_published_trails_lose_nothing() -> None:
    """Every record with an ``eventID`` is read; two of streamalert's call it ``eventId``."""
    contents = {path: read_file(path.name, path.read_bytes()) for path in sorted(TRAILS.rglob("*")) if path.is_file()}
    assert sum(len(content.events) for content in contents.values()) == 924
    letters = [letter for content in contents.values() for letter in content.dead_letters]
    assert [(letter.source, letter.reason) for letter in letters] == [("streamalert_tests.jsonl.gz", "no eventID")] * 2
    assert {path.suffix for path, content in contents.items() if content.no_trail} == {"", ".md", ".csv"}
