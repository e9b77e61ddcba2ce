"""A saved plan of Terraform through the deployed workflow, up to the build, which nothing runs here."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.approval.reading import samples
from tests.local.approvals import app

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.approvals.site import Site

pytestmark = pytest.mark.integration
SAVED = b"what terraform plan -out wrote"
DIGEST = hashlib.sha256(SAVED).hexdigest()


def plan(site: Site) -> dict[str, Any]:
    """What `terraform show -json` printed, for the agent's account and Region."""
    text = json.dumps(samples.terraform()).replace(samples.ACCOUNT, site.spec.account)
    found: dict[str, Any] = json.loads(text.replace("eu-central-1", app.REGION))
    return found


def test_the_project_is_made_for_the_execution_role_and_no_agent_uses_it(reaching: Site) -> None:
    [project] = reaching.client("codebuild").batch_get_projects(names=[app.TERRAFORM])["projects"]
    role = project["serviceRole"]
    assert role.endswith(f":role/mcp-guardrails/agents/{app.AGENT}/mcp-guardrails-{app.AGENT}-execution")
    assert project["logsConfig"]["cloudWatchLogs"]["groupName"] == f"/aws/codebuild/{app.TERRAFORM}"
    assert (project["concurrentBuildLimit"], project["environment"]["privilegedMode"]) == (1, False)
    session = reaching.agent().session
    builds, sts = reaching.client("codebuild", session), reaching.client("sts", session)
    calls: tuple[Callable[[], Any], ...] = (
        lambda: builds.start_build(projectName=app.TERRAFORM),
        lambda: builds.update_project(name=app.TERRAFORM, source={"type": "NO_SOURCE", "buildspec": "version: 0.2"}),
        lambda: builds.batch_get_projects(names=[app.TERRAFORM]),
        lambda: sts.assume_role(RoleArn=role, RoleSessionName="me"),
    )
    for call in calls:
        with pytest.raises(ClientError, match="AccessDenied"):
            call()
    # Nor does root: the role trusts one service alone.
    with pytest.raises(ClientError, match="AccessDenied"):
        reaching.client("sts").assume_role(RoleArn=role, RoleSessionName="root")


def test_the_build_is_started_with_the_file_that_was_approved(reaching: Site) -> None:
    agent = reaching.agent()
    approval = agent.propose(
        form="terraform-plan", data=plan(reaching), savedPlan=base64.b64encode(SAVED).decode(), token="saved-plan-1"
    )
    reaching.waits(approval)
    bucket, key = reaching.outputs["Bucket"], f"plans/{app.AGENT}/{approval}/{DIGEST}.tfplan"
    root = reaching.client("s3")
    approved = root.head_object(Bucket=bucket, Key=key)["VersionId"]
    own = reaching.client("s3", agent.session)
    with pytest.raises(ClientError, match="AccessDenied"):
        own.get_object(Bucket=bucket, Key=key)
    with pytest.raises(ClientError, match="AccessDenied"):
        own.put_object(Bucket=bucket, Key=key)
    for who in ("alice", "bob"):
        if reaching.person(who).decide(approval)[1]["status"]["state"] == "approved":
            break
        root.put_object(Bucket=bucket, Key=key, Body=SAVED + b"!", ChecksumAlgorithm="SHA256")  # while it is decided
    reaching.ended(approval)

    [id_] = reaching.client("codebuild").list_builds_for_project(projectName=app.TERRAFORM)["ids"]
    [build] = reaching.client("codebuild").batch_get_builds(ids=[id_])["builds"]
    had = {each["name"]: each["value"] for each in build["environment"]["environmentVariables"]}
    assert (had["PLAN_KEY"], had["PLAN_VERSION"], had["PLAN_FILE_SHA256"]) == (key, approved, DIGEST)
    # Nothing runs a build on the embedded AWS, and the record says that it did not succeed.
    assert build["buildStatus"] == "FAULT"
    [outcome] = [record for record in reaching.chain(approval) if record.kind == "outcome"]
    assert outcome.body["outcome"] == "failed"
