"""The workflow's tables: evidence, trust, the index of requests, task tokens, credentials and runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb

from sudo_mcp_guardrails.constructs.risk import accept_risk

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from constructs import Construct

OPEN_INDEX: Final = "open"
_PACKS: Final = ("HIPAA.Security", "NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321")


@dataclass(frozen=True)
class Layout:
    """How one table is laid out.

    Args:
        id: Of the construct.
        key: Name of the partition key, text.
        sort: Name and type of the sort key; none by default.
        ends: Attribute by which items expire; none by default.
        open_index: Whether it has the index of what is open.
        why: Why it is in no backup plan.
    """

    id: str
    key: str
    why: str
    sort: tuple[str, str] | None = None
    ends: str = ""
    open_index: bool = False


EVIDENCE: Final = Layout(
    "Evidence",
    "chain",
    "each record is also in a bucket under Object Lock, and heads in another account",
    ("number", "N"),
)
TRUST: Final = Layout(
    "Trust", "chain", "each record is also in a bucket under Object Lock, and heads in another account", ("number", "N")
)
REQUESTS: Final = Layout(
    "Requests", "approval", "it is an index, which can be made again from the evidence", open_index=True
)
TOKENS: Final = Layout("Tokens", "approval", "what it holds is worth nothing after five minutes", ends="ends")
CREDENTIALS: Final = Layout(
    "Credentials",
    "person",
    "a key that is lost is enrolled again, which a copy could not do safely",
    ("credential", "S"),
)
RUNS: Final = Layout("Runs", "run", "what it holds is worth nothing after an hour, and CloudTrail has it", ends="ends")


def make_table(
    scope: Construct, layout: Layout, name: str, key: kms.IKey, removal: cdk.RemovalPolicy
) -> dynamodb.CfnTable:
    """Make a table: on demand, encrypted, with point-in-time recovery. 0.25 USD per GB and month.

    Args:
        scope: Where.
        layout: How it is laid out.
        name: Physical name.
        key: Encrypts it.
        removal: What becomes of it with the stack; kept tables cannot be deleted by a call either.
    """
    attributes = [(layout.key, "S"), *([layout.sort] if layout.sort else [])]
    schema = [(layout.key, "HASH"), *([(layout.sort[0], "RANGE")] if layout.sort else [])]
    indexes = None
    if layout.open_index:
        attributes += [("open", "S"), ("created", "N")]
        indexes = [
            dynamodb.CfnTable.GlobalSecondaryIndexProperty(
                index_name=OPEN_INDEX,
                key_schema=_schema([("open", "HASH"), ("created", "RANGE")]),
                projection=dynamodb.CfnTable.ProjectionProperty(projection_type="ALL"),
            )
        ]
    table = dynamodb.CfnTable(
        scope,
        f"{layout.id}Table",
        table_name=name,
        billing_mode="PAY_PER_REQUEST",
        attribute_definitions=[
            dynamodb.CfnTable.AttributeDefinitionProperty(attribute_name=attribute, attribute_type=kind)
            for attribute, kind in attributes
        ],
        key_schema=_schema(schema),
        global_secondary_indexes=indexes,
        deletion_protection_enabled=removal is cdk.RemovalPolicy.RETAIN,
        point_in_time_recovery_specification=dynamodb.CfnTable.PointInTimeRecoverySpecificationProperty(
            point_in_time_recovery_enabled=True
        ),
        sse_specification=dynamodb.CfnTable.SSESpecificationProperty(
            sse_enabled=True, sse_type="KMS", kms_master_key_id=key.key_arn
        ),
        time_to_live_specification=dynamodb.CfnTable.TimeToLiveSpecificationProperty(
            attribute_name=layout.ends, enabled=True
        )
        if layout.ends
        else None,
    )
    table.apply_removal_policy(removal)
    accept_risk(table, nag=[f"{pack}::{pack}-DynamoDBInBackupPlan" for pack in _PACKS], reason=layout.why)
    return table


def _schema(keys: list[tuple[str, str]]) -> list[dynamodb.CfnTable.KeySchemaProperty]:
    return [dynamodb.CfnTable.KeySchemaProperty(attribute_name=name, key_type=kind) for name, kind in keys]
