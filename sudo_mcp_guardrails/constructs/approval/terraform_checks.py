"""What the props of a Terraform project are checked for, and what its resource is made from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_logs as logs

from sudo_mcp_guardrails.constructs.approval.names import WorkflowError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.policies.terraform import TerraformNetwork

_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
_DIRECTORY: Final = re.compile(r"/[A-Za-z0-9_./-]{1,200}")
_PROGRAM: Final = re.compile(r"[A-Za-z0-9_./-]{1,200}")
_SHORTEST, _LONGEST = 5, 8 * 60


def known_name(group: logs.ILogGroup | None) -> str:
    """Return the name of a given log group, which the policies name; raises WorkflowError where nobody knows it."""
    if group is None:
        return ""
    made: Any = group.node.default_child
    name = made.log_group_name if isinstance(made, logs.CfnLogGroup) else group.log_group_name
    if name is None or cdk.Token.is_unresolved(name):
        raise WorkflowError(f"log_group {group.node.path!r} is not allowed, expected one with a log_group_name")
    return str(name)


def check_build(  # noqa: PLR0917 - the props of one form
    digest: str, directory: str, terraform: str, python: str, architecture: str, minutes: float
) -> None:
    """Raise WorkflowError for a prop of another form."""
    for name, value, pattern, allowed in (
        ("digest", digest, _DIGEST, "sha256: and 64 hexadecimal digits in lower case"),
        ("directory", directory, _DIRECTORY, "an absolute path of letters, digits and any of _./-"),
        ("terraform", terraform, _PROGRAM, "a program, such as tofu"),
        ("python", python, _PROGRAM, "a program, such as python3"),
        ("architecture", architecture, re.compile("x86_64|arm64"), "x86_64 or arm64"),
    ):
        if not pattern.fullmatch(value):
            raise WorkflowError(f"{name} {value!r} of a Terraform project is not allowed, expected {allowed}")
    if not _SHORTEST <= minutes <= _LONGEST:
        raise WorkflowError(
            f"timeout of {minutes:g} minutes of a Terraform project is not allowed, expected {_SHORTEST} to {_LONGEST}"
        )


def vpc_of(network: TerraformNetwork | None) -> codebuild.CfnProject.VpcConfigProperty | None:
    """Return where the build runs in a VPC; None where it runs in none."""
    if network is None:
        return None
    subnets: Sequence[str] = network.subnets
    return codebuild.CfnProject.VpcConfigProperty(
        vpc_id=network.vpc, subnets=list(subnets), security_group_ids=list(network.security_groups)
    )


COMPUTE: Final = {
    codebuild.ComputeType.SMALL: "BUILD_GENERAL1_SMALL",
    codebuild.ComputeType.MEDIUM: "BUILD_GENERAL1_MEDIUM",
    codebuild.ComputeType.LARGE: "BUILD_GENERAL1_LARGE",
    codebuild.ComputeType.X_LARGE: "BUILD_GENERAL1_XLARGE",
    codebuild.ComputeType.X2_LARGE: "BUILD_GENERAL1_2XLARGE",
}
"""Sizes of machines, as CloudFormation calls them."""
