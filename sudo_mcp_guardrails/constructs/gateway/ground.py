"""What guards and servers stand on where nothing was brought: a cluster, and a log group with its key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs

from sudo_mcp_guardrails.constructs.statements import cdk_statements
from sudo_mcp_guardrails.policies.log_archive_keys import log_group_key_policy

if TYPE_CHECKING:
    from constructs import Construct

    from sudo_mcp_guardrails.policies.naming import GuardrailNames


def cluster_of(scope: Construct, given: ecs.ICluster | None) -> str:
    """Return the name of the cluster; makes one, with Container Insights, where none is given."""
    if given is not None:
        return given.cluster_name
    made = ecs.CfnCluster(
        scope,
        "Cluster",
        cluster_settings=[ecs.CfnCluster.ClusterSettingsProperty(name="containerInsights", value="enabled")],
        configuration=ecs.CfnCluster.ClusterConfigurationProperty(
            # Nobody opens a shell in a guard: what is asked for all the same is logged.
            execute_command_configuration=ecs.CfnCluster.ExecuteCommandConfigurationProperty(logging="DEFAULT")
        ),
    )
    return made.ref


def log_group_of(
    scope: Construct,
    given: logs.ILogGroup | None,
    *,
    names: GuardrailNames,
    retention: logs.RetentionDays,
) -> logs.ILogGroup:
    """Return the log group; makes one, with a key that no agent touches, where none is given."""
    if given is not None:
        return given
    key = kms.Key(
        scope,
        "LogKey",
        description="Encrypts the log of MCP guards and servers",
        enable_key_rotation=True,
        policy=iam.PolicyDocument(
            statements=cdk_statements(
                log_group_key_policy(names, service=f"logs.{cdk.Aws.REGION}.{cdk.Aws.URL_SUFFIX}")
            )
        ),
        removal_policy=cdk.RemovalPolicy.RETAIN,
    )
    return logs.LogGroup(
        scope, "LogGroup", encryption_key=key, retention=retention, removal_policy=cdk.RemovalPolicy.RETAIN
    )
