"""The monitoring deployed: an agent's call, the canary, and a flood come through as findings on the bus."""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions

from sudo_mcp_guardrails import AgentMonitoring
from sudo_mcp_guardrails.local.embedded import clients
from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.integration
ACCOUNT, REGION, STACK, CODE = "320000000001", "us-east-1", "Monitoring", "monitoring-code"
FLOOD = 100
PATIENCE = 60.0


class Deployed:
    """The monitoring in an account, and what came to its bus."""

    def __init__(self, aws: EmbeddedAws, folder: Path) -> None:
        self.aws = aws
        self.findings: list[dict[str, Any]] = []
        out = folder / "out"
        app = cdk.App(outdir=str(out), analytics_reporting=False)
        stack = cdk.Stack(
            app,
            STACK,
            env=cdk.Environment(account=ACCOUNT, region=REGION),
            synthesizer=cdk.DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
        )
        made = AgentMonitoring(stack, "M")
        for name, value in (("Canary", made.canary.function.ref), ("Dead", made.queue.dead_letter_queue.ref)):
            cdk.CfnOutput(stack, name, value=value)
        template = assertions.Template.from_stack(stack).to_json()
        app.synth()
        s3 = self.client("s3")
        s3.create_bucket(Bucket=CODE)
        for resource in template["Resources"].values():
            code = resource.get("Properties", {}).get("Code")
            if resource["Type"] == "AWS::Lambda::Function" and code:
                name = code["S3Key"].removesuffix(".zip")
                archive = shutil.make_archive(str(folder / name), "zip", out / f"asset.{name}")
                with open(archive, "rb") as file:  # noqa: PTH123 - a name from shutil
                    s3.put_object(Bucket=CODE, Key=code["S3Key"], Body=file.read())
                code["S3Bucket"] = CODE
        s3.put_object(Bucket=CODE, Key="template.json", Body=json.dumps(template).encode())
        cloudformation = self.client("cloudformation")
        cloudformation.create_stack(
            StackName=STACK,
            TemplateURL=f"{aws.endpoint_url}/{CODE}/template.json",
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )

        def settled() -> Any:
            one = cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
            return None if one["StackStatus"].endswith("_IN_PROGRESS") else one

        one = until(settled)
        events = cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
        why = [
            f"{e['LogicalResourceId']}: {e.get('ResourceStatusReason')}"
            for e in events
            if "FAILED" in e["ResourceStatus"]
        ]
        assert one["StackStatus"] == "CREATE_COMPLETE", why
        self.outputs = {each["OutputKey"]: each["OutputValue"] for each in one["Outputs"]}
        self._listen()

    def client(self, service: str, session: Any = None) -> Any:
        return self.aws.client(service, account=ACCOUNT, region=REGION, session=session)

    def agent(self, name: str, *statements: dict[str, Any]) -> Any:
        """A session of a role on the agents' path."""
        iam = self.client("iam")
        trust = {"Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "sts:AssumeRole"}
        role = iam.create_role(
            RoleName=f"mcp-guardrails-{name}-read",
            Path=f"/mcp-guardrails/agents/{name}/",
            AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
        )["Role"]["Arn"]
        if statements:
            document = {"Version": "2012-10-17", "Statement": list(statements)}
            iam.put_role_policy(
                RoleName=f"mcp-guardrails-{name}-read", PolicyName="p", PolicyDocument=json.dumps(document)
            )
        answer = self.client("sts").assume_role(RoleArn=role, RoleSessionName="test")
        return clients.assumed(answer["Credentials"], REGION)

    def _listen(self) -> None:
        """Have a queue hear what is on the bus."""
        sqs, events = self.client("sqs"), self.client("events")
        self._url = sqs.create_queue(QueueName="heard")["QueueUrl"]
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:heard"
        allow = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
        policy = {"Version": "2012-10-17", "Statement": [{**allow, "Resource": arn}]}
        sqs.set_queue_attributes(QueueUrl=self._url, Attributes={"Policy": json.dumps(policy)})
        pattern = json.dumps({"detail-type": ["AgentFinding"]})
        events.put_rule(Name="heard", EventBusName="mcp-guardrails-findings", EventPattern=pattern)
        events.put_targets(Rule="heard", EventBusName="mcp-guardrails-findings", Targets=[{"Id": "1", "Arn": arn}])

    def heard(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any] | None:
        sqs = self.client("sqs")
        while found := sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get("Messages"):
            for each in found:
                self.findings.append(json.loads(each["Body"])["detail"])
                sqs.delete_message(QueueUrl=self._url, ReceiptHandle=each["ReceiptHandle"])
        return next((one for one in self.findings if wanted(one)), None)


def until(asked: Callable[[], Any]) -> Any:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := asked():
            return found
        time.sleep(0.2)
    raise AssertionError("it did not happen in time")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    with EmbeddedAws() as aws:
        yield Deployed(aws, tmp_path_factory.mktemp("monitoring"))


def test_a_call_of_an_agent_raises_a_finding(site: Deployed) -> None:
    may = {"Effect": "Allow", "Action": "cloudtrail:*", "Resource": "*"}
    session = site.agent("release-bot", may)
    site.client("s3").create_bucket(Bucket="the-trail")
    site.client("cloudtrail").create_trail(Name="watched", S3BucketName="the-trail")
    begin = time.monotonic()
    site.client("cloudtrail", session).stop_logging(Name="watched")
    found = until(lambda: site.heard(lambda one: one["rule"] == "aws_trail_stopped"))
    print(f"finding after {time.monotonic() - begin:.2f} s")  # noqa: T201 - the measured delay, for the page
    assert found["unmapped"]["agent"] == "release-bot"
    assert found["unmapped"]["notice"]["line"].startswith("[")


def test_the_canary_comes_through(site: Deployed) -> None:
    answer = site.client("lambda").invoke(FunctionName=site.outputs["Canary"], Payload=b"{}")
    assert "FunctionError" not in answer, answer["Payload"].read()
    found = until(lambda: site.heard(lambda one: one["rule"] == "monitoring_canary"))
    assert found["severity_id"] == 1


def test_a_flood_is_worked_off_and_nothing_is_lost(site: Deployed) -> None:
    may = {"Effect": "Allow", "Action": "cloudtrail:*", "Resource": "*"}
    client = site.client("cloudtrail", site.agent("flood", may))
    trail = site.client("cloudtrail")
    for number in range(FLOOD):
        trail.create_trail(Name=f"flood-{number}", S3BucketName="the-trail")
    begin = time.monotonic()
    for number in range(FLOOD):
        client.stop_logging(Name=f"flood-{number}")

    def events() -> int:
        site.heard(lambda _: False)
        stopped = [one for one in site.findings if one["rule"] == "aws_trail_stopped"]
        return len({one["unmapped"]["event_id"] for one in stopped if one["unmapped"].get("agent") == "flood"})

    until(lambda: events() >= FLOOD)
    print(f"{FLOOD} events in {time.monotonic() - begin:.2f} s")  # noqa: T201 - as above
    assert events() == FLOOD
    dead = site.client("sqs").get_queue_attributes(
        QueueUrl=site.outputs["Dead"], AttributeNames=["ApproximateNumberOfMessages"]
    )
    assert dead["Attributes"]["ApproximateNumberOfMessages"] == "0"
