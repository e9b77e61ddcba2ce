"""One deployment of the monitoring on the embedded AWS, the recorder of its webhooks, and who works there."""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.local.embedded import clients
from sudo_mcp_guardrails.local.embedded.function_urls import call_function_url
from sudo_mcp_guardrails.local.response.asking import Intake
from tests.local.monitoring import app

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws
    from tests.local.hooks import Hooks

PATIENCE = 90.0
ASSETS = "delivery-assets"


def until(asked: Callable[[], Any], seconds: float = PATIENCE) -> Any:
    """Return what is found as soon as something is; raises AssertionError where nothing ever is."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := asked():
            return found
        time.sleep(0.2)
    raise AssertionError(f"it did not happen in {seconds} s")


class Site:
    """The deployment.

    Args:
        aws: The embedded AWS.
        hooks: Where the webhooks are.
        folder: To work in.
    """

    def __init__(self, aws: EmbeddedAws, hooks: Hooks, folder: Path) -> None:
        self.aws = aws
        self.hooks = hooks
        self.heard: dict[str, list[str]] = {}
        self.client("securityhub").enable_security_hub()
        out = folder / "out"
        template = app.synthesized(out, hooks.url)
        s3 = self.client("s3")
        s3.create_bucket(Bucket=ASSETS)
        self._upload(template, out, folder)
        s3.put_object(Bucket=ASSETS, Key="template.json", Body=json.dumps(template).encode())
        cloudformation = self.client("cloudformation")
        cloudformation.create_stack(
            StackName=app.STACK,
            TemplateURL=f"{aws.endpoint_url}/{ASSETS}/template.json",
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )

        def settled() -> Any:
            one = cloudformation.describe_stacks(StackName=app.STACK)["Stacks"][0]
            return None if one["StackStatus"].endswith("_IN_PROGRESS") else one

        stack = until(settled)
        stack_events = cloudformation.describe_stack_events(StackName=app.STACK)["StackEvents"]
        failed = [one for one in stack_events if "FAILED" in one["ResourceStatus"]]
        why = [(one["LogicalResourceId"], one.get("ResourceStatusReason")) for one in failed]
        assert stack["StackStatus"] == "CREATE_COMPLETE", (stack["StackStatus"], stack.get("StackStatusReason"), why)
        self.outputs = {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}

    def _upload(self, template: dict[str, Any], out: Path, folder: Path) -> None:
        for resource in template["Resources"].values():
            code = resource.get("Properties", {}).get("Code") or {}
            if resource["Type"] != "AWS::Lambda::Function" or "S3Key" not in code:
                continue
            name = code["S3Key"].removesuffix(".zip")
            archive = folder / f"{name}.zip"
            if not archive.exists():
                shutil.make_archive(str(archive.with_suffix("")), "zip", out / f"asset.{name}")
                self.client("s3").put_object(Bucket=ASSETS, Key=archive.name, Body=archive.read_bytes())
            code.update(S3Bucket=ASSETS, S3Key=archive.name)

    def client(self, service: str, session: Any = None) -> Any:
        """A client of the account's root, or of a session."""
        return self.aws.client(service, account=app.ACCOUNT, region=app.REGION, session=session)

    def role(self, name: str) -> Any:
        """A session of a role of the account."""
        role = f"arn:aws:iam::{app.ACCOUNT}:role/{name}"
        answer = self.client("sts").assume_role(RoleArn=role, RoleSessionName="test")
        return clients.assumed(answer["Credentials"], app.REGION)

    def mint(self, agent: str) -> tuple[int, dict[str, Any]]:
        """Ask the session broker, as the agents' host, for a session that reads."""
        wish = {"agent": agent, "capability": "read", "ticket": "OPS-1"}
        url = self.outputs["Broker"]
        return call_function_url(self.aws.endpoint_url, url, self.role("agenthost"), wish, region=app.REGION)

    def agent(self, name: str) -> Any:
        """A session of an agent that reads."""
        status, body = self.mint(name)
        assert status == 200, body
        return clients.session(body["AccessKeyId"], body["SecretAccessKey"], body["SessionToken"], app.REGION)

    def intake(self) -> Intake:
        """The kill switch, asked by the SOC."""
        return Intake(self.outputs["Switch"], self.role("soc"), app.REGION, self.aws.endpoint_url)

    def call(self, role: str, **changes: Any) -> str:
        """Send an event to the function's queue, as EventBridge would one of CloudTrail; return its id.

        It is a `StopLogging` by a role of people, and whatever is said of it: what stands in an event is chosen by
        whoever makes the call, and no client of boto3 would let all of it through.

        Args:
            role: Who calls; its own name, so that its finding is its own too.
            changes: Members of the event.
        """
        detail = {**stopped(role, f"{time.time_ns():032x}"), **changes}
        event = {"source": "aws.cloudtrail", "detail-type": "AWS API Call via CloudTrail", "detail": detail}
        self.client("sqs").send_message(QueueUrl=self.outputs["Queue"], MessageBody=json.dumps(event))
        return str(detail["eventID"])

    def letters(self, queue: str, hidden: int = 0) -> list[dict[str, Any]]:
        """Dead letters of a queue, ten at most, which stay in it and are hidden for so many seconds."""
        answer = self.client("sqs").receive_message(
            QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=hidden
        )
        return list(answer.get("Messages", []))

    def bodies(self, queue: str) -> list[str]:
        """All that ever came to a queue of ours, by its name."""
        sqs = self.client("sqs")
        url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        kept = self.heard.setdefault(queue, [])
        while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for one in found:
                kept.append(one["Body"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
        return kept

    def hub(self, event_id: str) -> dict[str, Any] | None:
        """The finding about an event, as Security Hub has it."""
        found = self.client("securityhub").get_findings()["Findings"]
        return next((one for one in found if one["ProductFields"]["sudo-mcp-guardrails/eventID"] == event_id), None)


def stopped(role: str, number: str) -> dict[str, Any]:
    """A `StopLogging` by a role, as CloudTrail tells of it."""
    issuer = {"type": "Role", "arn": f"arn:aws:iam::{app.ACCOUNT}:role/{role}", "accountId": app.ACCOUNT}
    return {
        "eventVersion": "1.11",
        "eventID": f"{number[:8]}-{number[8:12]}-{number[12:16]}-{number[16:20]}-{number[20:]}",
        "eventTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "eventSource": "cloudtrail.amazonaws.com",
        "eventName": "StopLogging",
        "eventType": "AwsApiCall",
        "eventCategory": "Management",
        "managementEvent": True,
        "readOnly": False,
        "awsRegion": app.REGION,
        "sourceIPAddress": "192.0.2.10",
        "userAgent": "made up",
        "recipientAccountId": app.ACCOUNT,
        "userIdentity": {
            "type": "AssumedRole",
            "accountId": app.ACCOUNT,
            "principalId": "AROAEXAMPLE:someone",
            "arn": f"arn:aws:sts::{app.ACCOUNT}:assumed-role/{role}/someone",
            "sessionContext": {"sessionIssuer": {**issuer, "userName": role, "principalId": "AROAEXAMPLE"}},
        },
        "requestParameters": {"name": "the-trail"},
        "responseElements": None,
    }
