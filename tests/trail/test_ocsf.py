"""Events as API Activity: every value where the class wants it, and of the type that the table says."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from sudo_mcp_guardrails.trail.attributing import Attributor
from sudo_mcp_guardrails.trail.attribution import Attributed, Attribution, By
from sudo_mcp_guardrails.trail.ocsf import COLUMNS, to_ocsf
from sudo_mcp_guardrails.trail.reading import read_file
from tests.trail.made import ROLE, RUN, event

DATA = Path(
    os.environ.get("MCP_GUARDRAILS_SHARED_DATA", Path(__file__).parents[2].parent / "shared" / "data")
).joinpath("cloudtrail")
REQUIRED = {
    "activity_id",
    "actor",
    "api",
    "category_uid",
    "class_uid",
    "cloud",
    "metadata",
    "severity_id",
    "src_endpoint",
    "time",
    "type_uid",
}
"""What OCSF 1.1.0 requires of API Activity with the profile Cloud."""


def mapped(attribution: Attribution | None = None, **fields: Any) -> dict[str, Any]:
    [made] = read_file("x.json", json.dumps(event(**fields)).encode()).events
    return to_ocsf(Attributed(made, attribution or Attribution(By.NOBODY)))


def fits(value: Any, kind: str) -> bool:
    """Whether a JSON value is of a Hive type."""
    if kind in {"int", "bigint"}:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "string":
        return isinstance(value, str)
    if kind.startswith("array<"):
        return isinstance(value, list) and all(fits(one, kind[6:-1]) for one in value)
    if kind.startswith("map<string,"):
        return isinstance(value, dict) and all(fits(one, kind[11:-1]) for one in value.values())
    known = dict(part.split(":", 1) for part in parts(kind.removeprefix("struct<")[:-1]))
    return isinstance(value, dict) and all(name in known and fits(one, known[name]) for name, one in value.items())


def parts(inside: str) -> list[str]:
    """The fields of a struct: split at the commas that stand in no brackets."""
    found, depth = [""], 0
    for character in inside:
        depth += {"<": 1, ">": -1}.get(character, 0)
        if character == "," and not depth:
            found.append("")
        else:
            found[-1] += character
    return found


def test_an_agent_s_call() -> None:
    issuer = {"sessionIssuer": {"arn": ROLE, "userName": "plan"}, "sourceIdentity": RUN}
    identity = {"type": "AssumedRole", "arn": "arn:s", "accessKeyId": "ASIA1", "sessionContext": issuer}
    found = mapped(
        Attribution(By.SESSION_TAGS, session="ASIA1", agent="release-bot", run=RUN, ticket="OPS-1"),
        userIdentity={**identity, "invokedBy": "aws-mcp.amazonaws.com", "principalId": "AROA:run"},
        eventName="CreateBucket",
        readOnly=False,
        errorCode="AccessDenied",
        sourceIPAddress="aws-mcp.amazonaws.com",
        eventTime="2026-11-20T10:00:05.250Z",
    )
    assert (found["class_uid"], found["activity_id"], found["type_uid"]) == (6003, 1, 600301)
    assert found["time"] == 1_795_168_805_250
    assert found["unmapped"] == {
        "attributed": "true",
        "by": "session-tags",
        "session": "ASIA1",
        "agent": "release-bot",
        "run": RUN,
        "ticket": "OPS-1",
    }
    assert found["actor"]["session"] == {"uid": "ASIA1", "issuer": ROLE}
    assert found["actor"]["invoked_by"] == "aws-mcp.amazonaws.com"
    assert found["actor"]["user"]["credential_uid"] == "ASIA1"
    assert (found["status_id"], found["status_code"]) == (2, "AccessDenied")
    assert found["api"]["response"] == {"error": "AccessDenied"}
    assert found["src_endpoint"] == {"domain": "aws-mcp.amazonaws.com"}
    assert found["metadata"]["uid"] == "e-1"
    assert json.loads(found["raw_data"])["eventName"] == "CreateBucket"


@pytest.mark.parametrize(
    ("name", "read_only", "activity"),
    [
        ("GetObject", True, 2),
        ("CreateTable", True, 2),
        ("RunInstances", False, 1),
        ("PutBucketPolicy", False, 3),
        ("DeleteTrail", False, 4),
        ("CallReadWriteTool", False, 99),
        ("AssumeRole", None, 99),
    ],
)
def test_activities(name: str, read_only: bool | None, activity: int) -> None:  # noqa: FBT001 - a column of a table
    found = mapped(eventName=name, readOnly=read_only)
    assert found["activity_id"] == activity
    assert found["type_uid"] == 600_300 + activity
    assert found["type_name"].endswith(found["activity_name"])


@pytest.mark.parametrize(
    ("time", "milliseconds"),
    [("1970-01-01T00:00:01Z", 1000), ("2026-02-30T00:00:00Z", 0), (None, 0), ("1970-01-01T00:00:00.1Z", 100)],
)
def test_times(time: str | None, milliseconds: int) -> None:
    assert mapped(eventTime=time)["time"] == milliseconds


@pytest.mark.parametrize(
    ("source", "endpoint"),
    [
        ("203.0.113.7", {"ip": "203.0.113.7"}),
        ("2001:DB8::1", {"ip": "2001:db8::1"}),
        ("AWS Internal", {"domain": "AWS Internal"}),
    ],
)
def test_where_a_call_came_from(source: str, endpoint: dict[str, str]) -> None:
    assert mapped(sourceIPAddress=source)["src_endpoint"] == endpoint


def test_what_the_event_does_not_tell_is_left_out() -> None:
    [made] = read_file("x.json", b'{"eventID": "e-1", "eventName": "X"}').events
    found = to_ocsf(Attributed(made, Attribution(By.NOBODY)), raw=False)
    assert "raw_data" not in found
    assert "src_endpoint" not in found
    assert found["actor"] == {"user": {"type": "Unknown", "type_id": 0}}
    assert all(fits(value, COLUMNS[name]) for name, value in found.items())


def test_the_check_of_types_can_fail() -> None:
    assert not fits({"ip": 1}, COLUMNS["src_endpoint"])
    assert not fits({"other": "x"}, COLUMNS["src_endpoint"])
    assert not fits("1", "int")
    assert fits({"user": {"account": {"uid": "1"}}}, COLUMNS["actor"])


@pytest.mark.skipif(not DATA.is_dir(), reason="the sample trails are not beside the checkout")
def test_every_sample_event_fits_the_table() -> None:
    attributor = Attributor()
    count = 0
    for path in sorted(path for path in DATA.rglob("*") if path.is_file()):
        for made in read_file(path.name, path.read_bytes()).events:
            found = to_ocsf(Attributed(made, attributor.attribute(made)))
            wrong = [name for name, value in found.items() if not fits(value, COLUMNS[name])]
            assert wrong == [], (path.name, made.event_id)
            if made.source_ip is not None:
                assert set(found) >= REQUIRED, made.event_id
            count += 1
    assert count > 500


def test_columns_are_in_order_and_lower_case() -> None:
    assert list(COLUMNS) == sorted(COLUMNS)
    assert all(re.fullmatch(r"[a-z_]+", name) for name in COLUMNS)
