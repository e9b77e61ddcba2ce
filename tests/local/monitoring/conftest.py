"""What the tests of the monitoring share: one deployment with every kind of target, and the recorder of webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws
from tests.local.hooks import Hooks
from tests.local.monitoring.site import Site

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def hooks() -> Iterator[Hooks]:
    """Where the targets are."""
    made = Hooks()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def delivery(hooks: Hooks, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The deployment; waits, retries and the periods of alarms take a fiftieth of their time."""
    with EmbeddedAws(wait_scale=0.02) as aws:
        yield Site(aws, hooks, tmp_path_factory.mktemp("delivery"))
