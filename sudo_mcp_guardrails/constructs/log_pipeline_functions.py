"""The three functions of the log pipeline: the ingester, the reconciler, and the publisher of heads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import aws_cdk as cdk
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from sudo_mcp_guardrails.constructs import log_pipeline_policies as may
from sudo_mcp_guardrails.constructs.asset import staged
from sudo_mcp_guardrails.constructs.log_pipeline_function import PipelineFunction
from sudo_mcp_guardrails.constructs.log_pipeline_props import broker_variables
from sudo_mcp_guardrails.constructs.log_pipeline_schedules import every

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_logs as logs
    from aws_cdk import aws_s3 as s3
    from aws_cdk import aws_sqs as sqs

    from sudo_mcp_guardrails.constructs.log_pipeline_props import IngesterSize
    from sudo_mcp_guardrails.constructs.log_pipeline_sources import TrailSource
    from sudo_mcp_guardrails.constructs.search_target import SearchTarget
    from sudo_mcp_guardrails.policies.naming import GuardrailNames
    from sudo_mcp_guardrails.trail.index.policy import Tiers

DEAD_LETTERS: Final = "dead-letters"
HEADS: Final = "heads"
"""Prefixes of keys."""
_ATTEMPTS_IN_TIME: Final = 6
"""The sink tries for a sixth of the ingester's timeout: together, and then two messages each alone, leave time."""


class PipelineFunctions(Construct):
    """The functions, from one asset, and what starts the two that no queue does.

    Args:
        scope: The scope.
        id: The construct's id.
        source: The trail's bucket.
        target: Where to write.
        resources: What the policies name.
        tables: Names of ledger and knowledge.
        dead_letters: Bucket of dead letters.
        heads_bucket: Where heads are published; None for nowhere.
        queues: What the ingester reads.
        key: Encrypts variables and logs.
        size: Of the ingester.
        index_prefix: Of the indexes.
        reconcile_days: How many days back the reconciler compares.
        tiers: How long an index stays where; put in a domain of the pipeline's own.
        managed: Whether the domain is the pipeline's own, with the reconciler as its master.
        architecture: Of the functions.
        log_retention: Of their logs.
        names: Names of the guardrails' own resources.
        pipeline: Value of the metrics' dimension.
        brokers: Roles whose session tags are believed; None for everybody's.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        source: TrailSource,
        target: SearchTarget,
        resources: may.PipelineResources,
        tables: tuple[str, str],
        dead_letters: s3.IBucket,
        heads_bucket: s3.IBucket | None,
        queues: Sequence[sqs.CfnQueue],
        key: kms.IKey,
        size: IngesterSize,
        index_prefix: str,
        reconcile_days: int,
        managed: bool,
        tiers: Tiers,
        architecture: lambda_.Architecture,
        log_retention: logs.RetentionDays,
        names: GuardrailNames,
        pipeline: str,
        brokers: Sequence[str] | None,
    ) -> None:
        super().__init__(scope, id)
        with staged("trail_ingest", "trail_reconcile", "trail_head") as directory:
            code = assets.Asset(self, "Code", path=directory)
        path = f"/{names.prefix}/"
        shared: dict[str, Any] = {
            "code": code,
            "architecture": architecture,
            "log_key": key,
            "log_retention": log_retention,
            "path": path,
            "placement": target.placement,
        }
        common = {"PIPELINE": pipeline, "LEDGER_TABLE": tables[0]}
        variables = {
            **common,
            "NAMES_PREFIX": names.prefix,
            "ENDPOINT": target.url,
            "INDEX_PREFIX": index_prefix,
            "REPLICAS": str(target.replicas),
            "KNOWLEDGE_TABLE": tables[1],
            "DEAD_LETTER_BUCKET": dead_letters.bucket_name,
            "DEAD_LETTER_PREFIX": DEAD_LETTERS,
            **broker_variables(brokers),
        }
        self.ingester: PipelineFunction = PipelineFunction(
            self,
            "Ingest",
            handler="trail_ingest",
            description="Takes trail files into the search domain, each event once",
            statements=[
                *may.read_trail("Ingest", resources),
                *may.keep("Ingest", resources),
                *may.write_index(resources),
                may.receive([queue.attr_arn for queue in queues]),
            ],
            environment={**variables, "PATIENCE_SECONDS": str(size.timeout_seconds // _ATTEMPTS_IN_TIME)},
            timeout=cdk.Duration.seconds(size.timeout_seconds),
            memory=cdk.Size.mebibytes(size.memory_mib),
            concurrency=size.concurrency,
            **shared,
        )
        """Takes files in."""
        self.reconciler: PipelineFunction = PipelineFunction(
            self,
            "Reconcile",
            handler="trail_reconcile",
            description="Compares the trail with ledger and index each hour, and takes in what is missing",
            statements=[
                *may.read_trail("Reconcile", resources),
                *may.keep("Reconcile", resources),
                *may.manage_index(resources),
            ],
            environment={
                **variables,
                "PATIENCE_SECONDS": "60",
                "TRAIL_BUCKET": source.bucket.bucket_name,
                "TRAIL_PREFIX": source.prefix,
                "RECONCILE_DAYS": str(reconcile_days),
                "TIER_DAYS": f"{tiers.hot},{tiers.warm},{tiers.cold}",
                "WRITER_ROLE": self.ingester.role.attr_arn if managed else "",
            },
            timeout=cdk.Duration.minutes(15),
            memory=cdk.Size.gibibytes(2),
            concurrency=None,
            **shared,
        )
        """Compares and mends; also the master of a domain of the pipeline's own."""
        starts: list[tuple[str, PipelineFunction, str, dict[str, Any]]] = [
            ("Hourly", self.reconciler, "rate(1 hour)", {"task": "reconcile"}),
            # Until it has run, the ingester may not write, and messages wait: five attempts are an hour by default.
            ("Setup", self.reconciler, "rate(15 minutes)", {"task": "setup"}),
        ]
        self.by_id: dict[str, PipelineFunction] = {"Ingest": self.ingester, "Reconcile": self.reconciler}
        """The functions, by their ids."""
        if heads_bucket is not None:
            heads_key = heads_bucket.encryption_key
            publisher = PipelineFunction(
                self,
                "Head",
                handler="trail_head",
                description="Publishes the head of the ledger each day",
                statements=may.publish_head(
                    resources,
                    heads_bucket.arn_for_objects(f"{HEADS}/*"),
                    heads_key.key_arn if heads_key is not None else None,
                ),
                environment={**common, "HEADS_BUCKET": heads_bucket.bucket_name, "HEADS_PREFIX": HEADS},
                timeout=cdk.Duration.minutes(15),
                memory=cdk.Size.gibibytes(2),
                concurrency=None,
                **shared,
            )
            self.by_id["Head"] = publisher
            starts.append(("Daily", publisher, "cron(30 1 * * ? *)", {"task": "publish"}))
        every(self, path, starts)
