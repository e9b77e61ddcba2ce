"""An agent's account as the broker sees it: its apply role, a stack with change sets, queues, requests and builds.

Every call is checked against botocore's model, counted, and may crash before or after; writes are kept in `ran`.
"""

from __future__ import annotations

import copy
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tests.handlers.approval import fakes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ACCOUNT = "222222222222"
REGION = "eu-central-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/mcp-guardrails/agents/release-bot/mcp-guardrails-release-bot-execution"
STACK = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:stack/release-bot-app/0a1b2c3d-1111-2222-3333-444455556666"
CHANGE_SET = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:changeSet/next/11111111-2222-3333-4444-555566667777"
OTHER_CHANGE_SET = f"arn:aws:cloudformation:{REGION}:{ACCOUNT}:changeSet/next/99999999-2222-3333-4444-555566667777"
TEMPLATE = {
    "Resources": {
        "Jobs": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "release-bot-jobs"}},
        "Worker": {
            "Type": "AWS::Lambda::LayerVersion",
            "Properties": {"Content": {"S3Bucket": "release-bot-code", "S3Key": "layer.zip"}},
        },
    }
}


def error(code: str, status: int = 400, message: str = "") -> ClientError:
    """Return an error as boto3 raises it, with its HTTP status."""
    return ClientError(
        {"Error": {"Code": code, "Message": message or code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Call"
    )


def rows() -> list[dict[str, Any]]:
    return [
        {
            "Type": "Resource",
            "ResourceChange": {
                "Action": "Add",
                "LogicalResourceId": id_,
                "ResourceType": resource["Type"],
                "Scope": [],
                "Details": [],
                "AfterContext": json.dumps({"Properties": resource["Properties"]}),
            },
        }
        for id_, resource in TEMPLATE["Resources"].items()
    ]


class Target:
    """The account."""

    def __init__(self, faults: fakes.Faults) -> None:
        self.faults = faults
        self.ran: list[str] = []
        self.assumed: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str, bool]] = []
        self.fails: dict[str, Exception] = {}
        self.rows = rows()
        self.parameters = [{"ParameterKey": "Size", "ParameterValue": "small"}]
        self.change_sets = {CHANGE_SET: "AVAILABLE"}
        self.stack = {"StackName": "release-bot-app", "StackId": STACK, "StackStatus": "REVIEW_IN_PROGRESS"}
        self.role = ROLE
        self.ends = "CREATE_COMPLETE"
        self.events: list[dict[str, Any]] = []
        self.extra_events: list[dict[str, Any]] = []
        self.template: Any = copy.deepcopy(TEMPLATE)
        self.object_version = "v1"
        self.requests: dict[str, dict[str, Any]] = {}
        self.properties: dict[str, Any] = {"QueueName": "release-bot-jobs", "DelaySeconds": 0}
        self.builds: dict[str, dict[str, Any]] = {}
        self.page = 1
        self.on_write: Callable[[], None] = lambda: None

    def make(self, service: str, region: str, credentials: Mapping[str, str], *, once: bool) -> Any:
        assert credentials["SecretAccessKey"] == "secret-of-a-session"
        self.asked.append((service, region, once))
        return {
            "cloudformation": CloudFormation,
            "cloudcontrol": CloudControl,
            "codebuild": CodeBuild,
            "s3": Objects,
            "sqs": Queues,
        }[service](self)

    def call(self, service: str, operation: str, call: dict[str, Any], action: Callable[[], Any]) -> Any:
        fakes._check(service, operation, call)
        if operation in self.fails:
            raise self.fails[operation]
        return self.faults.around(operation, action)

    def write(self, service: str, operation: str, call: dict[str, Any], action: Callable[[], Any]) -> Any:
        def written() -> Any:
            answer = action()
            self.on_write()
            self.ran.append(f"{operation} {call.get('QueueName', '')}".strip())
            return answer

        return self.call(service, operation, call, written)


class Sts:
    def __init__(self, target: Target) -> None:
        self.target = target

    def assume_role(self, **call: Any) -> dict[str, Any]:
        def assumed() -> dict[str, Any]:
            self.target.assumed.append(call)
            return {
                "Credentials": {
                    "AccessKeyId": "ASIAEXAMPLE",
                    "SecretAccessKey": "secret-of-a-session",
                    "SessionToken": "token-of-a-session",
                }
            }

        answer: dict[str, Any] = self.target.call("sts", "AssumeRole", call, assumed)
        return answer


class Client:
    def __init__(self, target: Target) -> None:
        self.target = target


class CloudFormation(Client):
    def describe_change_set(self, **call: Any) -> dict[str, Any]:
        target = self.target

        def described() -> dict[str, Any]:
            arn = call["ChangeSetName"]
            if arn not in target.change_sets:
                raise error("ChangeSetNotFound", 404)
            start = int(call.get("NextToken", "0"))
            end = start + target.page
            more = {"NextToken": str(end)} if end < len(target.rows) else {}
            return {
                "ChangeSetName": "next",
                "ChangeSetId": arn,
                "StackId": STACK,
                "StackName": "release-bot-app",
                "Parameters": target.parameters,
                "Status": "CREATE_COMPLETE",
                "ExecutionStatus": target.change_sets[arn],
                "Capabilities": [],
                "Tags": [],
                "NotificationARNs": [],
                "Changes": target.rows[start:end],
                **more,
            }

        answer: dict[str, Any] = target.call("cloudformation", "DescribeChangeSet", call, described)
        return answer

    def get_template(self, **call: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.target.call(
            "cloudformation", "GetTemplate", call, lambda: {"TemplateBody": copy.deepcopy(self.target.template)}
        )
        return answer

    def describe_stacks(self, **call: Any) -> dict[str, Any]:
        stack = {**self.target.stack, **({"RoleARN": self.target.role} if self.target.role else {})}
        answer: dict[str, Any] = self.target.call("cloudformation", "DescribeStacks", call, lambda: {"Stacks": [stack]})
        return answer

    def describe_stack_events(self, **call: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.target.call(
            "cloudformation", "DescribeStackEvents", call, lambda: {"StackEvents": list(self.target.events)}
        )
        return answer

    def execute_change_set(self, **call: Any) -> dict[str, Any]:
        target = self.target

        def executed() -> dict[str, Any]:
            arn = call["ChangeSetName"]
            if arn not in target.change_sets:
                raise error("ChangeSetNotFound", 404)
            if target.change_sets[arn] != "AVAILABLE":
                raise error("InvalidChangeSetStatus")
            good = target.ends.endswith("_COMPLETE") and "ROLLBACK" not in target.ends
            target.change_sets[arn] = "EXECUTE_COMPLETE" if good else "EXECUTE_FAILED"
            target.stack["StackStatus"] = target.ends
            token = {"ClientRequestToken": call["ClientRequestToken"]}
            target.events = [
                {"LogicalResourceId": "release-bot-app", "PhysicalResourceId": STACK, **token},
                *(
                    {
                        "LogicalResourceId": row["ResourceChange"]["LogicalResourceId"],
                        "PhysicalResourceId": "made",
                        "ResourceType": row["ResourceChange"]["ResourceType"],
                        "ResourceStatus": "CREATE_COMPLETE",
                        **token,
                    }
                    for row in target.rows
                ),
                *({**event, **token} for event in target.extra_events),
            ]
            return {}

        answer: dict[str, Any] = target.write("cloudformation", "ExecuteChangeSet", call, executed)
        return answer


class CloudControl(Client):
    def _request(self, operation: str, call: dict[str, Any], identifier: str) -> dict[str, Any]:
        target = self.target
        if call["ClientToken"] in target.requests:  # the same request, as AWS takes it
            return {"ProgressEvent": target.call("cloudcontrol", operation, call, lambda: self._known(call))}

        def made() -> dict[str, Any]:
            event = {
                "TypeName": call["TypeName"],
                "Identifier": identifier,
                "RequestToken": f"request-{len(target.requests)}",
                "Operation": operation.removesuffix("Resource").upper(),
                "OperationStatus": "SUCCESS",
            }
            target.requests[call["ClientToken"]] = event
            if "PatchDocument" in call:
                for step in json.loads(call["PatchDocument"]):
                    target.properties[step["path"].lstrip("/")] = step["value"]
            return {"ProgressEvent": event}

        answer: dict[str, Any] = target.write("cloudcontrol", operation, call, made)
        return answer

    def _known(self, call: dict[str, Any]) -> dict[str, Any]:
        return self.target.requests[call["ClientToken"]]

    def create_resource(self, **call: Any) -> dict[str, Any]:
        return self._request("CreateResource", call, "made")

    def update_resource(self, **call: Any) -> dict[str, Any]:
        return self._request("UpdateResource", call, call["Identifier"])

    def get_resource_request_status(self, **call: Any) -> dict[str, Any]:
        found = next(each for each in self.target.requests.values() if each["RequestToken"] == call["RequestToken"])
        answer: dict[str, Any] = self.target.call(
            "cloudcontrol", "GetResourceRequestStatus", call, lambda: {"ProgressEvent": found}
        )
        return answer

    def get_resource(self, **call: Any) -> dict[str, Any]:
        described = {"Identifier": call["Identifier"], "Properties": json.dumps(self.target.properties)}
        answer: dict[str, Any] = self.target.call(
            "cloudcontrol", "GetResource", call, lambda: {"ResourceDescription": described}
        )
        return answer


class CodeBuild(Client):
    def start_build(self, **call: Any) -> dict[str, Any]:
        target = self.target
        if call["idempotencyToken"] in target.builds:
            known = target.builds[call["idempotencyToken"]]
            answer: dict[str, Any] = target.call("codebuild", "StartBuild", call, lambda: {"build": known})
            return answer
        variables = [dict(each) for each in call["environmentVariablesOverride"]]
        digest = next(each["value"] for each in variables if each["name"] == "PLAN_DIGEST")
        build = {
            "id": f"{call['projectName']}:1",
            "buildStatus": "SUCCEEDED",
            "environment": {"environmentVariables": variables},
            "exportedEnvironmentVariables": [{"name": "APPLIED_DIGEST", "value": digest}],
        }

        def made() -> dict[str, Any]:
            target.builds[call["idempotencyToken"]] = build
            return {"build": build}

        started: dict[str, Any] = target.write("codebuild", "StartBuild", call, made)
        return started

    def batch_get_builds(self, **call: Any) -> dict[str, Any]:
        found = [each for each in self.target.builds.values() if each["id"] in call["ids"]]
        answer: dict[str, Any] = self.target.call("codebuild", "BatchGetBuilds", call, lambda: {"builds": found})
        return answer


class Objects(Client):
    def head_object(self, **call: Any) -> dict[str, Any]:
        version = self.target.object_version
        answer: dict[str, Any] = self.target.call(
            "s3", "HeadObject", call, lambda: {"VersionId": version} if version else {}
        )
        return answer


class Queues(Client):
    meta = SimpleNamespace(method_to_api_mapping={"create_queue": "CreateQueue", "delete_queue": "DeleteQueue"})

    def create_queue(self, **call: Any) -> dict[str, Any]:
        answer: dict[str, Any] = self.target.write("sqs", "CreateQueue", call, lambda: {"QueueUrl": "https://queue"})
        return answer
