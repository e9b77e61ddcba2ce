"""A policy that binds a build's variables, and wants overrides to be absent, holds on the embedded AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.embedded.conftest import Account

VARIABLES = "codebuild:environment.environmentVariables"
BOUND = {
    "Effect": "Allow",
    "Action": "codebuild:StartBuild",
    "Resource": "*",
    "Condition": {
        "StringEquals": {f"{VARIABLES}/PLAN.value": "approved"},
        "ForAllValues:StringEquals": {f"{VARIABLES}.name": ["PLAN"]},
        "Null": {"codebuild:source.buildspec": "true", "codebuild:environment.image": "true"},
    },
}


def start(account: Account, variables: dict[str, str], **more: Any) -> Callable[[], Any]:
    account.client("codebuild").create_project(
        name="terraform",
        source={"type": "NO_SOURCE", "buildspec": "version: 0.2"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "a", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=account.role("builder"),
    )
    builds = account.client("codebuild", account.assume(account.role("starter", BOUND)))
    given = [{"name": name, "value": value, "type": "PLAINTEXT"} for name, value in variables.items()]
    return lambda: builds.start_build(projectName="terraform", environmentVariablesOverride=given, **more)


def test_what_is_bound_starts(account: Account) -> None:
    assert start(account, {"PLAN": "approved"})()["build"]["id"]


@pytest.mark.parametrize(
    ("variables", "more"),
    [
        ({"PLAN": "another"}, {}),
        ({}, {}),
        ({"PLAN": "approved", "MORE": "x"}, {}),
        ({"PLAN": "approved"}, {"buildspecOverride": "version: 0.2"}),
        ({"PLAN": "approved"}, {"imageOverride": "another"}),
    ],
)
def test_nothing_else_does(
    account: Account, refusal: Callable[..., str], variables: dict[str, str], more: dict[str, str]
) -> None:
    assert refusal(start(account, variables, **more)) == "AccessDeniedException"


def test_without_the_extension_not_even_what_is_bound_starts(
    aws_without: Callable[..., Any], account_on: Callable[..., Account], refusal: Callable[..., str]
) -> None:
    account = account_on(aws_without("build_keys"))
    assert refusal(start(account, {"PLAN": "approved"})) == "AccessDeniedException"
