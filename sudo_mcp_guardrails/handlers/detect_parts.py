"""What the function that looks at events works with, made from its environment and asset once for each container."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from sudo_mcp_guardrails.detection import compiled
from sudo_mcp_guardrails.detection.correlating_store import StoredGroups
from sudo_mcp_guardrails.detection.detector import Detector
from sudo_mcp_guardrails.detection.facts import Facts
from sudo_mcp_guardrails.detection.matching.condition import All, Comparison, Op
from sudo_mcp_guardrails.detection.profile import AgentProfile
from sudo_mcp_guardrails.detection.rule import Level, Rule
from sudo_mcp_guardrails.detection.telling import CANARY_AGENT, CANARY_RULE, SETTINGS
from sudo_mcp_guardrails.detection.watchlists import Watchlists
from sudo_mcp_guardrails.handlers.detect_tell import Hub, Teller
from sudo_mcp_guardrails.handlers.trail_parts import MAX_OBJECT_BYTES, named_brokers
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.trail.attributing import Attributor
from sudo_mcp_guardrails.trail.attributing.dynamodb_store import DynamoKnowledge


@dataclass(frozen=True)
class DetectParts:
    """What the function works with.

    Attributes:
        monitoring: value of the metrics' dimension.
        s3: boto3's client.
        sqs: boto3's client.
        dead_letters: URL of the dead letter queue.
        attributor: tells whose work an event is.
        groups: of correlations, counted with other functions.
        detector: looks.
        teller: tells.
        max_object_bytes: most bytes of one object, as stored.
    """

    monitoring: str
    s3: Any
    sqs: Any
    dead_letters: str
    attributor: Attributor
    groups: StoredGroups
    detector: Detector
    teller: Teller
    max_object_bytes: int = MAX_OBJECT_BYTES


def canary_rule(role: str) -> Rule:
    """Return the rule that knows the canary's call: by its role, which alone carries it, and its user agent."""
    return Rule(
        id="8a4be4a4-9a1c-4d3e-9f2c-6a2b3e0a51f7",
        name=CANARY_RULE,
        title="The canary came through",
        level=Level.LOW,  # informational ones make no alert; who is told of it makes it informational
        condition=All(
            (
                Comparison("userIdentity.sessionContext.sessionIssuer.arn", Op.EQUALS_CASED, (role,)),
                Comparison("userAgent", Op.LIKE_CASED, (f"*{CANARY_AGENT}*",)),
            )
        ),
        sentence="the canary's {eventName} of {eventTime} came through",
    )


def made_book(settings: dict[str, Any], canary_role: str) -> compiled.RuleBook:
    """Return all rules: those of the library, the user's, and the canary's where there is one."""
    book = compiled.shipped()
    if settings.get("rules"):
        book += compiled.loads(settings["rules"])
    return book + compiled.RuleBook((canary_rule(canary_role),)) if canary_role else book


@lru_cache(maxsize=1)
def made_parts() -> DetectParts:
    """Return the parts, as environment and asset say; they are kept for the container's next invocation."""
    import boto3  # noqa: PLC0415 - so that the module loads without it
    from botocore.config import Config  # noqa: PLC0415 - as above

    from sudo_mcp_guardrails.handlers.detect_state import DetectionState, StoredFirstSeen  # noqa: PLC0415 - as above

    config = Config(retries={"mode": "standard", "max_attempts": 4}, connect_timeout=5, read_timeout=20)
    session = boto3.session.Session()
    client = {name: session.client(name, config=config) for name in ("s3", "sqs", "dynamodb", "events")}
    file = Path(__file__).parents[2] / SETTINGS
    settings = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    table = os.environ["STATE_TABLE"]
    state = DetectionState(client["dynamodb"], table, lease=int(os.environ["LEASE_SECONDS"]))
    profiles = [AgentProfile.from_data(one) for one in settings.get("profiles", [])]
    facts = Facts(
        {one.name: one for one in profiles},
        watch=Watchlists(settings.get("watch")),
        first=StoredFirstSeen(state),
    )
    groups = StoredGroups(state)
    region = os.environ["AWS_REGION"]
    hub = None
    if os.environ.get("SECURITY_HUB_ACCOUNT"):
        account, partition = os.environ["SECURITY_HUB_ACCOUNT"], session.get_partition_for_region(region)
        hub = Hub(session.client("securityhub", config=config), account, region, partition)
    return DetectParts(
        os.environ["MONITORING"],
        client["s3"],
        client["sqs"],
        os.environ["DEAD_LETTERS"],
        Attributor(
            GuardrailNames(os.environ["NAMES_PREFIX"]),
            knowledge=DynamoKnowledge(client["dynamodb"], table),
            brokers=named_brokers(),
        ),
        groups,
        Detector(made_book(settings, os.environ.get("CANARY_ROLE", "")), facts=facts, shared=groups),
        Teller(state, client["events"], os.environ["BUS"], hub),
    )
