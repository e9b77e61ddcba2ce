"""CloudTrail events made up in the shapes that real trails have: fresh ids, several days, accounts and services.

Sizes follow what was measured on public trails: median 1.0-1.6 kB, now and then a few kilobytes, one in a thousand
tens of kilobytes. The same seed gives the same events.
"""

from __future__ import annotations

import json
import random
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.trail.attribution import Attributed, Attribution, By
from sudo_mcp_guardrails.trail.event import Event
from sudo_mcp_guardrails.trail.sinks.sink import Batch, SourceRecord

if TYPE_CHECKING:
    from collections.abc import Iterator

_MODELS: Final = 6_000
START: Final = datetime(2026, 11, 1, tzinfo=timezone.utc)
ACCOUNTS: Final = ("111111111111", "222222222222", "333333333333")
REGIONS: Final = ("eu-central-1", "us-east-1", "eu-west-1")
CALLS: Final = (
    ("s3.amazonaws.com", "GetObject", True),
    ("s3.amazonaws.com", "PutObject", False),
    ("sts.amazonaws.com", "AssumeRole", True),
    ("ec2.amazonaws.com", "DescribeInstances", True),
    ("kms.amazonaws.com", "GenerateDataKey", True),
    ("lambda.amazonaws.com", "UpdateFunctionCode20150331v2", False),
    ("dynamodb.amazonaws.com", "PutItem", False),
    ("iam.amazonaws.com", "CreateRole", False),
    ("cloudformation.amazonaws.com", "ExecuteChangeSet", False),
)
AGENTS: Final = ("release-bot", "cost-bot", "incident-bot")
SESSIONS: Final = 60
"""Sessions at work at the same time."""
SESSION_EVENTS: Final = 50
"""Events of a session, on average."""
FILE_EVENTS: Final = 2_000
"""Events a file; real files hold 8 of a quiet account and thousands of a busy one."""


def identifier(rng: random.Random) -> str:
    """Return a fresh UUID, as CloudTrail's ``eventID``."""
    text = f"{rng.getrandbits(128):032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def identity(rng: random.Random) -> dict[str, Any]:
    """Return a session: four of ten are of an agent's role, every other of these through the AWS MCP Server."""
    account = rng.choice(ACCOUNTS)
    agent = rng.choice(AGENTS) if rng.random() < 0.4 else None  # noqa: PLR2004 - four of ten
    role = f"mcp-guardrails-{agent}-read" if agent else f"Team{rng.randrange(20)}"
    path = f"mcp-guardrails/agents/{agent}/" if agent else ""
    name = f"run-01K{rng.getrandbits(92):023X}" if agent else f"person{rng.randrange(50)}"
    unique = f"AROA{rng.getrandbits(64):016X}"
    context: dict[str, Any] = {
        "sessionIssuer": {
            "type": "Role",
            "principalId": unique,
            "arn": f"arn:aws:iam::{account}:role/{path}{role}",
            "accountId": account,
            "userName": role,
        },
        "attributes": {"creationDate": "2026-11-01T00:00:00Z", "mfaAuthenticated": "false"},
    }
    found: dict[str, Any] = {
        "type": "AssumedRole",
        "principalId": f"{unique}:{name}",
        "arn": f"arn:aws:sts::{account}:assumed-role/{role}/{name}",
        "accountId": account,
        "accessKeyId": f"ASIA{rng.getrandbits(64):016X}",
        "sessionContext": context,
    }
    if agent:
        context["sourceIdentity"] = name
        if rng.random() < 0.5:  # noqa: PLR2004 - every other
            found["invokedBy"] = "aws-mcp.amazonaws.com"
    return found


def document(rng: random.Random, time: datetime, identity_of: dict[str, Any]) -> dict[str, Any]:
    """Return one event of a session as CloudTrail would write it."""
    account, region = identity_of["accountId"], rng.choice(REGIONS)
    source, name, read_only = rng.choice(CALLS)
    by_mcp = "invokedBy" in identity_of
    parameters: dict[str, Any] = {"bucketName": f"data-{rng.randrange(40)}", "key": f"in/{rng.getrandbits(60):x}"}
    draw = rng.random()
    if draw < 0.001:  # noqa: PLR2004 - one in a thousand
        parameters["policyDocument"] = json.dumps({"Statement": [{"Sid": f"S{n}"} for n in range(600)]})
    elif draw < 0.05:  # noqa: PLR2004 - one in twenty
        parameters["filterSet"] = {
            "items": [{"name": f"tag:t{n}", "value": f"{rng.getrandbits(32):x}"} for n in range(20)]
        }
    event: dict[str, Any] = {
        "eventVersion": "1.11",
        "userIdentity": identity_of,
        "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": source,
        "eventName": name,
        "awsRegion": region,
        "sourceIPAddress": "aws-mcp.amazonaws.com" if by_mcp else f"10.{rng.randrange(256)}.{rng.randrange(256)}.7",
        "userAgent": "aws-mcp.amazonaws.com" if by_mcp else "aws-cli/2.31.0 md/awscrt#0.27.6 ua/2.1 os/linux#6.8",
        "requestParameters": parameters,
        "responseElements": None,
        "additionalEventData": {"SignatureVersion": "SigV4", "CipherSuite": "TLS_AES_128_GCM_SHA256", "bytesOut": 4096},
        "requestID": identifier(rng),
        "eventID": identifier(rng),
        "readOnly": read_only,
        "resources": [
            {"ARN": f"arn:aws:s3:::data-{rng.randrange(40)}", "accountId": account, "type": "AWS::S3::Bucket"}
        ],
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": account,
        "eventCategory": "Management",
        "tlsDetails": {"tlsVersion": "TLSv1.3", "cipherSuite": "TLS_AES_128_GCM_SHA256"},
    }
    if rng.random() < 0.05:  # noqa: PLR2004 - one in twenty
        event["errorCode"], event["errorMessage"] = "AccessDenied", f"{identity_of['arn']} is not authorized"
    return event


def documents(count: int, *, seed: int = 1, per_day: int = 100_000) -> Iterator[dict[str, Any]]:
    """Yield events in the order of their times, ``per_day`` of them each day."""
    rng = random.Random(seed)  # noqa: S311 - the same events on every run
    step = timedelta(days=1) / per_day
    sessions = [identity(rng) for _ in range(SESSIONS)]
    for index in range(count):
        place = rng.randrange(SESSIONS)
        if rng.random() < 1 / SESSION_EVENTS:
            sessions[place] = identity(rng)
        yield document(rng, START + index * step, sessions[place])


def attributed(found: dict[str, Any]) -> Attributed:
    """Return an event with the attribution that the pipeline would give it, for what measures a sink alone."""
    who = found["userIdentity"]
    issuer = who["sessionContext"]["sessionIssuer"]
    event = Event(
        event_id=found["eventID"],
        event_time=found["eventTime"],
        source=found["eventSource"],
        name=found["eventName"],
        type=found["eventType"],
        category=found["eventCategory"],
        region=found["awsRegion"],
        account=found["recipientAccountId"],
        identity_type=who["type"],
        principal_id=who["principalId"],
        principal_arn=who["arn"],
        access_key=who["accessKeyId"],
        user_name=issuer["userName"],
        invoked_by=who.get("invokedBy"),
        role_arn=issuer["arn"],
        source_identity=who["sessionContext"].get("sourceIdentity"),
        sign_in_session=None,
        source_ip=found["sourceIPAddress"],
        user_agent=found["userAgent"],
        request_id=found["requestID"],
        error=found.get("errorCode"),
        read_only=found["readOnly"],
        raw=json.dumps(found, separators=(",", ":")).encode(),
    )
    run = event.source_identity
    if run is None:
        return Attributed(event, Attribution(By.NOBODY, reason="no sign of an agent"))
    agent = issuer["arn"].split("/")[-2]
    reason = "session tags were not seen"
    return Attributed(
        event,
        Attribution(
            By.SOURCE_IDENTITY, session=event.access_key, agent=agent, run=run, capability="read", reason=reason
        ),
    )


def batches(count: int, *, size: int = 8_000, seed: int = 1, per_day: int = 100_000) -> Iterator[Batch]:
    """Yield batches of files as the ingest loop would hand them to a sink."""
    stream = map(attributed, documents(count, seed=seed, per_day=per_day))
    number = 0
    while events := list(islice(stream, size)):
        origins = [index // FILE_EVENTS for index in range(len(events))]
        sources = []
        for part in range(origins[-1] + 1):
            held = events[part * FILE_EVENTS : (part + 1) * FILE_EVENTS]
            times = [each.event.event_time for each in held]
            size_of = sum(len(each.event.raw) for each in held)
            name = f"seed{seed}/{number:06d}.json.gz"
            sources.append(
                SourceRecord(name, size_of, f"{seed:032x}{number:032x}", len(held), 0, 0, 0, times[0], times[-1])
            )
            number += 1
        yield Batch(events, origins, sources)


def copies(count: int, *, size: int = 16_384, seed: int = 1, per_day: int = 300_000) -> Iterator[Batch]:
    """Yield batches as :func:`batches`, faster: the same few thousand events with ids and times of their own.

    What is repeated makes gzip and DuckDB no better off: both see only some thousand events at once.
    """
    models = [one for batch in batches(_MODELS, size=_MODELS, seed=seed) for one in batch.events]
    rng = random.Random(seed)  # noqa: S311 - the same events on every run
    step = timedelta(days=1) / per_day
    for begin in range(0, count, size):
        events = []
        for index in range(begin, min(begin + size, count)):
            model = models[index % _MODELS]
            time = (START + index * step).strftime("%Y-%m-%dT%H:%M:%SZ")
            event = model.event._replace(event_id=identifier(rng), request_id=identifier(rng), event_time=time)
            raw = (
                model.event.raw.replace(model.event.event_id.encode(), event.event_id.encode())
                .replace(str(model.event.request_id).encode(), str(event.request_id).encode())
                .replace(str(model.event.event_time).encode(), time.encode())
            )
            events.append(Attributed(event._replace(raw=raw), model.attribution))
        name = f"copies{seed}/{begin:09d}.json.gz"
        times = (events[0].event.event_time, events[-1].event.event_time)
        record = SourceRecord(name, len(events), f"{begin:064x}", len(events), 0, 0, 0, *times)
        yield Batch(events, [0] * len(events), [record])
