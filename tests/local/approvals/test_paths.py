"""Every way through the deployed workflow: what is carried out, all that is refused, and all that fails.

Three deployments side by side: one whose plays go at once, one with a scanner and earned trust, and one that changes.
The last test lists the states and transitions of the deployed definitions, and names those that no play took.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws
from tests.approval.workflow.asl import next_of
from tests.local.approvals import change_plays, fault_plays, people_plays, plan_plays, trust_plays
from tests.local.approvals.plays import SIDE_BY_SIDE, Plays, edges
from tests.local.approvals.site import states_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.local.approvals.site import Site

pytestmark = pytest.mark.integration
AT_ONCE = {**fault_plays.PLAYS, **people_plays.PLAYS, **plan_plays.PLAYS}
CHAPTERS = {
    "trusting": {chapter.__name__: chapter for chapter in trust_plays.CHAPTERS},
    "changing": {chapter.__name__: chapter for chapter in change_plays.CHAPTERS},
}


@pytest.fixture(scope="module")
def sites(deployed: Callable[..., Site], site: Site) -> Iterator[dict[str, Site]]:
    """The three deployments, by what is played there."""
    # An update of a function ends its workers, on ministack also those of the same name in other accounts.
    with EmbeddedAws(wait_scale=0.05) as aws:
        yield {
            "at once": site,
            "trusting": deployed("310000000002", scanner=True, trust=True),
            "changing": deployed("310000000003", aws),
        }


@pytest.fixture(scope="module")
def plays(sites: dict[str, Site]) -> Iterator[dict[str, Plays]]:
    """All plays, begun at once; what belongs to a chapter comes after the one before."""
    running = {name: Plays(sites[name], CHAPTERS[name], 1) for name in CHAPTERS}
    running["at once"] = Plays(sites["at once"], AT_ONCE, SIDE_BY_SIDE - len(CHAPTERS))
    yield running
    for each in running.values():
        each.close()


@pytest.mark.parametrize("name", AT_ONCE)
def test_play(plays: dict[str, Plays], name: str) -> None:
    plays["at once"].result(name)


@pytest.mark.parametrize("name", CHAPTERS["trusting"])
def test_chapter_with_a_scanner_and_trust(plays: dict[str, Plays], name: str) -> None:
    plays["trusting"].result(name)


@pytest.mark.parametrize("name", CHAPTERS["changing"])
def test_chapter_of_a_deployment_that_changes(plays: dict[str, Plays], name: str) -> None:
    plays["changing"].result(name)


def test_every_state_and_transition_was_taken(plays: dict[str, Plays], sites: dict[str, Site]) -> None:
    for each in plays.values():
        each.close()
    known: set[tuple[str, str]] = set()
    taken: set[tuple[str, str]] = set()
    for site in sites.values():
        client, arn = site.client("stepfunctions"), site.outputs["Machine"]
        machine = json.loads(client.describe_state_machine(stateMachineArn=arn)["definition"])
        known |= {(name, after) for name, state in machine["States"].items() for after in next_of(state)}
        for page in client.get_paginator("list_executions").paginate(stateMachineArn=arn):
            for execution in page["executions"]:
                taken |= edges(states_of(client, execution["executionArn"]))
    assert len(known) > 50
    assert sorted(known - taken) == []
    assert sorted(taken - known) == []
