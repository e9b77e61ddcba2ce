"""The apply broker: the only role that may assume the apply roles of agents.

The state machine alone calls it. It believes no caller: every operation goes by the approval's chain of evidence, whose
signatures it checks. Credentials of the sessions it opens are neither returned, nor logged, nor stored.

Environment: ``EVIDENCE_TABLE``, ``EVIDENCE_BUCKET``, ``EVIDENCE_KEY``, ``DECISION_KEY``, ``PREFIX``, ``PARTITION``, and
optionally ``APPROVAL_SETTINGS`` and ``KILL_SWITCH_TABLE``: where it names a table, a contained agent's plans are not
carried out, and nobody's are where it cannot be read.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.approval.applying.answers import Veil
from sudo_mcp_guardrails.approval.applying.broker import BUDGET, Broker
from sudo_mcp_guardrails.approval.applying.grounds import Grounds
from sudo_mcp_guardrails.approval.applying.refusal import ApplyRefused
from sudo_mcp_guardrails.approval.applying.sessions import Sessions
from sudo_mcp_guardrails.approval.errors import DecisionError, PlanError
from sudo_mcp_guardrails.handlers.approval_settings import workplace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.approval.applying.sessions import MakesClient
    from sudo_mcp_guardrails.handlers.approval_settings import Workplace

_CONNECT_SECONDS = 10
_READ_SECONDS = 60
_SPARE_SECONDS = 420
"""Of an invocation, for the call that is under way when the budget ends."""

_log = logging.getLogger(__name__)
_log.setLevel(logging.INFO)


@dataclass(frozen=True)
class Tools:
    """What the broker works with.

    Attributes:
        place: Settings and stores.
        sts: boto3's client of STS.
        make: Makes clients from a session's credentials.
    """

    place: Workplace
    sts: Any
    make: MakesClient


def handler(event: dict[str, Any], context: object, clients: Tools | None = None) -> dict[str, Any]:
    """Do one of the broker's tasks.

    Args:
        event: ``{"op": "read", "input"}``, ``{"op": "apply", "approval", "approvalDigest", "planDigest"}``, or
            ``{"op": "poll" | "verify", "approval", "execution"}``; more members are passed over.
        context: Of Lambda; how much time is left is asked of it.
        clients: Of boto3; made when left out.

    Returns:
        As :class:`~sudo_mcp_guardrails.approval.applying.broker.Broker` says; what ``apply``, ``poll`` and ``verify``
        refuse is ``{"refused": true, "because"}``, and is on record.

    Raises:
        ApplyRefused: There is nothing that could be read; the state machine records it.
        PlanError: What was read is no plan; likewise.
        EvidenceError: The chain is not whole: nothing is done.
        Exception: What AWS answers; the state machine tries again.
    """
    broker = _broker(clients or _made_tools(), _seconds_left(context))
    op, approval = str(event.get("op")), str(event.get("approval") or "")
    try:
        answer = _done(broker, op, event)
    except (ApplyRefused, DecisionError, PlanError) as error:
        _say("refused", op=op, approval=approval or str(_object(event.get("input")).get("approval")), why=str(error))
        if op == "read" or not approval or not isinstance(error, ApplyRefused):
            raise
        return {"refused": True, "because": Veil().text(error, 900)}
    _say("done", op=op, approval=approval, running=str(answer.get("running", "")))
    return answer


def _done(broker: Broker, op: str, event: Mapping[str, Any]) -> dict[str, Any]:
    if op == "read":
        return broker.read(_object(event.get("input")))
    approval = str(event.get("approval") or "")
    if op == "apply":
        return broker.apply(approval, *(str(event.get(name)) for name in ("approvalDigest", "planDigest")))
    if op == "poll":
        return broker.poll(approval, str(event.get("execution")))
    if op == "verify":
        return broker.verify(approval, str(event.get("execution")))
    raise ApplyRefused(f"operation {op[:40]!r} is none of the broker's, allowed: read, apply, poll, verify")


def _broker(tools: Tools, seconds: float) -> Broker:
    place = tools.place
    partition, prefix = place.environ["PARTITION"], place.environ["PREFIX"]
    return Broker(
        store=place.evidence,
        verifier=place.verifier,
        keys=place.keys,
        grounds=Grounds(
            settings=place.settings,
            sessions=Sessions(tools.sts, tools.make, partition=partition, prefix=prefix, allows=place.allows),
            objects=place.clients.s3,
            bucket=place.bucket,
            partition=partition,
        ),
        budget=max(0, min(BUDGET, seconds - _SPARE_SECONDS)),
    )


def _seconds_left(context: object) -> float:
    left = getattr(context, "get_remaining_time_in_millis", None)
    return float(left()) / 1000 if callable(left) else BUDGET + _SPARE_SECONDS


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


_tools: list[Tools] = []


def _made_tools() -> Tools:
    """Return the process's own tools, made once; clients of sessions are made for each session."""
    if not _tools:
        import boto3  # noqa: PLC0415 - Lambda has it, the package need not
        from botocore.config import Config  # noqa: PLC0415 - as above

        waits = {"connect_timeout": _CONNECT_SECONDS, "read_timeout": _READ_SECONDS}

        def make(service: str, region: str, credentials: Mapping[str, str], *, once: bool) -> Any:  # noqa: ANN401
            retries = {"total_max_attempts": 1} if once else {"mode": "standard", "total_max_attempts": 5}
            return boto3.client(
                service,
                region_name=region,
                aws_access_key_id=credentials["AccessKeyId"],
                aws_secret_access_key=credentials["SecretAccessKey"],
                aws_session_token=credentials["SessionToken"],
                config=Config(**waits, retries=retries),
            )

        # The Region's own endpoint: credentials of the global one do not count in every Region.
        sts = boto3.client("sts", region_name=os.environ["AWS_REGION"], config=Config(**waits))
        _tools.append(Tools(workplace(None), sts, make))
    return _tools[0]


def _say(outcome: str, **fields: str) -> None:
    """Write one line of the log: nothing of a plan, and no credentials."""
    _log.info(json.dumps({"applyBroker": outcome, **{name: Veil().text(value) for name, value in fields.items()}}))
