"""The apply broker against the embedded AWS: change sets, roles, sessions and their policies are real there.

The evidence is kept by the fakes of the handlers' tests; what is new here is the agent's account.
"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.agents import AgentEnvironment
from sudo_mcp_guardrails.approval.applying.refusal import ApplyRefused
from sudo_mcp_guardrails.approval.store.settings import AgentSettings
from sudo_mcp_guardrails.handlers import approval_broker, approval_classify
from sudo_mcp_guardrails.local.embedded import clients
from tests.handlers.approval import works

if TYPE_CHECKING:
    from pathlib import Path

REGION = "us-east-1"
STACK = "release-bot-app"
CFN = {"Effect": "Allow", "Principal": {"Service": "cloudformation.amazonaws.com"}, "Action": "sts:AssumeRole"}
QUEUE = {"Resources": {"Jobs": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "release-bot-jobs"}}}}
TWO = {
    "Resources": {
        **QUEUE["Resources"],
        "More": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "release-bot-more", "DelaySeconds": 5}},
    }
}


class Deployed:
    """An agent's account with its roles, and the workflow's functions."""

    def __init__(self, account: Any, directory: Path) -> None:
        self.account = account
        agent = AgentSettings("owen@example.com", (AgentEnvironment.sandbox(account.id, regions=(REGION,)),))
        self.works = works.Works(directory, replace(works.SETTINGS, agents={"release-bot": agent}))
        path = "/mcp-guardrails/agents/release-bot/"
        self.execution = account.role(
            "mcp-guardrails-release-bot-execution",
            {"Effect": "Allow", "Action": ["sqs:*", "iam:*"], "Resource": "*"},
            trust=CFN,
            path=path,
        )
        # More than an apply role has: what holds a session here is its session policy alone.
        account.role("mcp-guardrails-release-bot-apply", {"Effect": "Allow", "Action": "*", "Resource": "*"}, path=path)
        self.used: list[Any] = []

    def plan(self, template: dict[str, Any], kind: str = "CREATE", **more: Any) -> str:
        """Create a change set, as the plan role does; returns its ARN."""
        options = {"RoleARN": self.execution, **more}
        made = self.account.client("cloudformation").create_change_set(
            StackName=STACK,
            ChangeSetName=f"next-{kind.lower()}",
            ChangeSetType=kind,
            TemplateBody=json.dumps(template),
            **{name: value for name, value in options.items() if value},
        )
        return str(made["Id"])

    def broker(self, **event: Any) -> dict[str, Any]:
        tools = approval_broker.Tools(self.works.place, self.account.client("sts"), self._make)
        return approval_broker.handler(event, None, tools)

    def _make(self, service: str, region: str, credentials: Any, *, once: bool) -> Any:
        assert once in {True, False}
        session = clients.assumed(credentials)
        self.used.append(session)
        return self.account.client(service, session, region)

    def read(self, change_set: str = "", **proposal: Any) -> tuple[str, dict[str, Any]]:
        body = {
            "environment": "sandbox",
            "account": self.account.id,
            "region": REGION,
            **(proposal or {"form": "cloudformation-change-set", "changeSet": change_set}),
        }
        answer = self.works.request("POST", "/approvals", body)
        approval = str(json.loads(answer["body"])["approval"])
        asked = json.loads(self.works.stepfunctions.executions[approval])
        return approval, {"input": asked, **self.broker(op="read", input=asked)}

    def approved(self, change_set: str = "", **proposal: Any) -> str:
        approval, found = self.read(change_set, **proposal)
        assert approval_classify.handler(found, None, self.works.place)["next"] == "people"
        for who in ("alice", "bob"):
            if not self.works.case(approval).status(self.works.settings.policy, int(self.works.time)).executable:
                self.works.decide(approval, who)
        return approval

    def apply(self, approval: str) -> dict[str, Any]:
        case = self.works.case(approval)
        digests = {"approvalDigest": case.digest, "planDigest": case.request.plan_digest}
        return self.broker(op="apply", approval=approval, **digests)

    def carried_out(self, approval: str) -> dict[str, Any]:
        answer = self.apply(approval)
        following = {"approval": approval, "execution": answer["execution"]}
        for _ in range(100):
            if not answer["running"]:
                break
            time.sleep(0.1)
            answer = self.broker(op="poll", **following)
        assert answer["running"] is False
        return {**answer, **self.broker(op="verify", **following)}

    def queues(self) -> list[str]:
        found = self.account.client("sqs").list_queues().get("QueueUrls", [])
        return sorted(url.rpartition("/")[2] for url in found)


@pytest.fixture
def deployed(account: Any, tmp_path: Path) -> Deployed:
    return Deployed(account, tmp_path)


def test_a_change_set_is_executed_and_then_another_one(deployed: Deployed) -> None:
    first = deployed.carried_out(deployed.approved(deployed.plan(QUEUE)))
    assert (first["outcome"], first["deviations"]) == ("executed", [])
    assert deployed.queues() == ["release-bot-jobs"]
    second = deployed.carried_out(deployed.approved(deployed.plan(TWO, "UPDATE")))
    assert second["outcome"] == "executed"
    # ministack writes events of resources that stay as they are, which AWS does not.
    assert set(second["deviations"]) <= {"Jobs was changed, and is not in the plan"}
    assert deployed.queues() == ["release-bot-jobs", "release-bot-more"]


def test_a_change_set_that_was_replaced_after_approval_is_refused(deployed: Deployed) -> None:
    arn = deployed.plan(QUEUE)
    approval = deployed.approved(arn)
    deployed.account.client("cloudformation").delete_change_set(StackName=STACK, ChangeSetName="next-create")
    assert deployed.plan(TWO) != arn
    answer = deployed.apply(approval)
    assert answer["refused"] is True
    assert "is not there any more" in answer["because"]
    assert {"deviation", "refused"} <= set(deployed.works.kinds(approval))
    assert deployed.queues() == []


def test_a_change_set_without_the_pinned_role_is_refused(deployed: Deployed) -> None:
    arn = deployed.plan(QUEUE, RoleARN="")
    with pytest.raises(ApplyRefused, match="works under no role"):
        deployed.read(arn)


def test_a_second_apply_changes_nothing(deployed: Deployed) -> None:
    approval = deployed.approved(deployed.plan(QUEUE))
    done = deployed.carried_out(approval)
    again = deployed.carried_out(approval)
    assert (again["outcome"], again["execution"]) == (done["outcome"], done["execution"])
    events = deployed.account.client("cloudformation").describe_stack_events(StackName=STACK)["StackEvents"]
    assert len([each for each in events if each["LogicalResourceId"] == "Jobs"]) <= 2


def test_a_rollback_is_told(deployed: Deployed) -> None:
    deployed.account.client("sqs").create_queue(QueueName="release-bot-jobs", Attributes={"DelaySeconds": "9"})
    template = {
        "Resources": {
            "Role": {
                "Type": "AWS::IAM::ManagedPolicy",
                "Properties": {"ManagedPolicyName": "x", "PolicyDocument": {"Version": "2012-10-17", "Statement": []}},
            }
        }
    }
    iam = deployed.account.client("iam")
    iam.put_role_policy(
        RoleName="mcp-guardrails-release-bot-execution",
        PolicyName="inline",
        PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}]}
        ),
    )
    approval = deployed.approved(deployed.plan(template, Capabilities=["CAPABILITY_NAMED_IAM"]))
    done = deployed.carried_out(approval)
    assert done["outcome"] == "rolled-back"
    assert any("Role is CREATE_FAILED" in each and "iam:CreatePolicy" in each for each in done["deviations"])


def test_the_sessions_reach_nothing_but_their_part(deployed: Deployed, refusal: Any) -> None:
    approval = deployed.approved(deployed.plan(QUEUE))
    deployed.carried_out(approval)
    assert deployed.used
    for session in deployed.used:
        for service, call in (
            ("sqs", lambda client: client.create_queue(QueueName="stolen")),
            ("iam", lambda client: client.create_user(UserName="stolen")),
            ("cloudformation", lambda client: client.delete_stack(StackName=STACK)),
        ):
            client = deployed.account.client(service, session)
            assert refusal(lambda call=call, client=client: call(client)) in {"AccessDenied", "AccessDeniedException"}
    assert deployed.queues() == ["release-bot-jobs"]


def test_calls_are_made_with_the_approved_parameters_alone(deployed: Deployed) -> None:
    calls = [
        {"service": "sqs", "operation": "CreateQueue", "parameters": {"QueueName": "release-bot-jobs"}},
        {"service": "sqs", "operation": "CreateQueue", "parameters": {"QueueName": "release-bot-more"}},
    ]
    done = deployed.carried_out(deployed.approved(form="api-calls", data=calls))
    assert (done["outcome"], done["deviations"]) == ("executed", [])
    assert deployed.queues() == ["release-bot-jobs", "release-bot-more"]


def test_a_request_to_cloud_control_is_made_once(deployed: Deployed) -> None:
    state = {"QueueName": "release-bot-jobs"}
    request = {"TypeName": "AWS::SQS::Queue", "DesiredState": json.dumps(state)}
    approval = deployed.approved(form="cloud-control-request", data=request)
    done = deployed.carried_out(approval)
    assert (done["outcome"], deployed.queues()) == ("executed", ["release-bot-jobs"]), done
    assert deployed.carried_out(approval)["outcome"] == "executed"


def test_an_object_that_was_swapped_after_approval_is_refused(deployed: Deployed) -> None:
    s3 = deployed.account.client("s3")
    s3.create_bucket(Bucket="release-bot-code")
    s3.put_bucket_versioning(Bucket="release-bot-code", VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket="release-bot-code", Key="api.json", Body=b"{}")
    location = {"Bucket": "release-bot-code", "Key": "api.json"}
    template = {
        "Resources": {
            "Api": {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "a", "BodyS3Location": location}}
        }
    }
    approval = deployed.approved(deployed.plan(template))
    s3.put_object(Bucket="release-bot-code", Key="api.json", Body=b'{"x": 1}')
    answer = deployed.apply(approval)
    assert answer["refused"] is True
    assert "not what was approved" in answer["because"]
