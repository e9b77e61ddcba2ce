"""Somebody decides in another's place, by the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.approval.moments import written
from sudo_mcp_guardrails.handlers.approval_api_delegating import _lent_chain
from tests.approval.made import IDP
from tests.handlers.approval.apis import Api
from tests.handlers.approval.fakes import Crash
from tests.handlers.approval.works import RUN, Works

if TYPE_CHECKING:
    from pathlib import Path

DAY = 86_400


@pytest.fixture
def api(tmp_path: Path) -> Api:
    return Api(Works(tmp_path))


def lend(api: Api, who: str = "alice", to: str = "erin", **changes: Any) -> tuple[int, dict[str, Any]]:
    body = {"delegate": f"{IDP}#{to}", "ends": written(int(api.works.time) + DAY), "reason": "on leave", **changes}
    status, asked = api.post(who, "/api/delegations/challenge", body)
    if status != 200:
        return status, asked
    return api.post(who, "/api/delegations", {**body, "issued": asked["issued"]})


def test_a_delegate_decides_with_the_delegators_groups_of_now(api: Api) -> None:
    status, made = lend(api)
    assert status == 200, made
    (mine,) = api.get("erin", "/api/delegations")[1]["delegations"]
    assert mine["id"] == made["delegation"]["id"]
    assert api.get("alice", "/api/delegations")[1]["delegations"] == []
    approval = api.works.submitted()
    assert api.decide("erin", approval)[0] == 403
    status, answer = api.decide("erin", approval, onBehalfOf=mine["id"])
    assert (status, answer["status"]["approvers"]) == (200, ["alice", "erin"])


def lent(api: Api, who: str) -> list[dict[str, Any]]:
    status, found = api.get(who, "/api/delegations/lent")
    assert status == 200, found
    return list(found["delegations"])


def test_who_lends_sees_what_is_not_over_and_nobody_else_does(api: Api) -> None:
    first = lend(api, groups=["sre"])[1]["delegation"]
    second = lend(api, to="dave", starts=written(int(api.works.time) + 60))[1]["delegation"]
    assert lend(api, who="bob")[0] == 200
    assert [(one["id"], one["delegate"], one["groups"], one["holds"]) for one in lent(api, "alice")] == [
        (first["id"], f"{IDP}#erin", ["sre"], True),
        (second["id"], f"{IDP}#dave", [], False),
    ]
    assert {one["until"] for one in lent(api, "alice")} == {first["ends"]}
    assert len(lent(api, "bob")) == 1
    assert lent(api, "erin") == []
    api.post("erin", f"/api/delegations/{first['id']}/end", {})
    assert [one["id"] for one in lent(api, "alice")] == [second["id"]]
    api.works.time += DAY
    assert lent(api, "alice") == []


def test_a_crash_before_the_delegation_is_recorded_lends_nothing(api: Api) -> None:
    faults = api.works.faults
    writes = ["put evidence", "object records"]
    faults.calls.clear()
    faults.at = (len(writes), "before")  # the name is recorded and copied, the delegation is not
    with pytest.raises(Crash):
        lend(api)
    faults.at = None
    assert faults.calls == [*writes, "put evidence"]
    assert (lent(api, "alice"), api.get("erin", "/api/delegations")[1]["delegations"]) == ([], [])
    assert lend(api)[0] == 200
    assert len(lent(api, "alice")) == 1


def test_a_name_in_the_chain_of_what_was_lent_lends_nothing(api: Api) -> None:
    made = lend(api, who="bob")[1]["delegation"]
    for name in (made["id"], "x", f"{'a' * 32}.{'b' * 16}"):
        api.place.decisions.append(_lent_chain("alice"), "registration", "x", {"lent": name})
    assert lent(api, "alice") == []


def test_what_was_taken_back_or_ended_or_lent_to_another_does_not_count(api: Api) -> None:
    name = lend(api)[1]["delegation"]["id"]
    approval = api.works.submitted()
    assert api.decide("dave", approval, onBehalfOf=name)[0] == 403
    assert api.post("dave", f"/api/delegations/{name}/end", {})[0] == 404
    assert api.post("alice", f"/api/delegations/{name}/end", {})[0] == 200
    assert api.decide("erin", approval, onBehalfOf=name)[0] == 403
    later = lend(api)[1]["delegation"]["id"]
    api.works.time += DAY + 1
    api.works.begin_run(RUN)
    assert api.get("erin", "/api/delegations")[1]["delegations"] == []
    status, answer = api.decide("erin", api.works.submitted(), onBehalfOf=later)
    assert (status, "holds from" in answer["error"]) == (403, True)


def test_a_delegator_who_left_lends_nothing(api: Api) -> None:
    name = lend(api)[1]["delegation"]["id"]
    api.groups.of["alice"] = ()
    status, answer = api.decide("erin", api.works.submitted(), onBehalfOf=name)
    assert (status, "in no group" in answer["error"]) == (403, True)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"to": "nobody"}, 400),
        ({"to": "alice"}, 400),
        ({"ends": "2026-11-23T09:00:00Z"}, 400),
        ({"ends": "2027-11-23T09:00:00Z"}, 400),
        ({"ends": ""}, 400),
        ({"reason": ""}, 400),
        ({"groups": "sre"}, 400),
    ],
)
def test_a_delegation_that_could_never_count_is_not_made(api: Api, changes: dict[str, Any], status: int) -> None:
    assert lend(api, **changes)[0] == status


def test_a_delegation_takes_a_fresh_proof(api: Api) -> None:
    body = {"delegate": f"{IDP}#erin", "ends": written(int(api.works.time) + DAY), "reason": "on leave"}
    issued = api.post("alice", "/api/delegations/challenge", body)[1]["issued"]
    assert api.post("alice", "/api/delegations", {**body, "issued": issued}, amr="[pwd]")[0] == 403
    assert api.get("erin", "/api/delegations")[1]["delegations"] == []
