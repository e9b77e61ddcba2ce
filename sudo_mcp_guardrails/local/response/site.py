"""The drill's deployment on the embedded AWS, and everybody who works there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.local.embedded import clients
from sudo_mcp_guardrails.local.embedded.function_urls import call_function_url
from sudo_mcp_guardrails.local.embedded.organization import Organization
from sudo_mcp_guardrails.local.response.asking import Intake
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.toolchain.node import use_node

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws

ACCOUNT: Final = "111111111111"
MANAGEMENT: Final = "000000000000"
REGION: Final = "us-east-1"
AGENTS: Final = ("cost-bot", "release-bot")
NAMES: Final = GuardrailNames()
APP: Final = "sudo_mcp_guardrails.constructs.response.rehearsal_app"
_SECONDS: Final = 180
_OK: Final = 200
_RUN: Final = "run-01JDRAAPPR0VED{number:012d}"


class DrillError(GuardrailsError):
    """The drill could not be set up; nothing is said about containment."""


class DrillSite:
    """Two agents, the kill switch, and the organization's SCPs, deployed by CloudFormation.

    Args:
        aws: The embedded AWS, which runs.
        folder: To synthesize into.
        report: Told what takes time.
    """

    def __init__(self, aws: EmbeddedAws, folder: Path, report: Callable[[str], None]) -> None:
        self.aws = aws
        self._folder = folder
        self._report = report
        self.outputs: Mapping[str, str] = {}
        self.root = ""

    def deploy(self) -> None:
        """Deploy all of it; raises DrillError."""
        self._report("- synthesize")
        self._synthesize()
        organization = Organization.create(self.aws.endpoint_url, MANAGEMENT)
        organization.add_account(ACCOUNT)
        self.root = organization.root_id
        self._report("- deploy the organization's SCPs, which are attached to nothing")
        root = f"arn:aws:organizations::{MANAGEMENT}:root/{organization.id}/{self.root}"
        scps = self._create(MANAGEMENT, "Organization", {"Root": root})
        self._report("- deploy two agents and the kill switch")
        self.outputs = self._create(ACCOUNT, "Drill", {**scps, "Root": self.root})

    def client(self, service: str, account: str = ACCOUNT, session: Any = None) -> Any:  # noqa: ANN401 - of boto3
        """Return a client of an account's root, or of a session."""
        return self.aws.client(service, account=account, region=REGION, session=session)

    def role(self, name: str) -> Any:  # noqa: ANN401 - of boto3
        """Return a session of one of the roles that people and machines have here."""
        # Root may not assume roles at AWS; here it stands for the account's own administrators.
        answer = self.client("sts").assume_role(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/{name}", RoleSessionName="drill")
        return clients.assumed(answer["Credentials"], REGION)

    def person(self, name: str) -> Any:  # noqa: ANN401 - of boto3
        """Return a session of an IAM user with a second factor of this moment; each call makes a key and a device."""
        iam = self.client("iam")
        key = iam.create_access_key(UserName=name)["AccessKey"]
        number = len(iam.list_virtual_mfa_devices()["VirtualMFADevices"])
        device = iam.create_virtual_mfa_device(VirtualMFADeviceName=f"{name}-{number}")["VirtualMFADevice"]
        serial = device["SerialNumber"]
        # The embedded AWS takes any six digits: real codes are not shown here.
        iam.enable_mfa_device(
            UserName=name, SerialNumber=serial, AuthenticationCode1="123456", AuthenticationCode2="234567"
        )
        user = clients.session(key["AccessKeyId"], key["SecretAccessKey"], None, REGION)
        sts = self.client("sts", session=user)
        answer = sts.get_session_token(SerialNumber=serial, TokenCode="123456")
        return clients.assumed(answer["Credentials"], REGION)

    def decisions(self, session: Any) -> Intake:  # noqa: ANN401 - of boto3
        """Return the function that two people ask, asked by a session."""
        return Intake(self.outputs["DecisionsUrl"], session, REGION, self.aws.endpoint_url)

    def intake(self, session: Any) -> Intake:  # noqa: ANN401 - of boto3
        """Return the kill switch's intake, asked by a session."""
        return Intake(self.outputs["SwitchUrl"], session, REGION, self.aws.endpoint_url)

    def minted(self, host: Any, agent: str, capability: str) -> tuple[int, Any]:  # noqa: ANN401 - of boto3
        """Ask the session broker, and return the status and, where one was minted, the session."""
        wish = {"agent": agent, "capability": capability, "ticket": "DRILL-1"}
        status, body = call_function_url(self.aws.endpoint_url, self.outputs["BrokerUrl"], host, wish, region=REGION)
        if status != _OK:
            return status, None
        return status, clients.session(body["AccessKeyId"], body["SecretAccessKey"], body["SessionToken"], REGION)

    def applying(self, stand_in: Any, agent: str, number: int) -> Any:  # noqa: ANN401 - of boto3
        """Return an apply session, as the approval workflow's broker would assume it; raises what STS answers."""
        run = _RUN.format(number=number)
        tags = {
            "agent": agent,
            "run": run,
            "ticket": "DRILL-1",
            "capability": "apply",
            "plan-digest": "sha256-drill",
            "caller": "drill",
        }
        arn = f"arn:aws:iam::{ACCOUNT}:role{NAMES.role_path(agent)}{NAMES.role_name(agent, 'apply')}"
        answer = self.client("sts", session=stand_in).assume_role(
            RoleArn=arn,
            RoleSessionName=run,
            SourceIdentity=run,
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        )
        return clients.assumed(answer["Credentials"], REGION)

    def _synthesize(self) -> None:
        use_node(self._report)
        try:
            done = subprocess.run(
                [sys.executable, "-m", APP, str(self._folder)],
                capture_output=True,
                text=True,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise DrillError(f"the drill's app was not synthesized in {_SECONDS} s") from None
        if done.returncode:
            raise DrillError(f"the drill's app was not synthesized: {' '.join(done.stderr.split())[-600:]}")

    def _create(self, account: str, stack: str, parameters: Mapping[str, str]) -> dict[str, str]:
        """Create a stack, and return its outputs."""
        template = json.loads((self._folder / f"{stack}.template.json").read_text(encoding="utf-8"))
        bucket = f"drill-assets-{account}"
        s3 = self.client("s3", account)
        s3.create_bucket(Bucket=bucket)
        self._upload(s3, bucket, template)
        s3.put_object(Bucket=bucket, Key="template.json", Body=json.dumps(template).encode())
        cloudformation = self.client("cloudformation", account)
        cloudformation.create_stack(
            StackName=stack,
            TemplateURL=f"{self.aws.endpoint_url}/{bucket}/template.json",
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        )
        ends = time.monotonic() + _SECONDS
        while time.monotonic() < ends:
            found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
            if not found["StackStatus"].endswith("_IN_PROGRESS"):
                break
            time.sleep(0.2)
        if found["StackStatus"] != "CREATE_COMPLETE":
            raise DrillError(f"stack {stack!r} is {found['StackStatus']}: {_reasons(cloudformation, stack)}")
        return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", ())}

    def _upload(self, s3: Any, bucket: str, template: dict[str, Any]) -> None:  # noqa: ANN401 - of boto3
        """Upload the functions' assets, and have the template name where they are."""
        for resource in template["Resources"].values():
            code = resource.get("Properties", {}).get("Code") or {}
            if resource["Type"] != "AWS::Lambda::Function" or "S3Key" not in code:
                continue
            name = code["S3Key"].removesuffix(".zip")
            archive = self._folder / f"{name}.zip"
            if not archive.exists():
                shutil.make_archive(str(archive.with_suffix("")), "zip", self._folder / f"asset.{name}")
                s3.put_object(Bucket=bucket, Key=archive.name, Body=archive.read_bytes())
            code.update(S3Bucket=bucket, S3Key=archive.name)


def _reasons(cloudformation: Any, stack: str) -> str:  # noqa: ANN401 - of boto3
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    failed = [each for each in events if "FAILED" in each["ResourceStatus"]]
    return " / ".join(f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason')}" for each in failed)[:900]
