"""The body of an ingestion pipeline: what it says, and that its YAML says the same."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from sudo_mcp_guardrails.trail.errors import TrailError
from sudo_mcp_guardrails.trail.ingestion_body import IngestionBody, raw_template

BODY = IngestionBody(
    name="audit-trail",
    region="eu-central-1",
    queue_url="https://sqs/q",
    event_bridge=True,
    bucket_owner="111122223333",
    bucket="trail: #1",
    endpoint="https://search",
    dead_letter_bucket="letters",
    dead_letter_prefix="ingestion",
)


def test_what_keeps_events_from_being_lost_or_doubled() -> None:
    found = BODY.to_dict()
    assert found["version"] == "2"
    source = found["audit-trail"]["source"]["s3"]
    assert source["acknowledgments"] is True
    assert source["on_error"] == "retain_messages"
    assert source["sqs"]["visibility_duplication_protection"] is True
    assert source["codec"] == {"json": {"key_name": "Records"}}
    assert source["bucket_owners"] == {"trail: #1": "111122223333"}
    [entry] = found["audit-trail"]["sink"]
    sink = entry["opensearch"]
    assert (sink["document_id"], sink["action"]) == ("${/eventID}", "create")
    assert sink["index"] == "agent-trail-raw-${/trailDay}"
    assert sink["dlq"]["s3"] == {"bucket": "letters", "key_path_prefix": "ingestion", "region": "eu-central-1"}
    assert json.loads(sink["template_content"]) == raw_template("agent-trail-raw", 1)
    assert replace(BODY, event_bridge=False).to_dict()["audit-trail"]["source"]["s3"]["notification_source"] == "s3"


def test_the_day_is_of_the_event_s_own_time() -> None:
    entries, replaced = BODY.to_dict()["audit-trail"]["processor"]
    day = entries["add_entries"]["entries"][0]["format"].replace("${/eventTime}", "2026-11-20T23:59:59Z")
    import re

    for step in replaced["substitute_string"]["entries"]:
        assert step["source"] == entries["add_entries"]["entries"][0]["key"]
        day = re.sub(step["from"], step["to"], day)
    assert day == "2026.11.20"


def test_no_field_of_an_event_can_be_of_two_types() -> None:
    mappings = raw_template()["template"]["mappings"]
    assert mappings["dynamic"] is False
    types = {name: field["type"] for name, field in mappings["properties"].items()}
    assert types["sourceIPAddress"] == "keyword", "a service's name as often as an address"
    assert set(types.values()) == {"keyword", "date", "object"}
    assert mappings["properties"]["userIdentity"]["dynamic"] is False


def test_the_yaml_says_the_same() -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    odd = replace(BODY, endpoint='https://"x": [y] # z\nno')
    for body in (BODY, odd):
        assert yaml.safe_load(body.to_yaml()) == body.to_dict()
    assert BODY.to_yaml() == BODY.to_yaml()


@pytest.mark.parametrize("name", ["", "ab", "Audit", "1abc", "x" * 29])
def test_a_name_that_the_service_does_not_take(name: str) -> None:
    with pytest.raises(TrailError, match="must be 3 to 28 lower-case letters"):
        replace(BODY, name=name)
