"""Baselines in the functions: several look at once, one learns, and only of what ended well."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.detection.baseline import Baselines
from sudo_mcp_guardrails.detection.baseline.document import Baseline
from sudo_mcp_guardrails.detection.baseline.journal import Journal
from sudo_mcp_guardrails.detection.baseline.planned import MemoryPlannedCalls, Planned
from sudo_mcp_guardrails.detection.baseline.stored import LookingBaselines, StoredLayers
from sudo_mcp_guardrails.detection.correlating_store import StoredGroups
from sudo_mcp_guardrails.detection.detector import Detector
from sudo_mcp_guardrails.detection.errors import DetectionError
from sudo_mcp_guardrails.detection.facts import Facts
from sudo_mcp_guardrails.handlers import detect, detect_learn
from sudo_mcp_guardrails.handlers.detect_baselines import S3Baselines, S3Shelf
from sudo_mcp_guardrails.handlers.detect_learn import LearnParts
from sudo_mcp_guardrails.handlers.detect_parts import DetectParts, Renewed, made_book
from sudo_mcp_guardrails.handlers.detect_state import AgentMemories, DetectionState, StoredFirstSeen
from sudo_mcp_guardrails.handlers.detect_switch import Containments
from sudo_mcp_guardrails.handlers.detect_tell import Teller
from sudo_mcp_guardrails.state.kill_switch import Switch
from sudo_mcp_guardrails.state.runs import Run, RunRegistry
from sudo_mcp_guardrails.state.targets import Target
from sudo_mcp_guardrails.trail.attributing import Attributor
from tests.handlers.fake_s3 import Bucket
from tests.handlers.fake_state import Bus, Queue, Table
from tests.handlers.test_detect import call, message

if TYPE_CHECKING:
    from collections.abc import Sequence

DAY = 86_400
FIRST = int(datetime(2026, 9, 1, 8, tzinfo=timezone.utc).timestamp())
ROLE = "arn:aws:iam::111122223333:role/mcp-guardrails/agents/{0}/mcp-guardrails-{0}-read"
USUAL = ("s3:GetObject", "s3:ListBuckets", "ec2:DescribeInstances", "logs:FilterLogEvents", "ec2:DescribeVpcs")
_NUMBERS = count(1)


def run_id(number: int) -> str:
    return f"run-{number:026}"


class World:
    """What all functions share, and the time."""

    def __init__(self) -> None:
        self.now = float(FIRST)
        self.table, self.bus, self.queue = Table(), Bus(), Queue()
        self.s3 = Bucket(lambda: self.now)
        self.switch: list[dict[str, Any]] = []
        self.switch_down = False
        self.runs: dict[str, Any] = {}
        self.state = DetectionState(self.table, "state")

    def query(self, **_: Any) -> dict[str, Any]:
        if self.switch_down:
            raise ConnectionError("switch")
        return {"Items": self.switch}

    def get_item(self, *, Key: Any, **_: Any) -> dict[str, Any]:  # noqa: N803 - boto3's
        item = self.runs.get(Key["run"]["S"])
        return {"Item": item} if item else {}

    def put_item(self, *, Item: Any, **_: Any) -> None:  # noqa: N803 - boto3's
        self.runs[Item["run"]["S"]] = Item

    def function(self, *, planned: MemoryPlannedCalls | None = None) -> DetectParts:
        """A container, which knows what is stored and no more."""
        groups, journal = StoredGroups(self.state), Journal()
        switch = Containments(self, "switch", "mcp-guardrails")
        known = Renewed(lambda: LookingBaselines(S3Baselines(self.s3, "b"), journal))
        layers = StoredLayers(AgentMemories(self.state), journal, known, planned=planned)
        facts = Facts(contained=switch, first=StoredFirstSeen(self.state))
        return DetectParts(
            "M",
            self.s3,
            self.queue,
            "dead",
            Attributor(),
            groups,
            layers,
            journal,
            Detector(made_book({}, ""), facts=facts, layers=[layers], shared=groups),
            Teller(self.state, self.bus, "findings"),
            S3Shelf(self.s3, "b", lambda: self.now),
            switch,
            RunRegistry(self, "runs"),
        )

    def learn(self, *, context: Any = None) -> dict[str, Any]:
        switch = Containments(self, "switch", "mcp-guardrails")
        parts = LearnParts("M", self.s3, "b", switch.contains, lambda: self.now)
        return detect_learn.handler({}, context, parts)

    def rules(self, source: str | None = None) -> list[str]:
        return [one["rule"] for one in self.bus.findings if source is None or one["source"] == source]

    def baseline(self, agent: str = "release-bot") -> Baseline:
        found = S3Baselines(self.s3, "b").load(f"agent/{agent}")
        assert found is not None
        return Baseline.from_bytes(found)

    def throw(self, at: int, level: str = "K2") -> None:
        thrown = Switch(Target.agent("release-bot"), level, "because", "arn:aws:iam::1:role/x", at, "inc-1")
        self.switch = [thrown.item("mcp-guardrails")]


def event(action: str, at: int, run: str, *, agent: str = "release-bot", **more: Any) -> dict[str, Any]:
    service, _, name = action.partition(":")
    number = next(_NUMBERS)
    made = call(0, name, ROLE.format(agent), eventSource=f"{service}.amazonaws.com", **more)
    made["eventID"] = f"e-{number}"
    made["eventTime"] = datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    made["readOnly"] = name.startswith(("Get", "List", "Describe", "Filter"))
    made["requestParameters"] = None
    made["userIdentity"]["sessionContext"]["sourceIdentity"] = run
    return made


def look(parts: DetectParts, events: Sequence[dict[str, Any]]) -> list[str]:
    records = [message(number, one) for number, one in enumerate(events)]
    return [one["itemIdentifier"] for one in detect.handler({"Records": records}, None, parts)["batchItemFailures"]]


def work(
    world: World, days: int, *, start: int = 0, agent: str = "release-bot", actions: Sequence[str] = USUAL
) -> None:
    """One run a day of 40 calls, in four batches by two containers; each run is over when the next day is."""
    for day in range(start, start + days):
        world.now = FIRST + day * DAY
        containers = world.function(), world.function()
        run = run_id(day if agent == "release-bot" else 1000 + day)
        for batch in range(4):
            at = int(world.now) + batch * 60
            events = [event(actions[place % len(actions)], at + place, run, agent=agent) for place in range(10)]
            assert look(containers[batch % 2], events) == []
    world.now = FIRST + (start + days) * DAY + 2 * DAY


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def taught(world: World) -> World:
    work(world, 10)
    assert world.learn()["learned"] == 10
    return world


def test_what_containers_saw_is_learned_by_one_function_and_counts(taught: World) -> None:
    found = taught.baseline()
    assert (found.merges, sum(found.find("read").calls.values())) == (10, 400)
    assert taught.s3.keys("journal/") == []
    assert set(taught.s3.keys("documents/")) == {
        "documents/agent/release-bot", "documents/pool/all", "documents/pool/task%20read",
    }  # fmt: skip
    assert taught.rules() == [], "usual work is silent"


def test_a_new_action_is_found_by_a_container_that_read_what_was_learned(taught: World) -> None:
    taught.now = FIRST + 11 * DAY
    assert look(taught.function(), [event("sqs:DeleteQueue", int(taught.now), run_id(50))]) == []
    [found] = [one for one in taught.bus.findings if one["source"] == "new-term"]
    assert "used the service sqs for the first time in 28 days" in found["message"]
    assert "0 of 400 calls by this agent in 14 days" in found["message"]


def test_an_event_that_came_by_both_ways_is_learned_once(world: World) -> None:
    one, other = world.function(), world.function()
    events = [event("s3:GetObject", FIRST + place, run_id(1)) for place in range(10)]
    look(one, events)
    look(other, events)
    world.now += 2 * DAY
    assert world.learn()["learned"] == 1
    assert world.baseline().find("read").calls == {FIRST // DAY: 10}


def test_rates_count_over_all_containers_and_are_told_once(world: World) -> None:
    work(world, 12)
    assert world.learn()["learned"] == 12
    at = FIRST + 13 * DAY
    world.now = at
    containers = [world.function() for _ in range(4)]
    slow = {"errorCode": "ThrottlingException"}
    for batch in range(4):
        events = [event("s3:GetObject", at + batch * 10 + place, run_id(60), **slow) for place in range(9)]
        assert look(containers[batch], events) == []
    assert world.rules("rate") == [], "36 errors are not too many"
    for batch in range(4):
        events = [event("s3:GetObject", at + 60 + batch * 10 + place, run_id(60), **slow) for place in range(9)]
        assert look(containers[batch], events) == []
    assert world.rules("rate") == ["rate_of_errors"]


def test_a_batch_that_another_container_was_quicker_than_is_looked_at_anew(taught: World) -> None:
    at = FIRST + 11 * DAY
    ran: list[str] = []

    def meanwhile(key: str) -> None:
        if key.startswith("agent#"):
            taught.table.before_put = None
            ran.append(key)
            look(taught.function(), [event("s3:GetObject", at, run_id(50))])

    taught.table.before_put = meanwhile
    assert look(taught.function(), [event("s3:ListBuckets", at + 1, run_id(50))]) == []
    assert len(ran) == 1
    parts = taught.function()
    look(parts, [event("s3:ListBuckets", at + 2, run_id(50))])
    path = parts.layers.path("release-bot", run_id(50))
    assert path is not None
    assert path.calls == 3


def test_a_run_with_a_high_finding_is_not_learned_and_freezes_its_agent(taught: World) -> None:
    before = taught.baseline()
    at = FIRST + 12 * DAY
    taught.now = at
    look(taught.function(), [event("cloudtrail:StopLogging", at, run_id(50))])
    assert taught.s3.keys("incidents/") == ["incidents/release-bot"]
    look(taught.function(), [event("s3:GetObject", at + DAY, run_id(51))])
    taught.now = at + 3 * DAY
    answer = taught.learn()
    assert (answer["learned"], answer["frozen"]) == (0, 2)
    after = taught.baseline()
    assert (after.frozen, after.find("read").calls) == (True, before.find("read").calls)
    # What began before the incident was over is not learned after it, and what begins then is.
    look(taught.function(), [event("s3:GetObject", at + 6 * DAY, run_id(52))])
    taught.now = at + 8 * DAY
    look(taught.function(), [event("s3:GetObject", at + 8 * DAY, run_id(53))])
    taught.now = at + 10 * DAY
    answer = taught.learn()
    assert (answer["learned"], answer["frozen"]) == (1, 1)
    assert taught.baseline().frozen is False


def test_a_run_that_a_rule_says_something_of_is_not_learned_without_an_incident(taught: World) -> None:
    at = FIRST + 12 * DAY
    taught.now = at
    look(taught.function(), [event("iam:GetAccountAuthorizationDetails", at, run_id(50))])
    assert "agent_maps_permissions" in taught.rules()
    assert taught.s3.keys("incidents/") == []
    taught.now = at + 2 * DAY
    answer = taught.learn()
    assert (answer["learned"], answer["unclean"]) == (0, 1)


@pytest.mark.parametrize("unreadable", [False, True])
def test_nothing_is_learned_of_a_contained_agent_or_where_nobody_can_tell(taught: World, *, unreadable: bool) -> None:
    at = FIRST + 12 * DAY
    taught.now = at
    look(taught.function(), [event("s3:GetObject", at, run_id(50))])
    taught.now = at + 2 * DAY
    taught.throw(at)
    taught.switch_down = unreadable
    assert taught.learn()["frozen"] == 1
    assert taught.baseline().frozen


def test_a_successful_call_of_a_contained_agent_is_found_and_one_before_is_not(world: World) -> None:
    world.throw(FIRST)
    look(world.function(), [event("s3:ListBuckets", FIRST - 1, run_id(1))])
    assert "agent_acts_while_contained" not in world.rules()
    look(world.function(), [event("s3:ListBuckets", FIRST + 1, run_id(1))])
    [found] = [one for one in world.bus.findings if one["rule"] == "agent_acts_while_contained"]
    assert found["unmapped"]["contains"] == "true"


def test_a_switch_that_cannot_be_read_is_counted_and_contains_nobody(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.switch_down = True
    assert look(world.function(), [event("cloudtrail:StopLogging", FIRST, run_id(1))]) == []
    assert "agent_acts_while_contained" not in world.rules()
    assert "aws_trail_stopped" in world.rules()
    assert json.loads(capsys.readouterr().out)["SwitchUnreadable"] == 1


def test_two_that_learn_at_once_count_nothing_twice_and_lose_nothing(world: World) -> None:
    work(world, 3)
    answers: list[dict[str, Any]] = []

    def meanwhile(key: str) -> None:
        if key.startswith("documents/"):
            world.s3.before_put = None
            answers.append(world.learn())

    world.s3.before_put = meanwhile
    answers.append(world.learn())
    assert [(one["learned"], one["conflict"]) for one in answers] == [(3, False), (3, True)]
    assert (world.baseline().merges, sum(world.baseline().find("read").calls.values())) == (3, 120)
    assert world.learn() == {**world.learn(), "learned": 0, "conflict": False}


def test_a_pass_that_was_cut_off_before_it_forgot_learns_nothing_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    work(world, 3)

    def cut_off(_: S3Shelf, documents: Sequence[str]) -> None:
        raise ConnectionError(f"{len(documents)} documents")

    with monkeypatch.context() as patched:
        patched.setattr(S3Shelf, "forget", cut_off)
        with pytest.raises(ConnectionError):
            world.learn()
    assert (world.learn()["again"], world.baseline().merges, world.s3.keys("journal/")) == (3, 3, [])


def test_a_run_that_is_not_over_waits_and_time_that_runs_out_leaves_the_rest(world: World) -> None:
    work(world, 2)
    world.now = FIRST + DAY // 2
    answer = world.learn()
    assert (answer["learned"], answer["waiting"]) == (0, 2)
    world.now += 3 * DAY

    class Context:
        def get_remaining_time_in_millis(self) -> int:
            return 1_000

    answer = world.learn(context=Context())
    assert (answer["learned"], answer["left"]) == (0, True)
    assert world.learn()["learned"] == 2


def test_a_journal_that_is_damaged_or_of_two_agents_is_not_learned(world: World) -> None:
    work(world, 1)
    world.s3.put_object(Bucket="b", Key=f"journal/release-bot/{run_id(7)}/x", Body=b"what")
    look(
        world.function(),
        [event("s3:GetObject", FIRST, run_id(8)), event("s3:GetObject", FIRST, run_id(8), agent="other")],
    )
    world.now += 4 * DAY
    answer = world.learn()
    assert (answer["learned"], answer["damaged"]) == (1, 3)
    assert world.s3.keys("journal/") == []


def test_a_damaged_baseline_silences_no_rule_and_is_counted(taught: World, capsys: pytest.CaptureFixture[str]) -> None:
    taught.s3.objects["b/documents/agent/release-bot"] = b'{"until":1,"runs":[]}\nwhat'
    capsys.readouterr()
    events = [event("cloudtrail:StopLogging", FIRST, run_id(1)), event("s3:GetObject", FIRST, run_id(1))]
    assert look(taught.function(), events) == []
    assert "aws_trail_stopped" in taught.rules()
    assert json.loads(capsys.readouterr().out)["LayersFailed"] == 2
    with pytest.raises(DetectionError, match="does not parse"):
        taught.learn()


def test_a_store_that_is_down_gives_the_message_back(taught: World) -> None:
    taught.s3.down.add("documents/agent/release-bot")
    assert look(taught.function(), [event("s3:GetObject", FIRST, run_id(1))]) == ["0"]


def test_notes_that_could_not_be_written_give_the_message_back(world: World) -> None:
    def down(key: str) -> None:
        if key.startswith("journal/"):
            raise ConnectionError(key)

    world.s3.before_put = down
    assert look(world.function(), [event("cloudtrail:StopLogging", FIRST, run_id(1))]) == ["0"]
    world.s3.before_put = None
    assert look(world.function(), [event("cloudtrail:StopLogging", FIRST, run_id(1))]) == []
    assert world.s3.keys("incidents/")


def test_a_finding_carries_what_led_to_it(world: World) -> None:
    made = Run(run_id(1), "release-bot", "read", "arn:aws:sts::1:assumed-role/dev/jane", "OPS-7", FIRST, FIRST + 3600)
    RunRegistry(world, "runs").begin(made)
    usual = [event("s3:GetObject", FIRST + place, run_id(1)) for place in range(10)]
    look(world.function(), usual)
    look(world.function(), [event("cloudtrail:StopLogging", FIRST + 60, run_id(1), errorCode="AccessDenied")])
    [found] = [one for one in world.bus.findings if one["rule"] == "agent_disables_guard_service"]
    trace = found["unmapped"]["trace"]
    assert (trace["calls"], trace["denied"], trace["complete"]) == (11, 1, False)
    kinds = [step["kind"] for step in trace["steps"]]
    assert kinds[:3] == ["person", "grant", "session"]
    assert kinds.count("api-call") == 8
    assert trace["steps"][0]["what"].endswith("assumed-role/dev/jane")
    assert trace["text"].startswith("person arn:aws:sts::1:assumed-role/dev/jane → grant the broker's OPS-7 → session ")
    assert "11 API calls, 1 denied, the last cloudtrail:StopLogging (AccessDenied)" in trace["text"]
    assert trace["see"] == f"mcp-guardrails trail trace {run_id(1)}"
    assert "trace: person arn:aws:sts::1:assumed-role/dev/jane" in found["unmapped"]["notice"]["text"]


def test_what_was_learned_is_read_anew_after_a_quarter_of_an_hour() -> None:
    now = [0.0]
    renewed = Renewed(Baselines, lambda: now[0])
    first = renewed()
    assert renewed() is first
    now[0] += 900
    assert renewed() is not first


def test_a_looking_function_learns_nothing(world: World) -> None:
    known = LookingBaselines(S3Baselines(world.s3, "b"), Journal())
    with pytest.raises(DetectionError, match="not learned by a process that looks"):
        known.learn("run-1", clean=True)
    with pytest.raises(DetectionError, match="not written"):
        known.flush()
    with pytest.raises(DetectionError, match="not deleted here"):
        S3Baselines(world.s3, "b").delete("agent/x")


def test_a_plan_is_compared_where_plans_are_known(world: World) -> None:
    plan = Planned(frozenset({"sqs:SetQueueAttributes"}))
    role = "arn:aws:iam::111122223333:role/mcp-guardrails/agents/release-bot/mcp-guardrails-release-bot-apply"
    tags = {
        "agent": "release-bot",
        "run": run_id(1),
        "capability": "apply",
        "approval": "apr-1",
        "plan-digest": "d" * 64,
    }
    minted = event("sts:AssumeRole", FIRST, run_id(1))
    minted["userIdentity"] = {"type": "AWSService", "invokedBy": "lambda.amazonaws.com"}
    minted["requestParameters"] = {
        "roleArn": role, "roleSessionName": run_id(1), "sourceIdentity": run_id(1),
        "tags": [{"key": name, "value": value} for name, value in tags.items()],
    }  # fmt: skip
    minted["responseElements"] = {"credentials": {"accessKeyId": "ASIAEXAMPLE000000001"}}
    done = [event(action, FIRST + 5, run_id(1)) for action in ("sqs:SetQueueAttributes", "sqs:DeleteQueue")]
    for one in done:
        one["userIdentity"]["sessionContext"]["sessionIssuer"] |= {"arn": role, "userName": role.rpartition("/")[2]}
    parts = world.function(planned=MemoryPlannedCalls({"d" * 64: plan}))
    look(parts, [minted])  # by itself: what comes in one batch is looked at in no order
    look(parts, [done[0]])
    assert world.rules("deviation") == []
    for _ in range(2):
        parts = world.function(planned=MemoryPlannedCalls({"d" * 64: plan}))
        look(parts, [minted])
        look(parts, [event_again(done[1])])
    [found] = [one for one in world.bus.findings if one["source"] == "deviation"]
    assert found["message"].endswith("called sqs:DeleteQueue, which the approved plan does not hold")
    assert found["unmapped"]["trace"]["steps"][-1]["kind"] == "approval"


def event_again(one: dict[str, Any]) -> dict[str, Any]:
    """The same call once more, with an id of its own."""
    return {**one, "eventID": f"e-{next(_NUMBERS)}"}
