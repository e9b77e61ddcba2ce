"""Which data events a trail records, as values, and the selectors that CloudTrail takes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.policies.log_archive import LogArchiveError

if TYPE_CHECKING:
    from collections.abc import Sequence

_TYPE: Final = re.compile(r"AWS::[A-Za-z0-9]+::[A-Za-z0-9]+")
_S3: Final = "AWS::S3::Object"
_MOST_VALUES: Final = 500
"""Values over all selectors of a trail (CloudTrail user guide, "Quotas in AWS CloudTrail")."""


@dataclass(frozen=True)
class DataEvents:
    """Data events of one kind of resource. They cost 0.10 USD for each 100,000 (us-east-1).

    A tool call of the AWS MCP Server is a management event today, which every trail of ours has. Its documentation
    still shows category ``Data``, and none of AWS's pages names a ``resources.type`` by which a trail could select
    that: should AWS move back, give the type here by its name, as any other that is newer than this library.

    Args:
        resource_type: CloudTrail's name of it, such as ``"AWS::S3::Object"``.
        arns: Beginnings of ARNs, and so whole ARNs too. Default: all resources of the type, in every account.
        write_only: Whether to leave out reads. Default: False.

    Raises:
        LogArchiveError: For a type of another form, and an ARN that is none or has a wildcard.
    """

    resource_type: str
    arns: tuple[str, ...] = ()
    write_only: bool = False

    def __post_init__(self) -> None:
        """Validate; raises LogArchiveError."""
        _check_type(self.resource_type)
        object.__setattr__(self, "arns", _arns(self.arns))

    @classmethod
    def buckets(cls, *arns: str, write_only: bool = False) -> DataEvents:
        """Return the events of all objects in buckets, by the buckets' ARNs; of all buckets without any.

        The bucket that the trail is kept in is left out always: it would record its own deliveries.
        """
        return cls(_S3, tuple(f"{arn.removesuffix('/')}/" for arn in arns), write_only)

    @classmethod
    def functions(cls, *arns: str) -> DataEvents:
        """Return the invocations of Lambda functions, by ARN; of all functions without any."""
        return cls("AWS::Lambda::Function", arns)

    @classmethod
    def tables(cls, *arns: str, write_only: bool = False) -> DataEvents:
        """Return the events of items in DynamoDB tables, by ARN; of all tables without any."""
        return cls("AWS::DynamoDB::Table", arns, write_only)

    @classmethod
    def agentcore_gateways(cls, *arns: str) -> DataEvents:
        """Return the tool calls through Amazon Bedrock AgentCore gateways, by ARN; of all gateways without any.

        Source: Bedrock AgentCore developer guide, "Amazon Bedrock AgentCore Gateway data events in CloudTrail".
        """
        return cls("AWS::BedrockAgentCore::Gateway", arns)


def _check_type(resource_type: object) -> None:
    if not isinstance(resource_type, str) or not _TYPE.fullmatch(resource_type):
        raise LogArchiveError(
            f"resource type {resource_type!r} of data events is not allowed, expected one such as {_S3}"
        )


def _arns(arns: object) -> tuple[str, ...]:
    """Return beginnings of ARNs; a wildcard in one would match nothing, in silence."""
    if isinstance(arns, str) or not isinstance(arns, list | tuple):
        raise LogArchiveError(f"arns {arns!r} of data events are not allowed, expected a tuple of ARNs")
    for arn in arns:
        if not isinstance(arn, str) or any(c in arn for c in "*?") or not arn.startswith(("arn:", "${")):
            raise LogArchiveError(
                f"ARN {arn!r} of data events is not allowed, expected the beginning of one, without wildcards"
            )
    return tuple(arns)


def selectors(data_events: Sequence[DataEvents], *, never: Sequence[str]) -> list[dict[str, Any]]:
    """Return a trail's advanced event selectors: all management events once, and the data events.

    One selector of management events only: three of them would record each event three times.

    Args:
        data_events: What to record besides; one value for each type of resource.
        never: ARNs of buckets whose objects are never recorded.

    Raises:
        LogArchiveError: For two values of one type, a bucket that is never recorded, and more values than CloudTrail
            takes.
    """
    found = [{"name": "Management", "fieldSelectors": [{"field": "eventCategory", "equalTo": ["Management"]}]}]
    for events in data_events:
        if not isinstance(events, DataEvents):
            raise LogArchiveError(f"data events {events!r} are not allowed, expected DataEvents")
        name = events.resource_type
        if any(selector["name"] == name for selector in found):
            raise LogArchiveError(f"data events of {name} are given twice, expected all ARNs in one")
        fields: list[dict[str, Any]] = [
            {"field": "eventCategory", "equalTo": ["Data"]},
            {"field": "resources.type", "equalTo": [name]},
        ]
        if name == _S3:
            _refuse(events.arns, never)
        place: dict[str, Any] = {"field": "resources.ARN"}
        if events.arns:
            place["startsWith"] = list(events.arns)
        if name == _S3 and never:
            place["notStartsWith"] = [f"{bucket}/" for bucket in never]
        fields += [place] if len(place) > 1 else []
        fields += [{"field": "readOnly", "equalTo": ["false"]}] if events.write_only else []
        found.append({"name": name, "fieldSelectors": fields})
    _count(found)
    return found


def _refuse(arns: Sequence[str], never: Sequence[str]) -> None:
    for arn in arns:
        for bucket in never:
            if f"{bucket}/".startswith(arn) or arn.startswith(f"{bucket}/"):
                raise LogArchiveError(
                    f"data events of bucket {arn!r} are not allowed, expected another: the trail would record its own "
                    "deliveries without end"
                )


def _count(found: Sequence[dict[str, Any]]) -> None:
    values = sum(
        len(value)
        for s in found
        for field in s["fieldSelectors"]
        for value in field.values()
        if isinstance(value, list)
    )
    if values > _MOST_VALUES:
        raise LogArchiveError(
            f"trail selects by {values} values, allowed are {_MOST_VALUES}: name beginnings of ARNs, or all resources"
        )
