"""Nothing runs a build here, and nothing says that it ran."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.local.embedded.conftest import Account


def started(account: Account) -> dict[str, Any]:
    builds = account.client("codebuild")
    builds.create_project(
        name="terraform",
        source={"type": "NO_SOURCE", "buildspec": "version: 0.2"},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
            "environmentVariables": [{"name": "PLAN_DIGEST", "value": "none"}, {"name": "KEPT", "value": "yes"}],
        },
        serviceRole=account.role("builder"),
    )
    override = [{"name": "PLAN_DIGEST", "value": "sha256:1", "type": "PLAINTEXT"}]
    made = builds.start_build(projectName="terraform", environmentVariablesOverride=override)["build"]
    [found] = builds.batch_get_builds(ids=[made["id"]])["builds"]
    return dict(found)


def test_stock_says_that_it_succeeded(stock_account: Account) -> None:
    assert started(stock_account)["buildStatus"] == "SUCCEEDED"


def test_a_build_ends_with_a_fault_that_says_why(account: Account) -> None:
    build = started(account)
    assert build["buildStatus"] == "FAULT"
    assert "runs no builds" in build["phases"][1]["contexts"][0]["message"]
    variables = {each["name"]: each["value"] for each in build["environment"]["environmentVariables"]}
    assert variables == {"PLAN_DIGEST": "sha256:1", "KEPT": "yes"}
