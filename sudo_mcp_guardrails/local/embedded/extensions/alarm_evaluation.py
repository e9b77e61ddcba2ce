"""Gap: an alarm looks at all dimensions of a metric together, never at missing data, and only when a metric is put.

Here it looks each second at its own dimensions, period by period, and takes what is missing as `TreatMissingData` says:
silence is an alarm where it is `breaching`. Periods end now and not at full minutes, and take the same part of their
time as Wait states of Step Functions do (`EmbeddedAws(wait_scale=…)`), but a second at least.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html
"""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

from ministack.core.responses import request_scope
from ministack.services import cloudwatch, stepfunctions

if TYPE_CHECKING:
    from collections.abc import Callable

PAUSE = 1.0
_OK, _ALARM, _UNKNOWN = "OK", "ALARM", "INSUFFICIENT_DATA"
_log = logging.getLogger("ministack")
sources: list[Callable[[dict[str, Any]], None]] = []
"""Called with an alarm before it is looked at, in its account and Region: services that publish metrics by the way."""


def install() -> None:
    """Look at alarms as AWS does, and each second."""
    cloudwatch._evaluate_alarm = _evaluate
    threading.Thread(target=_watch, name="alarms", daemon=True).start()


def _watch() -> None:
    while True:
        time.sleep(PAUSE)
        for account, region, name in list(cloudwatch._alarms._data):
            with request_scope(account, region):
                alarm = cloudwatch._alarms.get(name)
                try:
                    if alarm is not None:
                        _publish(alarm)
                        _evaluate(alarm)
                except Exception:  # noqa: BLE001 - one alarm must not keep the others from being looked at
                    _log.exception("alarm %s could not be looked at", name)


def _publish(alarm: dict[str, Any]) -> None:
    for source in sources:
        source(alarm)


def _evaluate(alarm: dict[str, Any]) -> None:
    if not alarm.get("Namespace") or not alarm.get("MetricName"):
        return
    state, reason = _judged(alarm)
    before = alarm["StateValue"]
    if not state or state == before:
        return
    alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=int(time.time()))
    cloudwatch._record_history(alarm["AlarmName"], before, state, reason)
    cloudwatch._dispatch_alarm_actions(alarm, before, state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _judged(alarm: dict[str, Any]) -> tuple[str, str]:
    """Return the state that the alarm should be in, and why; no state where it should stay as it is."""
    values = _values(alarm)
    treat = str(alarm.get("TreatMissingData") or "missing")
    known = [value for value in values if value is not None]
    if not known:
        silent = {"breaching": _ALARM, "notBreaching": _OK, "missing": _UNKNOWN}.get(treat, "")
        return silent, f"no datapoints were received for {len(values)} periods, treated as {treat}"
    breaching = sum(_breaches(value, alarm) for value in known)
    if treat == "breaching":
        breaching += len(values) - len(known)
    wanted = int(alarm.get("DatapointsToAlarm") or alarm["EvaluationPeriods"])
    shown = ", ".join("missing" if value is None else f"{value:g}" for value in values)
    reason = f"{breaching} of {len(values)} datapoints [{shown}] are {alarm['ComparisonOperator']} {alarm['Threshold']}"
    return (_ALARM if breaching >= wanted else _OK), f"Threshold Crossed: {reason}"


def _values(alarm: dict[str, Any]) -> list[float | None]:
    """Return the statistic of each period, the last one first; None for one without data."""
    dimensions = cloudwatch._dims_key(cloudwatch._dims_from_list(alarm.get("Dimensions") or []))
    points = list(cloudwatch._metrics.get((alarm["Namespace"], alarm["MetricName"], dimensions)) or ())
    seconds = max(1.0, int(alarm.get("Period") or 60) * stepfunctions._SFN_WAIT_SCALE)
    now, found = time.time(), []
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    for number in range(int(alarm.get("EvaluationPeriods") or 1)):
        end = now - number * seconds
        own = [point for point in points if end - seconds < point["Timestamp"] <= end]
        statistics = cloudwatch._calc_stats(own)
        found.append(cloudwatch._stat_value(statistics, statistic, own) if statistics else None)
    return found


def _breaches(value: float, alarm: dict[str, Any]) -> bool:
    threshold = float(alarm.get("Threshold") or 0)
    return {
        "GreaterThanOrEqualToThreshold": value >= threshold,
        "GreaterThanThreshold": value > threshold,
        "LessThanThreshold": value < threshold,
        "LessThanOrEqualToThreshold": value <= threshold,
    }.get(str(alarm.get("ComparisonOperator")), False)
