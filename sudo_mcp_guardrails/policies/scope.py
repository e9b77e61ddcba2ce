"""What an agent owns in one account: ARN patterns, actions and Regions, ready for statements."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agent_checks import InvalidAgentError
from sudo_mcp_guardrails.iam.catalogue import READS, WRITES, compact, service_actions
from sudo_mcp_guardrails.iam.scope import owned_arns, owned_types
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION, GuardrailNames

if TYPE_CHECKING:
    from sudo_mcp_guardrails.agents import Agent, AgentEnvironment
    from sudo_mcp_guardrails.policies.terraform import TerraformBuild

STACK_READS: Final = (
    *(
        "cloudformation:DescribeChangeSet",
        "cloudformation:DescribeChangeSetHooks",
        "cloudformation:DescribeEvents",
    ),
    *(
        "cloudformation:DescribeStackEvents",
        "cloudformation:DescribeStackResource*",
        "cloudformation:DescribeStacks",
    ),
    *(
        "cloudformation:EstimateTemplateCost",
        "cloudformation:GetTemplateSummary",
        "cloudformation:ListChangeSets",
    ),
    *("cloudformation:ListStackResources", "cloudformation:ListStacks", "cloudformation:ValidateTemplate"),
)
"""What every agent may read of CloudFormation. Confined to its own stacks where IAM can."""
STACK_READS_ANYWHERE: Final = frozenset(
    {
        "cloudformation:EstimateTemplateCost",
        "cloudformation:ListStacks",
        "cloudformation:ValidateTemplate",
    }
)
"""Those that AWS decides on ``*``: they take a template and not a stack."""

SERVICE_PRINCIPALS: Final[dict[str, tuple[str, ...]]] = {
    "apigateway": ("apigateway.amazonaws.com",),
    "appsync": ("appsync.amazonaws.com",),
    "batch": ("batch.amazonaws.com", "ecs-tasks.amazonaws.com"),
    "codebuild": ("codebuild.amazonaws.com",),
    "codepipeline": ("codepipeline.amazonaws.com",),
    "ec2": ("ec2.amazonaws.com",),
    "ecs": ("ecs-tasks.amazonaws.com",),
    "events": ("events.amazonaws.com",),
    "firehose": ("firehose.amazonaws.com",),
    "glue": ("glue.amazonaws.com",),
    "lambda": ("lambda.amazonaws.com",),
    "pipes": ("pipes.amazonaws.com",),
    "sagemaker": ("sagemaker.amazonaws.com",),
    "scheduler": ("scheduler.amazonaws.com",),
    "states": ("states.amazonaws.com",),
}
"""Which service principals run work for a service, and so may be passed an agent's workload roles."""

STACK_VIEWS: Final = (
    *("cloudformation:Describe*", "cloudformation:Estimate*", "cloudformation:Get*", "cloudformation:List*"),
    "cloudformation:Validate*",
)
"""The ceiling over :data:`STACK_READS`, in fewer characters."""

_RESERVED: Final = ("cdk-", "aws-", "stackset-")
"""Beginnings of names that CDK, AWS and StackSets use for resources with power over an account."""


@dataclass(frozen=True)
class AgentScope:
    """An agent in the account that its guardrails are deployed to.

    Args:
        agent: The agent.
        account: The account's id; None where it is known only at deployment. Then every environment is in
            scope, and the account ids in the ARNs confine each to its own.
        names: Names of the guardrails' own resources.
        proposes: Whether the plan role may propose plans to the approval workflow of this account, by the URL of its
            function ``<prefix>-approval-intake``. Default: there is no workflow, and nobody may.
        terraform: What the build uses that applies the agent's approved Terraform plans as its execution role, which
            then trusts CodeBuild, for that one project, in the place of CloudFormation. Default: there is none.

    Raises:
        InvalidAgentError: Where no environment covers the account, or a prefix could name resources of the
            guardrails, the CDK or AWS.
    """

    agent: Agent
    account: str | None = None
    names: GuardrailNames = field(default_factory=GuardrailNames)
    proposes: bool = False
    terraform: TerraformBuild | None = None

    def __post_init__(self) -> None:
        """Validate."""
        if not self.environments:
            covered = sorted({account for e in self.agent.environments for account in e.accounts})
            raise InvalidAgentError(
                f"account of the stack for agent {self.agent.name!r}",
                self.account,
                f"one of {', '.join(covered)}",
            )
        reserved = (*_RESERVED, self.names.prefix)
        for environment in self.environments:
            for prefix in self.agent.prefixes(environment):
                if any(prefix.startswith(r) or r.startswith(prefix) for r in reserved):
                    raise InvalidAgentError(
                        "resource-name prefix", prefix, f"one that does not overlap {', '.join(reserved)}"
                    )
        if self.terraform is not None:
            self.terraform.check(self.names)
        for resource in self.agent.resources:
            if any(name in resource for name in ("/" + self.names.prefix, ":" + self.names.prefix, ":cdk-", "/cdk-")):
                raise InvalidAgentError(
                    "resource", resource, "a resource of the agent, not of the guardrails or the CDK"
                )

    @cached_property
    def environments(self) -> tuple[AgentEnvironment, ...]:
        """The environments in scope."""
        return self.agent.environments_in(self.account)

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts in scope."""
        if self.account is not None:
            return (self.account,)
        return tuple(sorted({account for e in self.environments for account in e.accounts}))

    @cached_property
    def services(self) -> tuple[str, ...]:
        """The agent's services in order; CloudFormation is governed apart."""
        return tuple(sorted(set(self.agent.services) - {"cloudformation"} | self._named_services))

    @property
    def _named_services(self) -> set[str]:
        """Services that explicit resources and declared actions bring."""
        named = {resource.split(":")[2] for resource in self.agent.resources}
        return named | {action.name.split(":")[0] for action in self.agent.actions}

    def regions(self) -> tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]:
        """Return (accounts, allowed Regions) pairs; the Region of the deployment where none is named."""
        pairs: dict[tuple[str, ...], list[str]] = {}
        for environment in self.environments:
            accounts = (self.account,) if self.account is not None else environment.accounts
            regions = tuple(sorted(self.agent.regions_in(environment))) or (REGION,)
            pairs.setdefault(regions, []).extend(accounts)
        return tuple((tuple(sorted(accounts)), regions) for regions, accounts in sorted(pairs.items()))

    def own(self, service: str, types: frozenset[str] | None = None) -> tuple[str, ...]:
        """Return the ARN patterns of a service's resources that the agent owns."""
        patterns: list[str] = []
        for environment in self.environments:
            accounts = (self.account,) if self.account is not None else environment.accounts
            for account in accounts:
                for prefix in self.agent.prefixes(environment):
                    patterns += owned_arns(service, account, prefix, types=types)
        explicit = [_with_partition(r) for r in self.agent.resources if r.split(":")[2] == service]
        return tuple(sorted({*patterns, *explicit}))

    @cached_property
    def stacks(self) -> tuple[str, ...]:
        """ARN patterns of the agent's CloudFormation stacks."""
        return self.own("cloudformation", frozenset({"stack"}))

    @cached_property
    def all_own(self) -> tuple[str, ...]:
        """ARN patterns of everything the agent owns, its stacks included."""
        patterns = set(self.stacks)
        for service in self.services:
            patterns.update(self.own(service, self._types_used(service)))
        return tuple(sorted(patterns))

    def _types_used(self, service: str) -> frozenset[str]:
        """Return the owned resource types that some writing action takes."""
        owned = owned_types(service)
        changing = (a for a in service_actions(service).values() if a.level not in READS)
        return frozenset(name for action in changing for name in action.resources if name in owned)

    def actions(self, service: str, levels: frozenset[str]) -> tuple[str, ...]:
        """Return a service's actions of some access levels that can be confined to the agent's resources."""
        owned = set(owned_types(service))
        explicit = any(resource.split(":")[2] == service for resource in self.agent.resources)
        return tuple(
            action.name
            for action in service_actions(service).values()
            if action.level in levels and (owned & set(action.resources) or (explicit and action.resources))
        )

    def reads(self, service: str) -> tuple[str, ...]:
        """Return patterns for all of a service's reads, for exceptions to a Deny; they cover no write."""
        names = [a.name for a in service_actions(service).values() if a.level in READS]
        return compact(service, names)

    @cached_property
    def log_groups(self) -> tuple[str, ...]:
        """ARN patterns of the log groups that Lambda gives to the agent's functions."""
        if "lambda" not in self.services:
            return ()
        return tuple(
            f"arn:{PARTITION}:logs:*:{account}:log-group:/aws/lambda/{prefix}*"
            for environment in self.environments
            for account in ((self.account,) if self.account is not None else environment.accounts)
            for prefix in self.agent.prefixes(environment)
        )

    @property
    def intake(self) -> tuple[str, ...]:
        """ARN pattern of the function that takes the agent's plans; none where it proposes none."""
        return (self.names.intake_arn(self.account or ACCOUNT),) if self.proposes else ()

    @property
    def writes(self) -> tuple[str, ...]:
        """Patterns of all writes of the agent's services that can be confined."""
        patterns = [p for service in self.services for p in compact(service, self.actions(service, WRITES))]
        return (*patterns, *(a.name for a in self.agent.actions if a.access_level == "Write"))

    @property
    def transforms(self) -> tuple[str, ...]:
        """ARNs of the CloudFormation transforms that the agent's templates may use."""
        return tuple(
            f"arn:{PARTITION}:cloudformation:*:{'aws' if t.startswith('AWS::') else self.account or '*'}"
            f":transform/{t.removeprefix('AWS::')}"
            for t in sorted(self.agent.transforms)
        )

    @property
    def workload_principals(self) -> tuple[str, ...]:
        """Service principals that may be passed the agent's workload roles; empty where none is known."""
        return tuple(sorted({p for service in self.services for p in SERVICE_PRINCIPALS.get(service, ())}))


def _with_partition(arn: str) -> str:
    """Put the deployment's partition into an explicit ARN."""
    return f"arn:{PARTITION}:{arn.split(':', 2)[2]}"
