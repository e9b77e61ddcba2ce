"""What is counted: each pattern is run on an event that it must count, and on one that differs in what matters.

The pattern language is read by a small reader of its own here, written after "Filter pattern syntax" of the CloudWatch
Logs user guide: what it does not know it refuses, so that a pattern cannot pass by being misread.
"""

from __future__ import annotations

import fnmatch
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sudo_mcp_guardrails.policies.log_archive import LogArchiveError
from sudo_mcp_guardrails.policies.log_signals import LogSignal, log_signals
from sudo_mcp_guardrails.policies.naming import GuardrailNames

ARCHIVE = "111111111111"
SIGNALS = {signal.id: signal for signal in log_signals(GuardrailNames(), ARCHIVE)}
TOKEN = re.compile(r'\s*(\(|\)|&&|\|\||!=|=|NOT EXISTS|IS FALSE|IS TRUE|"[^"]*"|\$\.[A-Za-z0-9_.]+)')
SAMPLES = Path(__file__).parents[3] / "shared" / "data" / "cloudtrail" / "mcp_synthetic.jsonl"

AGENT_ROLE = "arn:aws:iam::222222222222:role/mcp-guardrails/agents/bot/mcp-guardrails-bot-read"
AGENT = {"type": "AssumedRole", "sessionContext": {"sessionIssuer": {"arn": AGENT_ROLE}}}
PERSON = {
    "type": "AssumedRole",
    "sessionContext": {"sessionIssuer": {"arn": "arn:aws:iam::222222222222:role/admin"}},
}


def matches(pattern: str, event: dict[str, Any]) -> bool:
    """Whether a pattern counts an event; raises ValueError for what is no pattern of the known kinds."""
    text, tokens, at = pattern.removeprefix("{ ").removesuffix(" }"), [], 0
    while at < len(text):
        found = TOKEN.match(text, at)
        if found is None:
            raise ValueError(text[at:])
        tokens.append(found[1])
        at = found.end()
    value, rest = either(tokens, event)
    if rest:
        raise ValueError(rest)
    return value


def either(tokens: list[str], event: dict[str, Any]) -> tuple[bool, list[str]]:
    value, rest = both(tokens, event)
    while rest and rest[0] == "||":
        other, rest = both(rest[1:], event)
        value = value or other
    return value, rest


def both(tokens: list[str], event: dict[str, Any]) -> tuple[bool, list[str]]:
    value, rest = one(tokens, event)
    while rest and rest[0] == "&&":
        other, rest = one(rest[1:], event)
        value = value and other
    return value, rest


def one(tokens: list[str], event: dict[str, Any]) -> tuple[bool, list[str]]:
    if tokens[0] == "(":
        value, rest = either(tokens[1:], event)
        if rest[0] != ")":
            raise ValueError(rest)
        return value, rest[1:]
    field, operator = tokens[0], tokens[1]
    if not field.startswith("$."):
        raise ValueError(field)
    found: Any = event
    for key in field[2:].split("."):
        found = found.get(key) if isinstance(found, dict) else None
    if operator == "NOT EXISTS":
        return found is None, tokens[2:]
    if operator in {"IS FALSE", "IS TRUE"}:
        return found is (operator == "IS TRUE"), tokens[2:]
    wanted = tokens[2].strip('"')
    equal = isinstance(found, str) and fnmatch.fnmatchcase(found, wanted)
    return (equal if operator == "=" else not equal), tokens[3:]


COUNTED: dict[str, list[dict[str, Any]]] = {
    "agent-denied": [
        {"userIdentity": AGENT, "errorCode": "AccessDenied"},
        {"userIdentity": AGENT, "errorCode": "AccessDeniedException"},
        {"userIdentity": AGENT, "errorCode": "Client.UnauthorizedOperation"},
    ],
    "agent-session-without-run": [
        {"eventName": "AssumeRole", "userIdentity": PERSON, "requestParameters": {"roleArn": AGENT_ROLE}}
    ],
    "mcp-tool-call": [
        {"eventType": "AwsMcpEvent", "eventSource": source}
        for source in (
            "aws-mcp.amazonaws.com",
            "aws-api-mcp.amazonaws.com",
            "sagemaker-unified-studio-mcp.amazonaws.com",
        )
    ],
    "mcp-api-call": [{"userIdentity": {"invokedBy": "aws-mcp.amazonaws.com"}}],
    "trail-tamper": [
        {"eventSource": "cloudtrail.amazonaws.com", "eventName": name} for name in ("StopLogging", "PutEventSelectors")
    ],
    "archive-tamper": [
        {"recipientAccountId": ARCHIVE, "eventName": name} for name in ("PutBucketPolicy", "ScheduleKeyDeletion")
    ],
    "guardrail-change": [
        {
            "eventSource": "iam.amazonaws.com",
            "readOnly": False,
            "requestParameters": {"roleName": "mcp-guardrails-bot-apply"},
        },
        {
            "eventSource": "iam.amazonaws.com",
            "readOnly": False,
            "requestParameters": {"policyArn": "arn:aws-cn:iam::222222222222:policy/mcp-guardrails/boundary/x"},
        },
    ],
    "organization-tamper": [{"eventSource": "organizations.amazonaws.com", "eventName": "DetachPolicy"}],
    "root-use": [{"userIdentity": {"type": "Root"}, "eventType": "AwsApiCall"}],
    "console-without-mfa": [
        {
            "eventName": "ConsoleLogin",
            "userIdentity": {"type": "IAMUser"},
            "responseElements": {"ConsoleLogin": "Success"},
            "additionalEventData": {"MFAUsed": "No"},
        }
    ],
    "intake-refused": [{"refused": "too old", "message": "x"}],
}
PASSED_OVER: dict[str, list[dict[str, Any]]] = {
    "agent-denied": [
        {"userIdentity": PERSON, "errorCode": "AccessDenied"},
        {"userIdentity": AGENT},
        {"userIdentity": AGENT, "errorCode": "NoSuchBucket"},
    ],
    "agent-session-without-run": [
        {
            "eventName": "AssumeRole",
            "userIdentity": PERSON,
            "requestParameters": {"roleArn": AGENT_ROLE, "sourceIdentity": "run-01"},
        },
        {
            "eventName": "AssumeRole",
            "userIdentity": {"type": "AWSService", "invokedBy": "cloudformation.amazonaws.com"},
            "requestParameters": {"roleArn": AGENT_ROLE},
        },
        {"eventName": "AssumeRole", "userIdentity": PERSON, "requestParameters": {"roleArn": "arn:aws:iam::1:role/x"}},
    ],
    "mcp-tool-call": [{"eventType": "AwsApiCall", "userIdentity": {"invokedBy": "aws-mcp.amazonaws.com"}}],
    "mcp-api-call": [{"userIdentity": {"invokedBy": "cloudformation.amazonaws.com"}}, {"userIdentity": PERSON}],
    "trail-tamper": [
        {"eventSource": "cloudtrail.amazonaws.com", "eventName": "GetTrailStatus"},
        {"eventSource": "iam.amazonaws.com", "eventName": "StopLogging"},
    ],
    "archive-tamper": [{"recipientAccountId": "222222222222", "eventName": "PutBucketPolicy"}],
    "guardrail-change": [
        {"eventSource": "iam.amazonaws.com", "readOnly": True, "requestParameters": {"roleName": "mcp-guardrails-x"}},
        {"eventSource": "iam.amazonaws.com", "readOnly": False, "requestParameters": {"roleName": "admin"}},
    ],
    "organization-tamper": [{"eventSource": "iam.amazonaws.com", "eventName": "DeletePolicy"}],
    "root-use": [
        {"userIdentity": {"type": "Root", "invokedBy": "x.amazonaws.com"}, "eventType": "AwsApiCall"},
        {"userIdentity": {"type": "Root"}, "eventType": "AwsServiceEvent"},
        {"userIdentity": PERSON, "eventType": "AwsApiCall"},
    ],
    "console-without-mfa": [
        {**COUNTED["console-without-mfa"][0], "additionalEventData": {"MFAUsed": "Yes"}},
        {**COUNTED["console-without-mfa"][0], "responseElements": {"ConsoleLogin": "Failure"}},
        {**COUNTED["console-without-mfa"][0], "userIdentity": {"type": "AssumedRole"}},
    ],
    "intake-refused": [{"message": "too old"}],
}


def test_every_signal_has_events_of_both_kinds() -> None:
    assert set(COUNTED) == set(PASSED_OVER) == set(SIGNALS)


@pytest.mark.parametrize("name", SIGNALS)
def test_counts_what_it_should(name: str) -> None:
    for event in COUNTED[name]:
        assert matches(SIGNALS[name].pattern, event), event


@pytest.mark.parametrize("name", SIGNALS)
def test_passes_over_the_rest(name: str) -> None:
    for event in PASSED_OVER[name]:
        assert not matches(SIGNALS[name].pattern, event), event


def test_the_reader_of_patterns_refuses_what_it_does_not_know() -> None:
    for pattern in ("{ ($.a ~ 1) }", '{ ($.a = "x" }', '{ a = "x" }'):
        with pytest.raises((ValueError, IndexError)):
            matches(pattern, {})


def test_mcp_events_of_the_samples_are_counted() -> None:
    if not SAMPLES.exists():
        pytest.skip(f"no {SAMPLES.name} beside the project")
    lines = [json.loads(line) for line in SAMPLES.read_text(encoding="utf-8").splitlines()]
    events = [line.get("event", line) for line in lines]
    tools = [e for e in events if matches(SIGNALS["mcp-tool-call"].pattern, e)]
    calls = [e for e in events if matches(SIGNALS["mcp-api-call"].pattern, e)]
    assert tools
    assert calls
    assert not [e for e in tools if e in calls]
    assert {e["eventType"] for e in tools} == {"AwsMcpEvent"}


def test_another_prefix_is_another_agent() -> None:
    other = {signal.id: signal for signal in log_signals(GuardrailNames("robots"))}
    assert not matches(other["agent-denied"].pattern, COUNTED["agent-denied"][0])
    assert "robots" in other["agent-denied"].pattern


def test_the_archive_is_watched_only_where_its_account_is_known() -> None:
    assert "archive-tamper" not in {signal.id for signal in log_signals(GuardrailNames())}
    with pytest.raises(LogArchiveError, match="archive account 'logs' is not allowed, expected 12 digits"):
        log_signals(GuardrailNames(), "logs")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "Root use"}, "signal 'Root use' is not allowed"),
        ({"pattern": "$.a = 1"}, "expected { ... }"),
        ({"pattern": "{ " + "x" * 1030 + " }"}, "has 1034 characters, allowed are 1024"),
        ({"threshold": 0}, "with 0 events in 5 minutes"),
        ({"minutes": 0}, "in 0 minutes"),
    ],
    ids=str,
)
def test_bad_input(change: dict[str, Any], message: str) -> None:
    good = LogSignal("root-use", '{ ($.a = "x") }', "why", threshold=1)
    with pytest.raises(LogArchiveError, match=re.escape(message)):
        replace(good, **change)
