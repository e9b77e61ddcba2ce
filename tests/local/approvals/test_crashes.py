"""Each function dies once, at points spread over its work: by an error, or with its whole process.

Which points: `MCP_GUARDRAILS_CRASH_POINTS` is `all`, or by default every fifth one, of each function before and after
a call of AWS's API. `tests/handlers/approval` kills them at every single one, without Step Functions.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.local.approvals import fault_plays
from tests.local.approvals.plays import Plays

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.local.approvals.site import Site

pytestmark = pytest.mark.integration
ALL = os.environ.get("MCP_GUARDRAILS_CRASH_POINTS") == "all"
POINTS = fault_plays.ALL_POINTS if ALL else fault_plays.ALL_POINTS[1::5]
DEATHS = {
    **{play.__name__: play for play in (fault_plays.dies_at(point, process=point % 3 == 0) for point in POINTS)},
    **{play.__name__: play for play in (fault_plays.a_view_and_a_decision_that_die, fault_plays.an_intake_that_dies)},
}


@pytest.fixture(scope="module")
def plays(site: Site) -> Iterator[Plays]:
    """All plays, begun at once."""
    running = Plays(site, DEATHS)
    yield running
    running.close()


@pytest.mark.parametrize("name", DEATHS)
def test_a_function_that_dies(plays: Plays, name: str) -> None:
    plays.result(name)
