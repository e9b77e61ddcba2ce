from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sudo_mcp_guardrails.gateway.pump.lines import Lines

STREAM = b"one\n\n  two\r\n" + b"x" * 21 + b"\n" + b"y" * 20 + b"\nrest"


@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_lines_are_the_same_however_they_are_cut_and_long_ones_are_skipped(cuts: list[int]) -> None:
    found: list[bytes] = []
    long: list[bool] = []
    lines, at = Lines(20, found.append, lambda: long.append(True)), 0
    for cut in [*sorted(cuts), len(STREAM)]:
        lines.feed(STREAM[at:cut])
        at = cut
    assert found == [b"one", b"two", b"y" * 20]
    assert len(long) == 1
