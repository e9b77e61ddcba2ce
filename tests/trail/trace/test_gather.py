"""Which events belong together."""

from __future__ import annotations

import pytest

from sudo_mcp_guardrails.trail.errors import TrailError
from sudo_mcp_guardrails.trail.trace.gather import Wanted, gather
from tests.trail.made import RUN, event, session, tool_call
from tests.trail.trace.traced import SERVER, attributed, oauth_session, rows_of


def test_nothing_is_wanted_by_default() -> None:
    assert not Wanted()
    assert Wanted(requests=frozenset(["r"]))
    assert not any(Wanted().matches(one) for one in attributed(*oauth_session(), event("x", requestID=None)))


def test_a_run_brings_what_its_tool_calls_made_elsewhere() -> None:
    """The join is by request id alone: the other account's event names neither run nor session."""
    elsewhere = event("there", recipientAccountId="444455556666", userIdentity={"type": "AWSService"})
    found = gather(RUN, rows_of(attributed(tool_call("call", "r-there"), elsewhere, event("x"))))
    assert {one.event.event_id for one in found.events} == {"call", "there"}


def test_a_call_brings_the_tool_call_that_made_it_and_its_siblings() -> None:
    alone = {"type": "AWSService", "invokedBy": SERVER}
    events = [event("a", userIdentity=alone), event("b", userIdentity=alone)]
    found = gather("a", rows_of(attributed(*events, tool_call("call", "r-a", "r-b"), event("x"))))
    assert {one.event.event_id for one in found.events} == {"a", "b", "call"}


def test_a_session_does_not_bring_another_one_of_its_run() -> None:
    other = event("other", userIdentity=session("ASIAOTHER"))
    found = gather("ASIAEXAMPLE0000000001", rows_of(attributed(event("own", userIdentity=session()), other)))
    assert {one.event.event_id for one in found.events} == {"own"}


def test_events_without_a_time_come_last() -> None:
    every = attributed(event("a", eventTime=None, userIdentity=session()), event("b", userIdentity=session()))
    assert [one.event.event_id for one in gather(RUN, rows_of(every)).events] == ["b", "a"]


@pytest.mark.parametrize("asked", ["", "x" * 2049])
def test_what_cannot_be_an_id_is_refused(asked: str) -> None:
    with pytest.raises(TrailError, match="is no id, allowed are 1 to 2048 characters"):
        gather(asked, rows_of([]))


def test_rows_that_give_too_much_are_not_read_to_their_end() -> None:
    (one,) = attributed(event("a", userIdentity=session()))
    given = 0

    def endless(_wanted: Wanted, _limit: int):  # type: ignore[no-untyped-def] # noqa: ANN202
        nonlocal given
        while True:
            given += 1
            yield one

    gather("a", endless, limit=10)
    assert given <= 4 * 12
