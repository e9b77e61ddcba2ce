"""The reconciler's function: what it sets up, what it takes in again, and how it says so."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.handlers import trail_reconcile
from sudo_mcp_guardrails.handlers.trail_parts import Parts
from sudo_mcp_guardrails.trail.attributing import Attributor
from sudo_mcp_guardrails.trail.sinks.transports import Answer
from tests.handlers.test_trail_ingest import Context, Kept, trail_file
from tests.trail.sources.fake_s3 import FakeS3

if TYPE_CHECKING:
    from collections.abc import Mapping

TODAY = date(2026, 11, 21)
FOLDER = "AWSLogs/111122223333/CloudTrail/eu-central-1"


def key(day: int, number: int = 0) -> str:
    name = f"111122223333_CloudTrail_eu-central-1_202611{day:02}T1005Z_{number:016}.json.gz"
    return f"{FOLDER}/2026/11/{day:02}/{name}"


class Domain:
    """Answers as a domain's security plugin would."""

    where = "https://search"

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self.puts: list[str] = []
        self.queries: list[Mapping[str, str] | None] = []

    def send(
        self, method: str, path: str, *, body: bytes | None = None, query: Mapping[str, str] | None = None
    ) -> Answer:
        if method == "PUT":
            self.queries.append(query)
            assert body is not None
            self.puts.append(path)
            self.kept[path] = json.loads(body)
            return Answer(201, {"status": "CREATED"})
        if path not in self.kept:
            return Answer(404, {"status": "NOT_FOUND"})
        if "_ism" in path:
            return Answer(
                200, {"_seq_no": 7, "_primary_term": 1, "policy": {"schema_version": 21, **self.kept[path]["policy"]}}
            )
        return Answer(200, {path.rpartition("/")[2]: {**self.kept[path], "reserved": False}})

    def close(self) -> None:
        pass


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"TRAIL_BUCKET": "trail", "TRAIL_PREFIX": "", "RECONCILE_DAYS": "3"}.items():
        monkeypatch.setenv(name, value)
    for name in ("WRITER_ROLE", "TIER_DAYS"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def bucket() -> FakeS3:
    return FakeS3("trail", {key(day): trail_file(f"e-{day}") for day in (10, 19, 20, 21)})


@pytest.fixture
def sink() -> Kept:
    return Kept()


@pytest.fixture
def parts(bucket: FakeS3, sink: Kept) -> Parts:
    return Parts("Audit/Pipeline", bucket.client, sink, Attributor(), transport=Domain())


def test_what_is_missing_of_the_last_days_is_taken_in(
    parts: Parts, sink: Kept, capsys: pytest.CaptureFixture[str]
) -> None:
    trail_reconcile.handler({"task": "reconcile", "since": "2026-11-20", "until": "2026-11-20"}, None, parts, TODAY)
    assert len(sink.events) == 1
    capsys.readouterr()
    done = trail_reconcile.handler({"task": "reconcile"}, None, parts, TODAY)
    assert done == {
        "task": "reconcile",
        "reached": "2026-11-21",
        "finished": True,
        "checked": 3,
        "missing": 2,
        "repaired": 2,
        "broken": 0,
    }
    assert {id for _, id in sink.events} == {"e-19", "e-20", "e-21"}, (
        "not of the day before the range, which is another's"
    )
    line = json.loads(capsys.readouterr().out)
    assert (line["Missing"], line["Repaired"], line["Broken"], line["Reconciled"]) == (2, 2, 0, 1)
    assert any(key(19) in item for item in line["items"])
    again = trail_reconcile.handler({"task": "reconcile"}, None, parts, TODAY)
    assert (again["missing"], again["checked"]) == (0, 3)


def test_a_range_is_filled_again(parts: Parts, sink: Kept) -> None:
    event = {"task": "reconcile", "since": "2026-11-10", "until": "2026-11-10"}
    assert trail_reconcile.handler(event, None, parts, TODAY)["repaired"] == 1
    assert {id for _, id in sink.events} == {"e-10"}


def test_a_file_that_is_gone_is_broken(parts: Parts, sink: Kept, bucket: FakeS3) -> None:
    trail_reconcile.handler({"task": "reconcile"}, None, parts, TODAY)
    del bucket.versions[key(20)]
    done = trail_reconcile.handler({"task": "reconcile"}, None, parts, TODAY)
    assert (done["broken"], done["missing"], len(sink.events)) == (1, 0, 3)


def test_days_that_the_index_has_deleted_are_no_finding(
    parts: Parts, sink: Kept, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Kept, "count", lambda _: -1)
    assert trail_reconcile.handler({"task": "reconcile"}, None, parts, TODAY)["broken"] == 0
    assert not [item for item in json.loads(capsys.readouterr().out)["items"] if "index" in item]
    assert len(sink.events) == 3


def test_without_time_it_says_where_to_go_on(parts: Parts, capsys: pytest.CaptureFixture[str]) -> None:
    done = trail_reconcile.handler({"task": "reconcile"}, Context(49_000), parts, TODAY)
    assert not done["finished"]
    assert done["reached"] <= "2026-11-19"
    assert json.loads(capsys.readouterr().out)["Reconciled"] == 0
    rest = {"task": "reconcile", "since": done["reached"]}
    assert trail_reconcile.handler(rest, Context(900_000), parts, TODAY)["finished"]


def test_the_ingester_is_let_in_once(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    role = "arn:aws:iam::111122223333:role/mcp-guardrails/ingest"
    monkeypatch.setenv("WRITER_ROLE", role)
    domain = parts.transport
    assert isinstance(domain, Domain)
    for _ in range(2):
        assert trail_reconcile.handler({"task": "setup"}, None, parts, TODAY) == {"task": "setup"}
    api = "/_plugins/_security/api"
    assert domain.puts == [f"{api}/roles/agent-trail-writer", f"{api}/rolesmapping/agent-trail-writer"]
    assert domain.kept[domain.puts[1]]["backend_roles"] == [role]
    domain.kept[domain.puts[1]]["backend_roles"] = ["somebody"]
    trail_reconcile.handler({"task": "setup"}, None, parts, TODAY)
    assert domain.kept[domain.puts[1]]["backend_roles"] == [role]
    assert len(domain.puts) == 3


def test_the_indexes_policy_is_put_once_and_replaced_knowingly(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    domain = parts.transport
    assert isinstance(domain, Domain)
    monkeypatch.setenv("TIER_DAYS", "90,0,0")
    trail_reconcile.handler({"task": "setup"}, None, parts, TODAY)
    assert domain.puts == [], "a domain of somebody else's has a policy of its own"
    monkeypatch.setenv("WRITER_ROLE", "arn:aws:iam::111122223333:role/ingest")
    for _ in range(2):
        trail_reconcile.handler({"task": "setup"}, None, parts, TODAY)
    path = "/_plugins/_ism/policies/agent-trail"
    assert (domain.puts.count(path), domain.queries[-1]) == (1, None)
    monkeypatch.setenv("TIER_DAYS", "60,0,0")
    trail_reconcile.handler({"task": "setup"}, None, parts, TODAY)
    assert domain.queries[-1] == {"if_seq_no": "7", "if_primary_term": "1"}
    assert "hot 60" in domain.kept[path]["policy"]["description"]


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({}, "task None is not known, expected one of setup, reconcile"),
        ({"task": "x"}, "task 'x' is not known"),
        ({"task": "reconcile", "since": "yesterday"}, "since 'yesterday' is no day, expected one such as 2026-11-23"),
        ({"task": "reconcile", "until": 7}, "until 7 is no day"),
        ({"task": "reconcile", "since": "2026-11-22", "until": "2026-11-21"}, "since 2026-11-22 is after until"),
    ],
)
def test_bad_tasks(parts: Parts, event: dict[str, Any], message: str) -> None:
    with pytest.raises(trail_reconcile.TaskError, match=message):
        trail_reconcile.handler(event, None, parts, TODAY)
