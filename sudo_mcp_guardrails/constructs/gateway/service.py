"""A container on Fargate that has nothing it does not need: the guard, or a server that nobody trusts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from sudo_mcp_guardrails.constructs.gateway.container import task_definition
from sudo_mcp_guardrails.constructs.gateway.endpoints import NOWHERE
from sudo_mcp_guardrails.constructs.gateway.task_policies import starting_policy, task_trust
from sudo_mcp_guardrails.constructs.policy import GuardrailPolicy
from sudo_mcp_guardrails.constructs.rendering import policy_json
from sudo_mcp_guardrails.constructs.wildcards import accept_wildcards
from sudo_mcp_guardrails.iam.documents import PolicyDocument

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_logs as logs

    from sudo_mcp_guardrails.constructs.gateway.container import McpTask
    from sudo_mcp_guardrails.policies.naming import GuardrailNames

_PLATFORM: Final = "1.4.0"
"""Of Fargate; the newest, and named so that it does not change under a service."""


class McpService(Construct):
    """A service of Fargate: a read-only root, no public address, no user root, no shell from outside, its own groups.

    Costs at rest, by list prices of us-east-1 for ARM: 7.21 USD a month for each 0.25 vCPU and 0.5 GB.

    Args:
        scope: The scope.
        id: The construct's id.
        task: What runs.
        cluster: Name or ARN of the cluster.
        vpc: Where.
        subnet_ids: In which subnets.
        log_group: Where its output goes.
        names: Names of the guardrails' own resources.
        registry: ARN of the entry in DNS. Default: none.
        target_group: ARN of the target group that finds it. Default: none.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        task: McpTask,
        cluster: str,
        vpc: ec2.IVpc,
        subnet_ids: Sequence[str],
        log_group: logs.ILogGroup,
        names: GuardrailNames,
        registry: str | None = None,
        target_group: str | None = None,
    ) -> None:
        super().__init__(scope, id)
        sid = "".join(part.title() for part in task.name.split("-"))
        self.group: ec2.CfnSecurityGroup = ec2.CfnSecurityGroup(
            self,
            "Group",
            group_description=f"MCP task {task.name}",
            vpc_id=vpc.vpc_id,
            security_group_egress=[NOWHERE],
        )
        """Its security group, without any way in or out until somebody opens one."""
        self.execution_role: iam.CfnRole = self._role(
            "ExecutionRole", f"Starts the task {task.name}", starting_policy(sid, task.image, log_group), names
        )
        """What ECS starts the task with; the container never sees its credentials."""
        own = PolicyDocument(f"task {task.name}", tuple(task.statements)) if task.statements else None
        self.role: iam.CfnRole = self._role("Role", f"The task {task.name}", own, names, task.role_name)
        """What the container's own credentials are of."""
        self.definition: ecs.CfnTaskDefinition = task_definition(
            self, task, log_group, starting=self.execution_role.attr_arn, own=self.role.attr_arn
        )
        """The task definition."""
        self.service: ecs.CfnService = ecs.CfnService(
            self,
            "Resource",
            cluster=cluster,
            task_definition=self.definition.ref,
            desired_count=task.count,
            launch_type="FARGATE",
            platform_version=_PLATFORM,
            enable_execute_command=False,
            enable_ecs_managed_tags=True,
            propagate_tags="SERVICE",
            network_configuration=ecs.CfnService.NetworkConfigurationProperty(
                awsvpc_configuration=ecs.CfnService.AwsVpcConfigurationProperty(
                    assign_public_ip="DISABLED",
                    subnets=list(subnet_ids),
                    security_groups=[self.group.attr_group_id],
                )
            ),
            deployment_configuration=ecs.CfnService.DeploymentConfigurationProperty(
                minimum_healthy_percent=100,
                maximum_percent=200,
                deployment_circuit_breaker=ecs.CfnService.DeploymentCircuitBreakerProperty(enable=True, rollback=True),
            ),
            health_check_grace_period_seconds=None if target_group is None else 60,
            load_balancers=None
            if target_group is None
            else [
                ecs.CfnService.LoadBalancerProperty(
                    container_name=task.name, container_port=task.port, target_group_arn=target_group
                )
            ],
            service_registries=None
            if registry is None
            else [ecs.CfnService.ServiceRegistryProperty(registry_arn=registry)],
        )
        """The service."""
        self._variables = len(task.environment)

    def variable(self, name: str, value: str) -> None:
        """Give the container a further variable, which only a later construct can tell."""
        count = self._variables
        self.definition.add_property_override(
            f"ContainerDefinitions.0.Environment.{count}", {"Name": name, "Value": value}
        )
        self._variables = count + 1

    def _role(
        self,
        id_: str,
        description: str,
        document: PolicyDocument | None,
        names: GuardrailNames,
        name: str | None = None,
    ) -> iam.CfnRole:
        arns = []
        if document is not None:
            policy = GuardrailPolicy(
                self,
                f"{id_}Policy",
                document=document,
                path=f"/{names.prefix}/",
                description=description,
                accept=False,
            )
            accept_wildcards(policy)
            arns.append(policy.policy_arn)
        return iam.CfnRole(
            self,
            id_,
            role_name=name,
            path=f"/{names.prefix}/",
            description=description,
            assume_role_policy_document=policy_json(task_trust(id_)),
            managed_policy_arns=arns or None,
        )
