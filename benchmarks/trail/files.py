"""Directories of trail files for the benchmarks, made fast: a few thousand made-up events with fresh ids and times.

A process that makes every event anew would take longer than what is measured. So sessions of a hundred events each are
made once and repeated; ids, times, request ids and access keys never repeat. As in a real trail an agent's session
begins with the ``AssumeRole`` that tags it, and half of the agents work through an MCP server, where each tool call
lists the three calls that it made.
"""

from __future__ import annotations

import base64
import gzip
import json
import random
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from benchmarks.trail.events import FILE_EVENTS, START, document, identity

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SESSIONS: Final = 50
SESSION_EVENTS: Final = 100
AGENT_SESSIONS: Final = 5
"""Of the sessions; the others are people's and services', of which an organization's trail is full."""
MADE: Final = 3
"""Calls that a tool call lists, which follow it."""
PER_DAY: Final = 250_000
_MARK: Final = re.compile(r"(@TIME@|@KEY@|@EVENT@|@MORE@|@TOKEN@|@REQUEST[0-3]@)")
_ID: Final = 32
_MORE: Final = 76
"""Characters of S3's ``x-amz-id-2``, which no compression makes shorter than three quarters."""
_TOKEN: Final = 40
"""Characters of a token; of ``@MORE@``, since no event has both."""
_WITH_RESOURCES: Final = frozenset(f"{name}.amazonaws.com" for name in ("s3", "sts", "kms", "dynamodb"))
_CYCLE: Final = SESSIONS * SESSION_EVENTS
MCP: Final = "aws-mcp.amazonaws.com"


def made_files(events: int, *, seed: int = 1) -> Iterator[tuple[str, bytes]]:
    """Yield trail files, name and gzip bytes, with so many events together, named as CloudTrail names them.

    Args:
        events: how many in all.
        seed: the same seed gives the same files.
    """
    rng = random.Random(seed)  # noqa: S311 - the same events on every run
    shapes = [_MARK.split(json.dumps(each, separators=(",", ":"))) for each in _shapes(rng)]
    step = timedelta(days=1) / PER_DAY
    requests = rng.randbytes(_ID // 2 * (events + MADE)).hex()
    for begin in range(0, events, FILE_EVENTS):
        count = min(FILE_EVENTS, events - begin)
        ids = rng.randbytes(_ID // 2 * count).hex()
        more = base64.b64encode(rng.randbytes(_MORE // 4 * 3 * count)).decode()
        first = START + begin * step
        parts: list[str] = []
        for number in range(count):
            whole = begin + number
            known = {
                "@TIME@": f"{first + number * step:%Y-%m-%dT%H:%M:%SZ}",
                "@KEY@": f"ASIA{whole // SESSION_EVENTS:016X}",
                "@EVENT@": _uuid(ids, number),
                "@MORE@": more[_MORE * number : _MORE * (number + 1)],
                "@TOKEN@": more[_MORE * number : _MORE * number + _TOKEN],
            }
            for text in shapes[whole % _CYCLE]:
                if text.startswith("@REQUEST"):
                    parts.append(_uuid(requests, whole + int(text[8])))
                else:
                    parts.append(known.get(text, text))
            parts.append(",")
        parts[-1] = "]}"
        body = ('{"Records":[' + "".join(parts)).encode()
        name = f"111111111111_CloudTrail_us-east-1_{first:%Y%m%dT%H%MZ}_{begin // FILE_EVENTS:016d}.json.gz"
        yield f"AWSLogs/111111111111/CloudTrail/us-east-1/{first:%Y/%m/%d}/{name}", _packed(body)


def write_files(folder: Path, events: int, *, seed: int = 1) -> int:
    """Write them into a folder; return their bytes."""
    size = 0
    for name, data in made_files(events, seed=seed):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        size += len(data)
    return size


def _uuid(digits: str, number: int) -> str:
    part = digits[_ID * number : _ID * (number + 1)]
    return f"{part[:8]}-{part[8:12]}-{part[12:16]}-{part[16:20]}-{part[20:]}"


def _shapes(rng: random.Random) -> Iterator[dict[str, Any]]:
    """Yield the events of the sessions, one session after the other, with marks where something is filled in."""
    for number in range(SESSIONS):
        who = _session(rng, of_agent=number < AGENT_SESSIONS)
        agent = who["sessionContext"]["sessionIssuer"]["arn"].split("/")[-2] if number < AGENT_SESSIONS else None
        for place in range(SESSION_EVENTS):
            made = document(rng, START, who)
            _as_service(made)
            made.update(eventTime="@TIME@", requestID="@REQUEST0@", eventID="@EVENT@")
            through_mcp = agent is not None and number % 2 == 0
            if agent is not None and place == 0:
                _grant(made, who, agent)
            elif through_mcp and place % (MADE + 1) == 0:
                _tool_call(made)
            elif through_mcp and place > MADE:
                made["userIdentity"] = {**who, "invokedBy": MCP}
                made.update(sourceIPAddress=MCP, userAgent=MCP)
            yield made


def _as_service(made: dict[str, Any]) -> None:
    """Fill in what the events of one service have and those of others have not."""
    if made["eventSource"] == "s3.amazonaws.com":
        made["additionalEventData"] = {**made["additionalEventData"], "x-amz-id-2": "@MORE@"}
    else:
        made["requestParameters"] = {**made["requestParameters"], "clientToken": "@TOKEN@"}
    if made["eventSource"] not in _WITH_RESOURCES:
        del made["resources"]


def _session(rng: random.Random, *, of_agent: bool) -> dict[str, Any]:
    """Return a session of an agent, or of somebody else."""
    while True:
        who = identity(rng)
        if ("sourceIdentity" in who["sessionContext"]) == of_agent:
            who.pop("invokedBy", None)
            return {**who, "accessKeyId": "@KEY@"}


def _grant(made: dict[str, Any], who: dict[str, Any], agent: str) -> None:
    """Make an event the broker's AssumeRole that a session begins with."""
    run = who["sessionContext"]["sourceIdentity"]
    tags = {"agent": agent, "run": run, "ticket": "OPS-1", "capability": "read", "plan-digest": "none"}
    broker = "arn:aws:sts::111111111111:assumed-role/mcp-guardrails-session-broker/broker"
    made.update(
        eventSource="sts.amazonaws.com",
        eventName="AssumeRole",
        userIdentity={"type": "AssumedRole", "arn": broker, "accessKeyId": "ASIABROKER"},
        requestParameters={
            "roleArn": who["sessionContext"]["sessionIssuer"]["arn"],
            "roleSessionName": run,
            "sourceIdentity": run,
            "tags": [{"key": key, "value": value} for key, value in tags.items()],
        },
        responseElements={"credentials": {"accessKeyId": "@KEY@"}, "assumedRoleUser": {"arn": who["arn"]}},
    )


def _tool_call(made: dict[str, Any]) -> None:
    """Make an event a tool call, which lists the calls that follow."""
    listed = [
        {"apiName": "s3:GetObject", "requestId": f"@REQUEST{after}@", "awsRegion": made["awsRegion"]}
        for after in range(1, MADE + 1)
    ]
    made.update(
        eventSource=MCP,
        eventName="CallReadWriteTool",
        eventType="AwsMcpEvent",
        requestParameters={"method": "tools/call", "params": {"name": "aws___call_aws"}, "id": 7},
        additionalEventData={"downstreamRequests": listed},
    )


def _packed(body: bytes) -> bytes:
    """Compress as fast as can be, with the extra's library if it is there; CloudTrail's own files are smaller."""
    try:
        from isal import igzip  # noqa: PLC0415 - an extra

        packed: bytes = igzip.compress(body, compresslevel=0)
    except ImportError:
        return gzip.compress(body, compresslevel=1)
    return packed
