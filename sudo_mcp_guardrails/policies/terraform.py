"""The vocabulary of a build that applies approved Terraform plans of an agent: its state, its log, its network."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agent_checks import InvalidAgentError

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.naming import GuardrailNames

_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9!_.'()/-]{0,500}")
_TABLE: Final = re.compile(r"[A-Za-z0-9_.-]{3,255}")
_GROUP: Final = re.compile(r"[A-Za-z0-9_/.#-]{1,512}")


@dataclass(frozen=True)
class TerraformState:
    """Where Terraform keeps the state of what an agent deploys: a backend of type ``s3``, in the agent's own account.

    Only the build writes it. Names and no constructs, so that a proof knows them.

    Args:
        bucket: Name of the bucket, in one of the agent's Regions.
        key: Key of the state; of the default workspace alone.
        lock_table: Name of the DynamoDB table of locks. Default: none, and S3 locks, at ``<key>.tflock``
            (``use_lockfile``).

    Raises:
        InvalidAgentError: For what is no such name.
    """

    bucket: str
    key: str
    lock_table: str = ""

    def __post_init__(self) -> None:
        """Validate."""
        for what, value, pattern, allowed in (
            ("bucket of Terraform's state", self.bucket, _BUCKET, "the name of a bucket, known before deployment"),
            ("key of Terraform's state", self.key, _KEY, "letters, digits, and any of !_.'()/- after the first"),
            ("lock table of Terraform", self.lock_table or "none", _TABLE, "the name of a table, or an empty text"),
        ):
            if not pattern.fullmatch(value):
                raise InvalidAgentError(what, value, allowed)


@dataclass(frozen=True)
class TerraformNetwork:
    """Where a build runs in a VPC of the agent's account. Ids and no constructs, so that a proof knows them.

    Args:
        vpc: Id of the VPC.
        subnets: Ids of subnets of it, which have a way to AWS, and to what Terraform's providers call.
        security_groups: Ids of security groups.

    Raises:
        InvalidAgentError: For what is no such id, or for none.
    """

    vpc: str
    subnets: tuple[str, ...]
    security_groups: tuple[str, ...]

    def __post_init__(self) -> None:
        """Validate."""
        for kind, ids in (("vpc", (self.vpc,)), ("subnet", self.subnets), ("sg", self.security_groups)):
            wrong = [each for each in ids if not re.fullmatch(rf"{kind}-[0-9a-f]{{8,17}}", each)]
            if wrong or not ids:
                raise InvalidAgentError(
                    "network of Terraform", ", ".join(wrong) or "without one", f"ids such as {kind}-0a1b2c3d4e5f60718"
                )


@dataclass(frozen=True)
class TerraformBuild:
    """What the build of one agent uses.

    Args:
        state: Where the state is.
        log_group: Name of its log group. Default: ``/aws/codebuild/`` and the project's name.
        network: Where it runs in a VPC. Default: in none.

    Raises:
        InvalidAgentError: For what is no name of a log group.
    """

    state: TerraformState
    log_group: str = ""
    network: TerraformNetwork | None = None

    def __post_init__(self) -> None:
        """Validate."""
        if self.log_group and not _GROUP.fullmatch(self.log_group):
            raise InvalidAgentError(
                "log group of Terraform", self.log_group, "the name of a log group, known before deployment"
            )

    def check(self, names: GuardrailNames) -> None:
        """Check that the state is none of the guardrails' own; raises InvalidAgentError."""
        for name in (self.state.bucket, self.state.lock_table):
            if name.startswith((f"{names.prefix}-", "cdk-")):
                raise InvalidAgentError("place of Terraform's state", name, "neither the guardrails' nor the CDK's")


def project_name(names: GuardrailNames, agent: str) -> str:
    """Return the name of the CodeBuild project that applies an agent's approved Terraform plans."""
    return names.approval_name(f"terraform-{agent}")
