from __future__ import annotations

from sudo_mcp_guardrails.detection.baseline import Baselines, baseline_layers
from sudo_mcp_guardrails.detection.baseline.planned import MemoryPlannedCalls
from sudo_mcp_guardrails.detection.baseline.work import Once, tenths
from sudo_mcp_guardrails.detection.compiled import RuleBook
from sudo_mcp_guardrails.detection.detector import Detector
from sudo_mcp_guardrails.detection.rule import Source
from tests.detection.baseline.made import DAY, look, made, work


def test_layers_stand_in_their_order() -> None:
    names = [type(one).__name__ for one in baseline_layers(Baselines(), planned=MemoryPlannedCalls({}))]
    assert names == ["NewTerms", "Surprise", "Deviation", "Rates", "Learning"]
    assert "Deviation" not in [type(one).__name__ for one in baseline_layers(Baselines())]


def test_the_detector_asks_all_layers_of_agents_events_alone() -> None:
    baselines = Baselines()
    layers = baseline_layers(baselines, planned=MemoryPlannedCalls({}))
    detector = Detector(RuleBook(()), layers=layers)
    work(baselines, layers, range(10), ("s3:PutObject", "s3:GetObject"), capability="apply", runs=2, calls=20)
    alerts = [
        alert
        for place in range(120)
        for alert in detector.look(
            made("dynamodb:DeleteTable", 10, capability="apply", time=f"12:{place // 60:02}:{place % 60:02}")
        )
    ]
    assert [alert.source for alert in alerts] == [Source.NEW_TERM, Source.DEVIATION, Source.RATE, Source.RATE]
    assert baselines.learn("run-1", clean=True)


def test_an_operator_names_tasks() -> None:
    baselines = Baselines()
    layers = baseline_layers(baselines, task=lambda facts: f"sop-{facts['ticket']}" if "ticket" in facts else "none")
    look(layers, made("s3:GetObject"))
    baselines.learn("run-1", clean=True)
    assert list(baselines.of("bot").tasks) == ["none"]
    assert baselines.of("bot").find("none").calls == {DAY: 1}


def test_an_event_without_run_and_session_is_looked_at_and_not_learned() -> None:
    baselines = Baselines()
    look(baseline_layers(baselines), made("s3:GetObject", run=None))
    assert not baselines.learn("", clean=True)


def test_a_batch_that_comes_again_is_not_counted_twice() -> None:
    baselines = Baselines()
    layers = baseline_layers(baselines)
    events = [made("s3:DeleteObject", time=f"12:00:{place:02}") for place in range(20)]
    for _ in range(3):
        for event in events:
            assert look(layers, event) == []
    assert baselines.learn("run-1", clean=True)
    assert baselines.of("bot").find("read").calls == {DAY: 20}
    work(baselines, layers, range(1, 11), ("s3:DeleteObject",), runs=3, calls=5)
    events = [made("s3:DeleteObject", 11, time=f"12:00:{place:02}") for place in range(20)]
    assert [alert for _ in range(3) for event in events for alert in look(layers, event)] == []
    more = [made("s3:DeleteObject", 11, time=f"12:01:{place:02}") for place in range(40)]
    assert [alert.source for event in more for alert in look(layers, event)] == [Source.RATE]


def test_what_was_said_is_remembered_within_bounds() -> None:
    once = Once()
    assert once("a")
    assert not once("a")
    for number in range(50_000):
        once(number)
    assert len(once._said) == 50_000
    assert once("a")


def test_numbers_are_written_with_one_digit() -> None:
    assert [tenths(value, 1024) for value in (0, 1023, 1024, 1536, 10 * 1024 + 103, 5_000 * 1024)] == [
        "0.0", "0.9", "1.0", "1.5", "10.1", "5,000.0",
    ]  # fmt: skip
