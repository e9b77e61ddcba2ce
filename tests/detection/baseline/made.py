"""Events of an agent on numbered days, for tests of baselines."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.detection.facts import Facts
from sudo_mcp_guardrails.detection.times import seconds_of
from sudo_mcp_guardrails.trail.attribution import Attribution, By
from tests.detection.events import attributed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sudo_mcp_guardrails.detection.alert import Alert
    from sudo_mcp_guardrails.detection.baseline import Baselines
    from sudo_mcp_guardrails.detection.detector import Layer
    from sudo_mcp_guardrails.trail.attribution import Attributed

FIRST = date(2026, 9, 1)
DAY = (FIRST - date(1970, 1, 1)).days
_NUMBERS = count()
USUAL = ("s3:GetObject", "s3:ListBuckets", "ec2:DescribeInstances", "logs:FilterLogEvents", "ec2:DescribeVpcs")


def made(
    action: str,
    day: int = 0,
    *,
    agent: str | None = "bot",
    run: str | None = "run-1",
    capability: str = "read",
    time: str = "10:00:00",
    approval: str | None = None,
    digest: str | None = None,
    session: str | None = None,
    **fields: Any,
) -> Attributed:
    """Return an event; what begins with Get, List or Describe reads."""
    service, _, name = action.partition(":")
    found = Attribution(
        By.SESSION_TAGS,
        agent=agent,
        run=run,
        capability=capability,
        approval=approval,
        plan_digest=digest,
        session=session,
    )
    return attributed(
        found,
        **{
            "eventTime": f"{FIRST + timedelta(days=day)}T{time}Z",
            "eventID": f"00000000-0000-4000-8000-{next(_NUMBERS):012}",
            "eventSource": f"{service}.amazonaws.com",
            "eventName": name,
            "readOnly": name.startswith(("Get", "List", "Describe", "Filter", "Head")),
            "sourceIPAddress": "203.0.113.7",
            "userAgent": "Boto3/1.44.5 md/Botocore",
            **fields,
        },
    )


def look(layers: Sequence[Layer], event: Attributed, facts: Facts | None = None) -> list[Alert]:
    """Return what layers find, as the detector asks them."""
    known = (facts or Facts()).of(event.event, event.attribution)
    assert known is not None
    time = seconds_of(event.event.event_time)
    return [alert for layer in layers for alert in layer.look(event, known, time)]


def work(
    baselines: Baselines,
    layers: Sequence[Layer],
    days: Iterable[int],
    actions: Sequence[str] = USUAL,
    *,
    agent: str = "bot",
    calls: int = 40,
    runs: int = 1,
    capability: str = "read",
    clean: bool = True,
) -> list[Alert]:
    """Let an agent do its work on some days, and learn it; return what was found."""
    alerts: list[Alert] = []
    for day in days:
        for number in range(runs):
            run = f"run-{agent}-{day}-{number}-{actions[0]}"
            for place in range(calls):
                event = made(
                    actions[place % len(actions)],
                    day,
                    agent=agent,
                    run=run,
                    capability=capability,
                    time=f"{8 + number:02}:{place // 60 % 60:02}:{place % 60:02}",
                )
                alerts.extend(look(layers, event))
            assert baselines.learn(run, clean=clean) is clean
    return alerts
