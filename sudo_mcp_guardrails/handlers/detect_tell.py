"""Who is told of alerts: a bus of EventBridge, and Security Hub."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.detection.asff import to_asff
from sudo_mcp_guardrails.detection.errors import DetectionError
from sudo_mcp_guardrails.detection.notice import notice
from sudo_mcp_guardrails.detection.ocsf import to_ocsf
from sudo_mcp_guardrails.detection.rule import Level
from sudo_mcp_guardrails.detection.telling import CANARY_RULE, DETAIL_TYPE, SOURCE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sudo_mcp_guardrails.detection.alert import Alert
    from sudo_mcp_guardrails.detection.finding import Finding
    from sudo_mcp_guardrails.handlers.detect_state import DetectionState

_BUS: Final = "bus"
_HUB: Final = "hub"


@dataclass(frozen=True)
class Hub:
    """Security Hub, as findings go to it.

    Attributes:
        client: boto3's.
        account: the function's account, 12 digits.
        region: its Region.
        partition: such as ``aws``.
    """

    client: Any
    account: str
    region: str
    partition: str


class Teller:
    """Tells of each alert once; again only where it cannot be known whether it was told.

    Args:
        state: remembers what was told.
        events: boto3's client of EventBridge.
        bus: name or ARN of the bus.
        hub: Security Hub. Default: nothing goes there.
    """

    def __init__(self, state: DetectionState, events: Any, bus: str, hub: Hub | None = None) -> None:  # noqa: ANN401 - boto3's
        self._state = state
        self._events = events
        self._bus = bus
        self._hub = hub

    def tell(self, alert: Alert, trace: Callable[[], Mapping[str, Any]] | None = None) -> Finding | None:
        """Tell of an alert; None where everybody was told before.

        Args:
            alert: It.
            trace: Gives what led to it; asked only where somebody is told. Default: nothing is said of that.

        Raises:
            DetectionError: where the bus or Security Hub did not take it; nothing is marked as told then.
        """
        if alert.rule == CANARY_RULE:  # shows that the pipeline works, and nothing else
            alert = replace(alert, level=Level.INFORMATIONAL)
        finding: Finding | None = None
        for channel, send in ((_BUS, self._to_bus), (_HUB, self._to_hub)):
            if channel == _HUB and (self._hub is None or alert.level is Level.INFORMATIONAL):
                continue
            if not self._state.claim(channel, alert.id):
                continue
            try:
                finding = finding or self._made(alert, trace)
                send(finding)
            except Exception:
                self._state.release(channel, alert.id)
                raise
            self._state.told(channel, alert.id)
        return finding

    def _made(self, alert: Alert, trace: Callable[[], Mapping[str, Any]] | None) -> Finding:
        found = self._state.finding(alert)
        return found if trace is None else replace(found, trace=trace())

    def _to_bus(self, finding: Finding) -> None:
        detail = to_ocsf(finding)
        detail["unmapped"]["notice"] = notice(finding)
        entry = {
            "EventBusName": self._bus,
            "Source": SOURCE,
            "DetailType": DETAIL_TYPE,
            "Detail": json.dumps(detail, ensure_ascii=True),
        }
        answer = self._events.put_events(Entries=[entry])
        if answer["FailedEntryCount"]:
            failed = answer["Entries"][0]
            raise DetectionError(f"the bus refused finding {finding.id}: {failed.get('ErrorCode')}")

    def _to_hub(self, finding: Finding) -> None:
        hub = self._hub
        if hub is None:
            return
        now = datetime.now(timezone.utc)
        asff = to_asff(finding, account=hub.account, region=hub.region, partition=hub.partition, now=now)
        answer = hub.client.batch_import_findings(Findings=[asff])
        if answer["FailedCount"]:
            failed = answer["FailedFindings"][0]
            raise DetectionError(f"Security Hub refused finding {finding.id}: {failed.get('ErrorCode')}")
