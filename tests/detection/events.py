"""Events for tests of detections."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.detection.matching.condition import All, Comparison, Op
from sudo_mcp_guardrails.detection.rule import Level, Rule
from sudo_mcp_guardrails.trail.attribution import Attributed, Attribution, By
from sudo_mcp_guardrails.trail.reading import read_pieces

if TYPE_CHECKING:
    from sudo_mcp_guardrails.detection.matching.condition import Condition

NOBODY = Attribution(By.NOBODY)


def document(**fields: Any) -> dict[str, Any]:
    """Return an event as CloudTrail has it."""
    return {
        "eventVersion": "1.11",
        "eventID": "00000000-0000-4000-8000-000000000001",
        "eventTime": "2026-11-23T10:00:00Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "PutBucketPolicy",
        "eventType": "AwsApiCall",
        "awsRegion": "eu-west-1",
        "recipientAccountId": "111122223333",
        "userIdentity": {"type": "AssumedRole", "arn": "arn:aws:sts::111122223333:assumed-role/r/s"},
        **fields,
    }


def attributed(attribution: Attribution = NOBODY, **fields: Any) -> Attributed:
    """Return an event as the trail's reader hands it on."""
    data = json.dumps({"Records": [document(**fields)]}).encode()
    (content,) = read_pieces("x.json", data)
    return Attributed(content.events[0], attribution)


def rule(name: str, *conditions: Condition, level: Level = Level.HIGH, **more: Any) -> Rule:
    """Return a rule that fires where all conditions are met."""
    return Rule(f"id-{name}", name, f"title of {name}", level, All(conditions), **more)


def called(name: str, op: Op = Op.EQUALS) -> Comparison:
    """Return the condition that a call has a name."""
    return Comparison("eventName", op, (name,))
