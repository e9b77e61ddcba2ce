"""The published trail files, where they are at hand."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sudo_mcp_guardrails.trail.attributing import Attributor
from sudo_mcp_guardrails.trail.ingest import ingest
from sudo_mcp_guardrails.trail.reconcile import reconcile
from sudo_mcp_guardrails.trail.reconciled import Gap
from sudo_mcp_guardrails.trail.sources.directory import DirectorySource
from tests.trail.shelf import Shelf

DATA = Path(
    os.environ.get("MCP_GUARDRAILS_SHARED_DATA", Path(__file__).parents[3].parent / "shared" / "data")
).joinpath("cloudtrail")


@pytest.mark.skipif(not DATA.is_dir(), reason="the published trails are not in ../shared/data/cloudtrail")
def test_all_published_files_are_taken_in_and_every_event_that_is_taken_away_is_found() -> None:
    source, sink = DirectorySource(DATA), Shelf()
    taken = ingest(source, sink, Attributor())
    assert taken.unique == sink.count() > 0
    assert not source.passed_over
    whole = reconcile(source, sink)
    assert (whole.checked, whole.items) == (taken.files, [])
    # The first of each hundred is taken away.
    lost = sorted(sink.events)[::100]
    sink.events.difference_update(lost)
    report = reconcile(source, sink, repair=lambda files: ingest(source, sink, Attributor(), files=files))
    assert {item.gap for item in report.items} == {Gap.EVENTS_MISSING}
    assert report.ok
    assert report.missing == report.repaired > 0
    assert sink.count() == taken.unique
