"""Rules state behaviour: none names what is peculiar to the sample, and each finds the sample under other names."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.detection import compiled
from sudo_mcp_guardrails.detection.matching.condition import Comparison, Not, Op
from tests.detection.test_stratus import DATA, RULES, by_label, fired, needs_data

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.detection.matching.condition import Condition

ACCOUNT = re.compile(r"(?<!\d)\d{12}(?!\d)")
KEY = re.compile(r"\bA(?:KIA|SIA|IDA|ROA|NPA|GPA)[A-Z0-9]{8,}\b")
ADDRESS = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])")
RESOURCE = re.compile(r"\b(?:ami|i|sg|snap|subnet|vpc|fl|rqlc|vol|eni|tgw|tgw-attach)-[0-9A-Za-z]{6,}\b")
UUID = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", re.IGNORECASE)
PATTERNS = (ACCOUNT, KEY, ADDRESS, RESOURCE, UUID)
NAMES = frozenset(
    {
        "accessKeyId",
        "accountId",
        "arn",
        "bucketName",
        "dBClusterSnapshotIdentifier",
        "dBSnapshotIdentifier",
        "domainName",
        "functionName",
        "instanceOSUser",
        "keyId",
        "modelId",
        "name",
        "principalId",
        "queueUrl",
        "repositoryName",
        "roleName",
        "roleSessionName",
        "sSHPublicKey",
        "secretId",
        "sessionId",
        "sourceIPAddress",
        "target",
        "topicArn",
        "trailName",
        "userAgent",
        "userName",
        "vaultName",
    }
)
"""Fields whose value is somebody's own word."""
OF_AWS = frozenset({"0.0.0.0", "AWS Internal", "*", "...", "", "name", "test", "type"})  # noqa: S104 - everybody
LEAST = 4
"""Characters below which a text is part of too many others to be anybody's own."""


def values(node: Any, field: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for name, one in node.items():
            yield from values(one, name)
    elif isinstance(node, list):
        for one in node:
            yield from values(one, field)
    elif node is not None:
        yield field, str(node)


def sample_events() -> Iterator[dict[str, Any]]:
    for file in sorted(DATA.glob("*.jsonl.gz")):
        with gzip.open(file, "rt") as lines:
            for line in lines:
                yield json.loads(line)["event"]
    for line in (DATA / "mcp_synthetic.jsonl").read_text().splitlines():
        yield json.loads(line)


def identifiers() -> set[str]:
    """Return what names somebody or something of the sample."""
    found: set[str] = set()
    files = [*DATA.rglob("*.json"), *DATA.rglob("*.csv")]  # one of them is cut off, and no JSON
    for text in (file.read_text(errors="replace") for file in files):
        for pattern in PATTERNS:
            found.update(pattern.findall(text))
    for event in sample_events():
        for field, text in values(event):
            for pattern in PATTERNS:
                found.update(pattern.findall(text))
            if field in NAMES and not text.endswith((".amazonaws.com", ".amazonaws.com.cn")):
                found.add(text)
    return {one.lower() for one in found - OF_AWS if len(one) >= LEAST and not one.startswith("arn:aws:iam::aws:")}


def condition_values(condition: Condition) -> Iterator[str]:
    if isinstance(condition, Comparison):
        if condition.op is not Op.SAME:  # whose value is a field
            yield from condition.values
    elif isinstance(condition, Not):
        yield from condition_values(condition.part)
    else:
        for part in condition.parts:
            yield from condition_values(part)


def bare(value: str) -> str:
    """Return a value without its wildcards."""
    return value.lower().replace("*", "").replace("\\", "")


def named(texts: set[str]) -> list[tuple[str, str]]:
    """Return the rules that name one of some texts, or a part of one that is long enough to be its own."""
    found: list[tuple[str, str]] = []
    for rule in compiled.shipped().rules:
        for value in condition_values(rule.condition):
            plain = bare(value)
            if plain in texts or any(len(one) >= LEAST and one in plain for one in texts):
                found.append((rule.name, value))
    return found


@needs_data
def test_no_rule_names_what_the_sample_names() -> None:
    texts = identifiers()
    assert len(texts) > 500
    assert named(texts) == []


def test_a_rule_that_names_something_is_found() -> None:
    # Some value of a rule, taken for an identifier: the search would find it.
    assert ("aws_trail_stopped", "StopLogging") in named({"stoplogging"})
    assert ("aws_trail_stopped", "cloudtrail.amazonaws.com") in named({"trail.amazon"})


def test_no_rule_names_an_account_a_key_or_an_address() -> None:
    for rule in compiled.shipped().rules:
        for value in condition_values(rule.condition):
            for pattern in (ACCOUNT, KEY, RESOURCE, UUID):
                assert not pattern.search(value), (rule.name, value)


def scrubbed(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return events of somebody else: every account, key, address, name and program is another one."""
    text = json.dumps(events)

    def digest(value: str) -> str:
        return hashlib.sha256(value.encode()).hexdigest()

    text = ACCOUNT.sub(lambda found: str(int(digest(found[0]), 16))[:12].replace("0", "7"), text)
    text = KEY.sub(lambda found: found[0][:4] + digest(found[0])[:16].upper(), text)
    # A network keeps its size: what is open to everybody stays so.
    text = ADDRESS.sub(lambda found: f"198.51.100.{int(digest(found[0])[:2], 16)}", text)
    text = RESOURCE.sub(lambda found: f"{found[0].rpartition('-')[0]}-{digest(found[0])[:17]}", text)
    for word in ("stratus-red-team", "stratus_red_team", "StratusRedTeam", "christophe", "malicious", "backdoor"):
        text = text.replace(word, f"n{digest(word)[:8]}")
    others: list[dict[str, Any]] = json.loads(text)
    for event in others:
        event["userAgent"] = "aws-cli/2.31.0"
    return others


@needs_data
@pytest.mark.parametrize("label", RULES)
def test_the_sample_is_found_under_other_names(label: str) -> None:
    events = by_label()[label]
    others = scrubbed(events)
    assert json.dumps(others) != json.dumps(events)
    assert fired(others)[RULES[label]] == fired(events)[RULES[label]] > 0
