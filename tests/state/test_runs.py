"""The registry of runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sudo_mcp_guardrails.state.runs import Run, RunError, RunRegistry
from tests.handlers.approval import fakes

RUN = Run("run-01HZZZZZZZZZZZZZZZZZZZZZZZ", "bot", "plan", "arn:aws:iam::111111111111:user/ann", "OPS-1", 100, 1_000)


def test_a_run_is_written_once_and_found() -> None:
    registry = RunRegistry(fakes.FakeDynamo(), "runs")
    assert registry.find(RUN.id) is None
    registry.begin(RUN)
    assert registry.find(RUN.id) == RUN
    with pytest.raises(Exception, match="ConditionalCheckFailed"):
        registry.begin(replace(RUN, agent="other-bot"))
    assert registry.find(RUN.id) == RUN


@pytest.mark.parametrize("change", [{"id": "run-1"}, {"agent": ""}, {"caller": "x" * 3_000}, {"ends": 99}])
def test_what_is_no_run_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(RunError):
        replace(RUN, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["agent", "caller", "ends"])
def test_a_damaged_item_is_nobodys_run(name: str) -> None:
    dynamodb = fakes.FakeDynamo()
    registry = RunRegistry(dynamodb, "runs")
    registry.begin(RUN)
    del dynamodb.tables["runs"][RUN.id,][name]
    assert registry.find(RUN.id) is None
