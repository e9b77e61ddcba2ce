"""Many approvals that wait at once: none is lost, and none is carried out twice. `benchmarks approvals` takes 1,000."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.local.approvals import flight

if TYPE_CHECKING:
    from tests.local.approvals.site import Site

pytestmark = pytest.mark.integration
COUNT = int(os.environ.get("MCP_GUARDRAILS_IN_FLIGHT", "50"))


def test_all_that_wait_at_once_are_carried_out_once(site: Site) -> None:
    found = flight.fly(site, COUNT)
    assert found.waiting == COUNT
    assert found.ends == {"Executed": COUNT}
    assert found.once == COUNT
    assert found.made == COUNT
