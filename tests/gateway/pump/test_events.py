from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sudo_mcp_guardrails.gateway.pump.events import Event, Events
from sudo_mcp_guardrails.gateway.pump.refusals import RefusedError

STREAM = (
    b'\xef\xbb\xbf: comment\r\n\r\nid: 1\r\nretry: 100\r\ndata: \r\n\r\nevent: message\ndata: {"a":\ndata: 1}\n\n'
    b"event: other\ndata: hidden\n\ndata:x\rid:2\r\rretry: soon\nid: a\x00b\ndata: y\n\nnonsense\n\n"
)
READ = [Event(b"", b"1", b"100"), Event(b'{"a":\n1}'), Event(b"x", b"2"), Event(b"y")]


@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_a_stream_is_read_the_same_however_it_is_cut(cuts: list[int]) -> None:
    events, found, at = Events(100), [], 0
    for cut in [*sorted(cuts), len(STREAM)]:
        found += events.feed(STREAM[at:cut])
        at = cut
    assert found == READ


def test_what_is_written_is_read_as_it_was() -> None:
    events = Events(100)
    for event in READ:
        (again,) = events.feed(event.written(event.data))
        assert again == event


@pytest.mark.parametrize("stream", [b"data: " + b"x" * 101, b"data: xxxxxxxxxx\n" * 11, b"x" * 101])
def test_an_event_is_bounded(stream: bytes) -> None:
    with pytest.raises(RefusedError, match="more than 100 bytes"):
        Events(100).feed(stream)
