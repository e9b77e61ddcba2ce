"""The configuration of an OpenSearch Ingestion pipeline for a trail, as data and as YAML.

Sources: OpenSearch Service developer guide, "Using an OpenSearch Ingestion pipeline with Amazon S3" and "Supported
plugins and options"; Data Prepper documentation, "S3 source", "OpenSearch sink", "add_entries", "substitute_string".
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from sudo_mcp_guardrails.trail.errors import TrailError
from sudo_mcp_guardrails.trail.index.names import check_prefix

PREFIX: Final = "agent-trail-raw"
"""Default prefix of the indexes: these documents are CloudTrail's own, of another shape than the sink's."""

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{2,27}")
_KEYWORD: Final = {"type": "keyword", "ignore_above": 8191}
_SEARCHED: Final = (
    "eventID",
    "eventSource",
    "eventName",
    "eventType",
    "eventCategory",
    "awsRegion",
    "recipientAccountId",
    "requestID",
    "errorCode",
    "sourceIPAddress",
    "userAgent",
)


@dataclass(frozen=True)
class IngestionBody:
    """What a pipeline reads and writes.

    Attributes:
        name: of the pipeline, 3 to 28 lower-case letters, digits and dashes, a letter first.
        region: of all of it.
        queue_url: tells of new objects.
        event_bridge: whether the queue's messages come from EventBridge, and not from S3 itself.
        bucket_owner: account of the trail's bucket.
        bucket: its name.
        endpoint: the domain's URL.
        dead_letter_bucket: where what the domain refuses is kept.
        dead_letter_prefix: of its keys, without a slash at its end.
        index_prefix: of the indexes.
        replicas: copies beside each primary.
        visibility_seconds: how long a message stays hidden; it is prolonged while its object is worked on.

    Raises:
        TrailError: for a name that the service does not take.
    """

    name: str
    region: str
    queue_url: str
    event_bridge: bool
    bucket_owner: str
    bucket: str
    endpoint: str
    dead_letter_bucket: str
    dead_letter_prefix: str
    index_prefix: str = PREFIX
    replicas: int = 1
    visibility_seconds: int = 600

    def __post_init__(self) -> None:
        """Validate."""
        check_prefix(self.index_prefix)
        if not _NAME.fullmatch(self.name):
            raise TrailError(f"pipeline name {self.name!r} must be 3 to 28 lower-case letters, digits and dashes")

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as data.

        Each record of a file is one document under its ``eventID``, in the index of the day of its ``eventTime``, and
        only ever created: one that is there is left as it is. A message is deleted when all its documents are stored
        or in the dead letter bucket, not before.
        """
        source = {
            "acknowledgments": True,
            "notification_type": "sqs",
            "notification_source": "eventbridge" if self.event_bridge else "s3",
            "compression": "gzip",
            "codec": {"json": {"key_name": "Records"}},
            "on_error": "retain_messages",
            "sqs": {
                "queue_url": self.queue_url,
                "maximum_messages": 10,
                "visibility_timeout": f"{self.visibility_seconds}s",
                # Without it an object that takes longer than the timeout is read twice at once.
                "visibility_duplication_protection": True,
            },
            "aws": {"region": self.region},
            "bucket_owners": {self.bucket: self.bucket_owner},
        }
        sink = {
            "hosts": [self.endpoint],
            "index": f"{self.index_prefix}-${{/trailDay}}",
            "document_id": "${/eventID}",
            "action": "create",
            "template_type": "index-template",
            "template_content": json.dumps(raw_template(self.index_prefix, self.replicas), separators=(",", ":")),
            # Beyond this a document goes to the dead letters; without an end one bad document holds up its object.
            "max_retries": 20,
            "dlq": {
                "s3": {
                    "bucket": self.dead_letter_bucket,
                    "key_path_prefix": self.dead_letter_prefix,
                    "region": self.region,
                }
            },
            "aws": {"region": self.region, "serverless": False},
        }
        return {
            "version": "2",
            self.name: {"source": {"s3": source}, "processor": _by_day(), "sink": [{"opensearch": sink}]},
        }

    def to_yaml(self) -> str:
        """Return the configuration as the service takes it; the same data gives the same bytes."""
        return "\n".join(_yaml(self.to_dict(), 0)) + "\n"


def raw_template(prefix: str = PREFIX, replicas: int = 1) -> dict[str, Any]:
    """Return an index template that CloudTrail's own documents cannot conflict with.

    What is not named is kept and not indexed (``dynamic: false``): so no field is ever of two types, at the price that
    only the named ones are searched.
    """
    identity = dict.fromkeys(("type", "arn", "accountId", "accessKeyId", "invokedBy"), _KEYWORD)
    properties: dict[str, Any] = dict.fromkeys(_SEARCHED, _KEYWORD)
    properties["eventTime"] = {"type": "date", "format": "strict_date_optional_time", "ignore_malformed": True}
    properties["trailDay"] = _KEYWORD
    properties["userIdentity"] = {"type": "object", "dynamic": False, "properties": identity}
    return {
        "index_patterns": [f"{prefix}-*"],
        "priority": 200,
        "template": {
            "settings": {
                "number_of_shards": 1,
                "number_of_replicas": replicas,
                "codec": "best_compression",
                "refresh_interval": "30s",
            },
            "mappings": {"dynamic": False, "properties": properties},
        },
    }


def _by_day() -> list[dict[str, Any]]:
    """Return the processors that make ``2026.11.20`` of the event's own time: never of the time of ingestion."""
    return [
        {"add_entries": {"entries": [{"key": "trailDay", "format": "${/eventTime}"}]}},
        {
            "substitute_string": {
                "entries": [
                    {"source": "trailDay", "from": "T.*$", "to": ""},
                    {"source": "trailDay", "from": "-", "to": "."},
                ]
            }
        },
    ]


def _yaml(value: Any, depth: int) -> list[str]:  # noqa: ANN401 - walks JSON
    """Write data as YAML in blocks; text always in JSON's quotes, so that nothing of it is ever taken for YAML."""
    indent = "  " * depth
    if isinstance(value, dict):
        lines = []
        for name, item in value.items():
            key = name if re.fullmatch(r"[A-Za-z_][\w-]*", name) else json.dumps(name)
            if isinstance(item, (dict, list)):
                lines += [f"{indent}{key}:", *_yaml(item, depth + 1)]
            else:
                lines.append(f"{indent}{key}: {json.dumps(item, ensure_ascii=False)}")
        return lines
    lines = []
    for item in value:
        if isinstance(item, dict):
            first, *rest = _yaml(item, depth + 1)
            lines += [f"{indent}- {first.strip()}", *rest]
        else:
            lines.append(f"{indent}- {json.dumps(item, ensure_ascii=False)}")
    return lines
