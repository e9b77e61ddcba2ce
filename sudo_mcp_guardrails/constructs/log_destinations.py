"""Where a trail is forwarded to: the HTTP endpoint of a SIEM, a bucket, or Amazon Security Lake."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aws_cdk import aws_kinesisfirehose as firehose

from sudo_mcp_guardrails.constructs.log_pipeline_props import PipelineError

if TYPE_CHECKING:
    from aws_cdk import aws_s3 as s3
    from aws_cdk import aws_secretsmanager as secretsmanager

_SOURCE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{1,19}")
_QUERY: Final = (
    '{region:(.cloud.region//"none"),account:(.cloud.account.uid//"none"),day:((.time/1000)|floor|strftime("%Y%m%d"))}'
)
FAILED: Final = "failed/"
"""Prefix of what a destination refused, in the construct's own bucket."""


@dataclass(frozen=True)
class HttpEndpoint:
    """The HTTP endpoint of a SIEM.

    Args:
        url: ``https://…``.
        secret: Holds the access key as Firehose asks for it, ``{"api_key": "…"}``; it is never in the template.
        name: Shown in the console.
        form: ``ocsf`` or ``cloudtrail``.

    Raises:
        PipelineError: For a URL without TLS.
    """

    url: str
    secret: secretsmanager.ISecret
    name: str = "SIEM"
    form: str = "cloudtrail"

    def __post_init__(self) -> None:
        """Validate."""
        if not self.url.startswith("https://"):
            raise PipelineError(f"endpoint {self.url!r} is not allowed, expected one that begins with https://")
        check_form(self.form)


@dataclass(frozen=True)
class StorageBucket:
    """A bucket, by day of delivery, compressed JSON lines.

    Args:
        bucket: The bucket; where it is encrypted with a key, one that the CDK knows.
        prefix: Of the keys, with a slash at its end. Default: ``trail/``.
        form: ``ocsf`` or ``cloudtrail``.

    Raises:
        PipelineError: For a form that is not known.
    """

    bucket: s3.IBucket
    prefix: str = "trail/"
    form: str = "cloudtrail"

    def __post_init__(self) -> None:
        """Validate."""
        check_form(self.form)


@dataclass(frozen=True)
class SecurityLake:
    """A custom source of Amazon Security Lake, of OCSF's class API Activity, as Parquet.

    CloudFormation has no type for custom sources. Register it once in the lake's account, as with the CLI:
    ``aws securitylake create-custom-log-source --source-name NAME --event-classes API_ACTIVITY --configuration …``,
    which gives the crawler its role; then deploy this in the same account and Region.

    Args:
        bucket: The lake's bucket of the Region, with its key.
        source: Name of the custom source, 2 to 20 letters, digits, dashes and underscores.

    Raises:
        PipelineError: For a name that Security Lake does not take.
    """

    bucket: s3.IBucket
    source: str
    form: str = "ocsf"

    def __post_init__(self) -> None:
        """Validate."""
        if not _SOURCE.fullmatch(self.source):
            raise PipelineError(
                f"custom source {self.source!r} is not allowed, expected 2 to 20 letters, digits, - and _"
            )
        if self.form != "ocsf":
            raise PipelineError(f"form {self.form!r} of a security lake is not allowed, expected 'ocsf'")

    @property
    def prefix(self) -> str:
        """Where Security Lake keeps the source."""
        return f"ext/{self.source}/"


def check_form(form: str) -> None:
    """Refuse a form that events are not forwarded in; raises PipelineError."""
    if form not in {"ocsf", "cloudtrail"}:
        raise PipelineError(f"form {form!r} is not allowed, expected 'ocsf' or 'cloudtrail'")


def stream_properties(
    destination: HttpEndpoint | StorageBucket | SecurityLake,
    *,
    role: str,
    failed: s3.IBucket,
    log: tuple[str, str],
    table: tuple[str, str] | None,
) -> dict[str, Any]:
    """Return the properties of a stream that say where it delivers.

    Args:
        destination: Where.
        role: ARN of the stream's role.
        failed: Bucket of what a SIEM refused.
        log: Names of log group and stream.
        table: Names of Glue's database and table, for Parquet.
    """
    stream = firehose.CfnDeliveryStream
    logging = stream.CloudWatchLoggingOptionsProperty(enabled=True, log_group_name=log[0], log_stream_name=log[1])
    if isinstance(destination, HttpEndpoint):
        return {
            "http_endpoint_destination_configuration": stream.HttpEndpointDestinationConfigurationProperty(
                endpoint_configuration=stream.HttpEndpointConfigurationProperty(
                    url=destination.url, name=destination.name
                ),
                secrets_manager_configuration=stream.SecretsManagerConfigurationProperty(
                    enabled=True, secret_arn=destination.secret.secret_arn, role_arn=role
                ),
                request_configuration=stream.HttpEndpointRequestConfigurationProperty(content_encoding="GZIP"),
                buffering_hints=stream.BufferingHintsProperty(interval_in_seconds=60, size_in_m_bs=1),
                retry_options=stream.RetryOptionsProperty(duration_in_seconds=7200),
                role_arn=role,
                s3_backup_mode="FailedDataOnly",
                s3_configuration=stream.S3DestinationConfigurationProperty(
                    bucket_arn=failed.bucket_arn,
                    role_arn=role,
                    prefix=FAILED,
                    error_output_prefix=f"{FAILED}errors/",
                    compression_format="GZIP",
                    cloud_watch_logging_options=logging,
                ),
                cloud_watch_logging_options=logging,
            )
        }
    if isinstance(destination, StorageBucket):
        return {
            "extended_s3_destination_configuration": stream.ExtendedS3DestinationConfigurationProperty(
                bucket_arn=destination.bucket.bucket_arn,
                role_arn=role,
                prefix=f"{destination.prefix}!{{timestamp:yyyy/MM/dd}}/",
                error_output_prefix=f"{destination.prefix}errors/!{{firehose:error-output-type}}/",
                compression_format="GZIP",
                buffering_hints=stream.BufferingHintsProperty(interval_in_seconds=300, size_in_m_bs=64),
                cloud_watch_logging_options=logging,
            )
        }
    if table is None:
        raise PipelineError("a security lake without a table is not allowed, expected the names of one for Parquet")
    parts = "region=!{partitionKeyFromQuery:region}/accountId=!{partitionKeyFromQuery:account}"
    return {
        "extended_s3_destination_configuration": stream.ExtendedS3DestinationConfigurationProperty(
            bucket_arn=destination.bucket.bucket_arn,
            role_arn=role,
            prefix=f"{destination.prefix}{parts}/eventDay=!{{partitionKeyFromQuery:day}}/",
            error_output_prefix=f"{destination.prefix}errors/!{{firehose:error-output-type}}/",
            # Five minutes and 128 MiB: Security Lake asks for few and large files.
            buffering_hints=stream.BufferingHintsProperty(interval_in_seconds=300, size_in_m_bs=128),
            dynamic_partitioning_configuration=stream.DynamicPartitioningConfigurationProperty(
                enabled=True, retry_options=stream.RetryOptionsProperty(duration_in_seconds=300)
            ),
            processing_configuration=stream.ProcessingConfigurationProperty(
                enabled=True,
                processors=[
                    stream.ProcessorProperty(
                        type="MetadataExtraction",
                        parameters=[
                            stream.ProcessorParameterProperty(
                                parameter_name="MetadataExtractionQuery", parameter_value=_QUERY
                            ),
                            stream.ProcessorParameterProperty(
                                parameter_name="JsonParsingEngine", parameter_value="JQ-1.6"
                            ),
                        ],
                    )
                ],
            ),
            data_format_conversion_configuration=stream.DataFormatConversionConfigurationProperty(
                enabled=True,
                input_format_configuration=stream.InputFormatConfigurationProperty(
                    deserializer=stream.DeserializerProperty(open_x_json_ser_de=stream.OpenXJsonSerDeProperty())
                ),
                output_format_configuration=stream.OutputFormatConfigurationProperty(
                    serializer=stream.SerializerProperty(parquet_ser_de=stream.ParquetSerDeProperty(compression="ZSTD"))
                ),
                schema_configuration=stream.SchemaConfigurationProperty(
                    database_name=table[0], table_name=table[1], role_arn=role
                ),
            ),
            cloud_watch_logging_options=logging,
        )
    }
