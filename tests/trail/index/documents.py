"""Events of any kind that a JSON object can be, for property tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from sudo_mcp_guardrails.trail.event import UNDATED
from sudo_mcp_guardrails.trail.reading import read_file
from tests.trail.made import event

if TYPE_CHECKING:
    from sudo_mcp_guardrails.trail.event import Event

# Any text that JSON can say: halves of surrogate pairs and NUL included.
_texts = st.text(st.characters(), max_size=40) | st.sampled_from(["x" * 40_000, "é" * 17_000, "\U0001f600" * 9_000])
_leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _texts
_values = st.recursive(
    _leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_texts, inner, max_size=4), max_leaves=12
)
_ids = st.text(st.characters(), min_size=1, max_size=60) | st.uuids().map(str) | st.just("i" * 600)
_times = st.sampled_from(["2026-11-20T10:00:05Z", "2026-11-20T10:00:05.123456789Z", "2026-02-30T00:00:00Z"])


def _read(fields: dict[str, Any]) -> Event:
    # Every event goes through the reader: what it lets pass is what the index must take.
    found = read_file("f.json", json.dumps({"Records": [fields]}).encode()).events
    assert len(found) == 1, fields
    return found[0]


@st.composite
def odd_events(draw: st.DrawFn) -> Event:
    """Return an event with any id, and anything at all in its other fields."""
    known = sorted(event())
    fields = event()
    fields.update(draw(st.dictionaries(st.sampled_from(known) | _texts, _values, max_size=8)))
    fields["eventID"] = "replaced below"
    fields["eventTime"] = draw(_times | _values)
    made = _read(fields)
    # One day holds them all: a node of one gigabyte has no room for an index for each example.
    if made.day not in {UNDATED, "2026-11-20"}:
        made = _read({**fields, "eventTime": "2026-11-20T00:00:00Z"})
    # The reader takes no id over 512 bytes; the index must not depend on it.
    return made._replace(event_id=draw(_ids))
