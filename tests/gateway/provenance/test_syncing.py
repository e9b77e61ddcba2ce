"""Waiting for the disk beside the loop."""

from __future__ import annotations

import threading

import pytest

from sudo_mcp_guardrails.gateway.provenance.errors import ProvenanceError
from sudo_mcp_guardrails.gateway.provenance.syncing import Beside


def test_nobody_waits_and_a_failure_stops_what_comes_after() -> None:
    go, came = threading.Event(), threading.Event()

    def sync(_: int) -> None:
        came.set()
        go.wait(10)
        raise OSError("no space")

    beside = Beside(sync)
    beside(1)
    assert came.wait(10)
    beside(1)  # one is under way
    go.set()
    beside._thread.shutdown()
    with pytest.raises(ProvenanceError, match="no space"):
        beside(1)
