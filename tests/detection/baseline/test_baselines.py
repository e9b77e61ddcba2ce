from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.detection.baseline import Baselines, DirectoryStore, MemoryStore, baseline_layers
from sudo_mcp_guardrails.detection.baseline.bits import BIT
from sudo_mcp_guardrails.detection.baseline.calls import Call, Kind
from sudo_mcp_guardrails.detection.baseline.document import MAX_TASKS
from sudo_mcp_guardrails.detection.errors import DetectionError
from tests.detection.baseline.made import DAY, USUAL, look, made, work

if TYPE_CHECKING:
    from pathlib import Path

CALL = Call.of(made("s3:GetObject").event)
NOON = DAY * 86_400 + 43_200


def test_nothing_is_learned_before_a_run_ended_well() -> None:
    baselines = Baselines()
    baselines.note("bot", "run-1", "read", CALL, NOON)
    assert baselines.of("bot").tasks == {}
    assert baselines.learn("run-1", clean=True)
    assert baselines.of("bot").find("read").calls == {DAY: 1}
    assert baselines.of("bot").merges == 1
    assert not baselines.learn("run-1", clean=True)


def test_a_run_that_did_not_end_well_is_forgotten() -> None:
    baselines = Baselines()
    baselines.note("bot", "run-1", "read", CALL, NOON)
    assert not baselines.learn("run-1", clean=False)
    assert not baselines.learn("run-1", clean=True)
    assert not baselines.learn("run-2", clean=True)
    assert baselines.of("bot").tasks == {}


def test_a_run_of_two_agents_is_learned_of_neither() -> None:
    baselines = Baselines()
    baselines.note("bot", "run-1", "read", CALL, NOON)
    baselines.note("other", "run-1", "read", CALL, NOON)
    assert not baselines.learn("run-1", clean=True)
    assert baselines.of("bot").tasks == baselines.of("other").tasks == {}


@pytest.mark.parametrize("thawed", ["before the run ends", "after it"])
@pytest.mark.parametrize("begins", ["before", "meanwhile"])
def test_nothing_is_learned_of_runs_that_an_incident_touches(begins: str, thawed: str) -> None:
    baselines = Baselines()
    if begins == "before":
        baselines.note("bot", "run-1", "read", CALL, NOON)
    baselines.freeze("bot")
    baselines.freeze("bot")
    baselines.note("bot", "run-1", "read", CALL, NOON)
    if thawed == "before the run ends":
        baselines.thaw("bot")
    assert not baselines.learn("run-1", clean=True)
    baselines.thaw("bot")
    baselines.note("bot", "run-2", "read", CALL, NOON)
    baselines.note("other", "run-3", "read", CALL, NOON)
    assert baselines.learn("run-2", clean=True)
    assert baselines.learn("run-3", clean=True)
    assert baselines.of("bot").find("read").calls == {DAY: 1}


def test_other_agents_learn_while_one_is_frozen() -> None:
    baselines = Baselines()
    baselines.freeze("bot")
    assert baselines.of("bot").describe()["frozen"]
    baselines.note("other", "run-3", "read", CALL, NOON)
    assert baselines.learn("run-3", clean=True)


@pytest.mark.parametrize("kind", ["memory", "directory"])
def test_what_was_flushed_is_there_in_another_process(kind: str, tmp_path: Path) -> None:
    store = MemoryStore() if kind == "memory" else DirectoryStore(tmp_path)
    first = Baselines(store)
    work(first, baseline_layers(first), range(9))
    first.note("bot", "run-open", "read", CALL, NOON + 9 * 86_400)
    first.freeze("frozen")
    first.flush()
    second = Baselines(store)
    assert second.of("bot") == first.of("bot")
    for action in (*USUAL, "iam:CreateUser"):
        assert second.bits("bot", "read", DAY + 9, action) == first.bits("bot", "read", DAY + 9, action)
        assert second.others("x", "read", DAY + 9, action) == first.others("x", "read", DAY + 9, action)
    assert second.of("frozen").frozen
    assert second.learn("run-open", clean=True)


def test_few_documents_in_memory_give_the_same_as_many() -> None:
    stores = MemoryStore(), MemoryStore()
    found = []
    for store, hot in zip(stores, (1, 500), strict=True):
        baselines = Baselines(store, hot=hot)
        layers = baseline_layers(baselines)
        alerts = []
        for day in range(10):
            for agent in ("a", "b", "c"):
                alerts += work(baselines, layers, [day], agent=agent)
        alerts += work(baselines, layers, [10], ("iam:CreateUser", "s3:GetObject"), agent="b")
        found.append([alert.sentence for alert in alerts])
        baselines.flush()
    assert found[0] == found[1]
    assert found[0]
    for agent in ("a", "b", "c"):
        assert stores[0].load(f"agent/{agent}") == stores[1].load(f"agent/{agent}") is not None


def test_memory_is_bounded_by_the_hot_documents() -> None:
    baselines = Baselines(hot=8)
    layers = baseline_layers(baselines)
    for number in range(60):
        work(baselines, layers, [0], agent=f"bot-{number}", calls=6)
        look(layers, made("s3:GetObject", agent=f"idle-{number}", run=f"run-idle-{number}"))
    assert len(baselines._agents) == 8
    assert len(baselines._runs) == 8
    assert len(baselines._views) <= 16
    assert len(baselines._rates) <= 16


def test_many_tasks_of_a_run_and_of_an_agent_are_bounded() -> None:
    baselines = Baselines()
    for number in range(40):
        baselines.note("bot", "run-1", f"task-{number}", CALL, NOON)
        baselines.note_peak("bot", "run-1", f"task-{number}", 3 * BIT)
    assert baselines.learn("run-1", clean=True)
    tasks = baselines.of("bot").tasks
    assert len(tasks) == MAX_TASKS + 1
    assert sum(counts.calls[DAY] for counts in tasks.values()) == 40
    sessions = sum(sum(peaks.values()) for counts in tasks.values() for peaks in counts.sessions.values())
    assert sessions <= MAX_TASKS + 1


def test_a_damaged_baseline_is_an_error_and_not_an_empty_one() -> None:
    store = MemoryStore()
    store.save("agent/bot", b"damage", 1)
    with pytest.raises(DetectionError, match="does not parse"):
        Baselines(store).view("bot", "read", DAY)


def test_no_documents_in_memory_is_refused() -> None:
    with pytest.raises(DetectionError, match="hot 0 is not allowed"):
        Baselines(hot=0)


def test_others_are_all_but_the_agent_itself() -> None:
    baselines = Baselines()
    layers = baseline_layers(baselines)
    work(baselines, layers, range(3), ("s3:GetObject",), agent="a", calls=10)
    work(baselines, layers, range(3), ("s3:GetObject", "s3:PutObject"), agent="b", calls=10)
    work(baselines, layers, range(3), ("s3:PutObject",), agent="c", calls=10, capability="plan")
    assert baselines.others("a", "read", DAY + 3, "s3:GetObject") == ((15, 30), (15, 60))
    assert baselines.others("b", "read", DAY + 3, "s3:GetObject") == ((30, 30), (30, 60))
    assert baselines.others("c", "plan", DAY + 3, "s3:PutObject") == ((0, 0), (15, 60))
    assert baselines.others("d", "read", DAY + 3, "s3:PutObject") == ((15, 60), (45, 90))
    assert baselines.others("d", "read", DAY + 17, "s3:PutObject") == ((0, 0), (0, 0))


def test_what_others_learn_meanwhile_counts_at_once() -> None:
    baselines = Baselines()
    layers = baseline_layers(baselines)
    work(baselines, layers, range(3))
    before = baselines.bits("bot", "read", DAY + 3, "iam:ListRoles")
    work(baselines, layers, range(3), ("iam:ListRoles",), agent="peer")
    assert baselines.bits("bot", "read", DAY + 3, "iam:ListRoles") < before - BIT


def test_one_agent_alone_makes_nothing_usual_for_all() -> None:
    baselines = Baselines()
    layers = baseline_layers(baselines)
    for day in range(3):
        for run in range(4):
            work(baselines, layers, [day], (f"s3:Flood{run % 2}",), agent="loud", calls=400, runs=1)
    (one, total), _ = baselines.others("bot", "read", DAY + 3, "s3:Flood0")
    assert (one, total) == (150, 300)
    work(baselines, layers, range(3), ("s3:Flood0",), agent="peer", calls=10)
    assert baselines.others("loud", "read", DAY + 3, "s3:Flood0") == ((30, 30), (30, 30))


def test_the_same_whatever_the_order_in_which_agents_runs_are_learned() -> None:
    results = []
    for order in (range(12), reversed(range(12))):
        baselines = Baselines()
        for number in range(12):
            for place in range(30):
                call = Call.of(made(USUAL[(place * number) % len(USUAL)]).event)
                baselines.note(f"bot-{number % 3}", f"run-{number}", "read", call, NOON + number * 20_000)
        for number in order:
            assert baselines.learn(f"run-{number}", clean=True)
        shares = [baselines.others(f"bot-{n}", "read", DAY + 3, action) for n in range(3) for action in USUAL]
        results.append(([baselines.of(f"bot-{n}").digest for n in range(3)], shares))
    assert results[0] == results[1]


def test_an_event_from_before_1970_is_not_counted() -> None:
    baselines = Baselines()
    baselines.note("bot", "run-1", "read", CALL, -1)
    assert not baselines.learn("run-1", clean=True)


def test_a_flood_of_one_day_is_still_surprising_on_the_next() -> None:
    baselines = Baselines()
    layers = baseline_layers(baselines)
    work(baselines, layers, range(12), runs=5)
    before = baselines.bits("bot", "read", DAY + 12, "secretsmanager:GetSecretValue")
    work(baselines, layers, [12], ("secretsmanager:GetSecretValue",), calls=600, runs=8)
    assert baselines.of("bot").find("read").actions[DAY + 12]["secretsmanager:GetSecretValue"] == 4_800
    after = baselines.bits("bot", "read", DAY + 13, "secretsmanager:GetSecretValue")
    assert after > 12 * BIT
    assert before - after < 3 * BIT
    for action in USUAL:
        assert baselines.bits("bot", "read", DAY + 13, action) < 4 * BIT
    alerts = work(baselines, layers, [13], ("secretsmanager:GetSecretValue",), calls=20)
    assert [alert.rule for alert in alerts] == ["surprising_session"]
    assert "4,800 of 7,200 by this agent" in alerts[0].sentence
    assert "all on one day, which does not count" in alerts[0].sentence
    assert baselines.view("bot", "read", DAY + 13).knows(Kind.ACTION, "secretsmanager:GetSecretValue")
