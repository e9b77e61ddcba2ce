"""A real OpenSearch for the tests of this room, and a fresh prefix of indexes for each test on it."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.toolchain.opensearch_node import OpenSearchAbsentError, opensearch_node
from sudo_mcp_guardrails.trail.index.names import event_patterns, ledger_name
from sudo_mcp_guardrails.trail.sinks.transports import ClientTransport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.toolchain.opensearch_node import OpenSearchNode

TRAIL_DATA = (
    Path(os.environ.get("MCP_GUARDRAILS_SHARED_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
    / "cloudtrail"
)
"""Published trails, where they are beside the checkout."""


@pytest.fixture(scope="session")
def node() -> Iterator[OpenSearchNode]:
    """A node for the whole run: starting one takes some seconds."""
    try:
        with opensearch_node(heap="512m") as running:
            yield running
    except OpenSearchAbsentError as error:
        pytest.skip(str(error))


@pytest.fixture
def transport(node: OpenSearchNode) -> Iterator[ClientTransport]:
    """A connection to the node."""
    connected = ClientTransport.connect(node.url, timeout=30)
    yield connected
    connected.close()


@pytest.fixture
def prefix(transport: ClientTransport) -> Iterator[str]:
    """A prefix that no other test uses; its indexes and templates are gone afterwards."""
    name = f"test-{secrets.token_hex(6)}"
    yield name
    indexes = ",".join([*event_patterns(name), ledger_name(name)])
    transport.send("DELETE", f"/{indexes}", query={"ignore_unavailable": "true"})
    for template in ("events", "ledger"):
        transport.send("DELETE", f"/_index_template/{name}-{template}")
