"""The same commands with OpenSearch as the sink: a real node."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.cli.trail.places import access
from sudo_mcp_guardrails.cli.trail.stores import connect
from sudo_mcp_guardrails.toolchain.opensearch_node import OpenSearchAbsentError, opensearch_node
from sudo_mcp_guardrails.trail.aws import AwsAccess
from sudo_mcp_guardrails.trail.errors import TrailError
from sudo_mcp_guardrails.trail.index.names import event_patterns, ledger_name
from tests.cli.trail.conftest import put
from tests.trail.made import RUN, event

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.trail.conftest import Run


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    try:
        with opensearch_node(heap="512m") as node:
            yield node.url
    except OpenSearchAbsentError as error:
        pytest.skip(str(error))


@pytest.fixture
def prefix(url: str) -> Iterator[str]:
    name = f"test-{secrets.token_hex(6)}"
    yield name
    transport = connect(url, access(None, None, None))
    transport.send(
        "DELETE", f"/{','.join([*event_patterns(name), ledger_name(name)])}", query={"ignore_unavailable": "true"}
    )
    for template in ("events", "ledger"):
        transport.send("DELETE", f"/_index_template/{name}-{template}")
    transport.close()


@pytest.mark.integration
def test_ingest_reconcile_and_trace(files: Path, tmp_path: Path, url: str, prefix: str, run: Run) -> None:
    target = ("--sink", "opensearch", "--url", url, "--prefix", prefix, "--store", tmp_path / "aside")
    summary = run("ingest", files, *target)["summary"]
    assert (summary["events"], summary["unique"], summary["rejected"], summary["attributed"]) == (8, 7, 0, 4)
    assert run("ingest", files, *target)["summary"]["unique"] == 0
    put(files, "20261123T1000Z", event("new"))
    assert run("reconcile", files, *target, code=1)["summary"]["missing"] == 1
    assert run("backfill", files, *target, "--since", "2026-11-23")["summary"]["repaired"] == 1
    assert run("reconcile", files, *target)["summary"]["missing"] == 0
    assert run("ingest", files, "--store", tmp_path / "store")["summary"]["unique"] == 8
    for asked in (RUN, "made", "r-call"):
        here = run("trace", asked, "--url", url, "--prefix", prefix)
        assert here == run("trace", asked, "--store", tmp_path / "store")
        assert here["summary"]["events"] == 4
    assert "nothing in the trail" in run("trace", "nothing", "--url", url, "--prefix", prefix, code=2)["error"]


def test_requests_to_an_amazon_domain_are_signed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AwsAccess, "credentials", _none)
    with pytest.raises(TrailError, match="there are no credentials"):
        connect("https://search-x-abc.eu-central-1.es.amazonaws.com", AwsAccess())


def _none(_self: AwsAccess) -> None:
    raise TrailError("there are no credentials of AWS")
