"""The one container of a task: what its image is started with, and all that it is kept from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_ecs as ecs

from sudo_mcp_guardrails.constructs.risk import accept_risk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_logs as logs
    from constructs import Construct

    from sudo_mcp_guardrails.constructs.gateway.props import McpImage
    from sudo_mcp_guardrails.iam.documents import Statement

USER: Final = "65532:65532"
"""Neither root nor anybody that an image usually has."""
_SCRATCH: Final = "scratch"


@dataclass(frozen=True)
class McpTask:
    """What one task is.

    Args:
        name: Of its container, and what its Sids and log streams carry.
        image: The image.
        command: What it is started with, after the image's entry point.
        port: Where it listens.
        cpu: Units of 1/1024 vCPU, as Fargate has them.
        memory: MiB, as Fargate pairs them with the CPU.
        environment: Its variables; no secrets.
        statements: What its role may do. Default: nothing at all.
        role_name: Of its role. Default: CloudFormation's.
        count: How many run.
    """

    name: str
    image: McpImage
    command: Sequence[str]
    port: int
    cpu: int
    memory: int
    environment: Mapping[str, str] = field(default_factory=dict)
    statements: Sequence[Statement] = ()
    role_name: str | None = None
    count: int = 1


def task_definition(
    scope: Construct, task: McpTask, log_group: logs.ILogGroup, *, starting: str, own: str
) -> ecs.CfnTaskDefinition:
    """Make the task definition, as ``Task``.

    Args:
        scope: Where.
        task: What it is.
        log_group: Where its output goes.
        starting: ARN of the role that ECS starts it with.
        own: ARN of the container's own.
    """
    made = ecs.CfnTaskDefinition(
        scope,
        "Task",
        family=cdk.Names.unique_resource_name(scope, max_length=60, separator="-"),
        cpu=str(task.cpu),
        memory=str(task.memory),
        network_mode="awsvpc",
        requires_compatibilities=["FARGATE"],
        runtime_platform=ecs.CfnTaskDefinition.RuntimePlatformProperty(
            cpu_architecture="ARM64", operating_system_family="LINUX"
        ),
        execution_role_arn=starting,
        task_role_arn=own,
        volumes=[ecs.CfnTaskDefinition.VolumeProperty(name=_SCRATCH)],
        container_definitions=[
            ecs.CfnTaskDefinition.ContainerDefinitionProperty(
                name=task.name,
                image=task.image.uri,
                command=list(task.command),
                essential=True,
                user=USER,
                privileged=False,
                readonly_root_filesystem=True,
                environment=[
                    ecs.CfnTaskDefinition.KeyValuePairProperty(name=name, value=value)
                    for name, value in sorted(task.environment.items())
                ],
                port_mappings=[ecs.CfnTaskDefinition.PortMappingProperty(container_port=task.port, protocol="tcp")],
                mount_points=[
                    ecs.CfnTaskDefinition.MountPointProperty(
                        container_path="/tmp",  # noqa: S108 - of the container; all else is read-only
                        source_volume=_SCRATCH,
                        read_only=False,
                    )
                ],
                linux_parameters=ecs.CfnTaskDefinition.LinuxParametersProperty(
                    init_process_enabled=True,
                    capabilities=ecs.CfnTaskDefinition.KernelCapabilitiesProperty(drop=["ALL"]),
                ),
                ulimits=[
                    ecs.CfnTaskDefinition.UlimitProperty(name="nofile", soft_limit=4096, hard_limit=4096),
                    ecs.CfnTaskDefinition.UlimitProperty(name="core", soft_limit=0, hard_limit=0),
                ],
                log_configuration=ecs.CfnTaskDefinition.LogConfigurationProperty(
                    log_driver="awslogs",
                    options={
                        "awslogs-group": log_group.log_group_name,
                        "awslogs-region": cdk.Stack.of(scope).region,
                        "awslogs-stream-prefix": task.name,
                        # A guard whose log is full stops: nothing is done that nobody can read of.
                        "mode": "blocking",
                    },
                ),
            )
        ],
    )
    accept_risk(
        made,
        nag=["AwsSolutions::AwsSolutions-ECS2"],
        reason="its variables are names and places, no secrets; its credentials come from its role",
    )
    return made
