"""One deployment of the workflow on the embedded AWS, and everybody who uses it: agents, people, and who attacks."""

from __future__ import annotations

import http.client
import json
import shutil
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from sudo_mcp_guardrails.approval.store.evidence_store import EvidenceStore
from sudo_mcp_guardrails.approval.store.kms import KmsVerifier
from sudo_mcp_guardrails.approval.store.signers import Keys
from sudo_mcp_guardrails.handlers.approval_proposal import _approval_id
from sudo_mcp_guardrails.local.embedded import clients
from sudo_mcp_guardrails.local.embedded.function_urls import call_function_url
from sudo_mcp_guardrails.local.oidc import Client, sign_in
from tests.local.approvals import app

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sudo_mcp_guardrails.approval.evidence import Record
    from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws
    from sudo_mcp_guardrails.local.oidc import OidcProvider

PATIENCE = 400.0
"""Seconds until a wait is given up; nothing here is timed by it."""
_FRESH = 30


def until(what: Callable[[], Any], seconds: float = PATIENCE, pause: float = 0.25) -> Any:
    """Return what is found as soon as something is; raises AssertionError where nothing ever is."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        found = what()
        if found:
            return found
        time.sleep(pause)
    raise AssertionError(f"nothing after {seconds} s")


@dataclass
class Site:
    """The deployment.

    Args:
        aws: The embedded AWS.
        provider: Where people sign in.
        spec: Of the deployment.
        folder: To work in.
    """

    aws: EmbeddedAws
    provider: OidcProvider
    spec: app.Spec
    folder: Path
    outputs: dict[str, str] = field(default_factory=dict)
    _clients: dict[str, Any] = field(default_factory=dict)
    _tries: int = 0
    _agents: dict[str, Agent] = field(default_factory=dict)
    _tokens: dict[str, tuple[float, str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    messages: list[str] = field(default_factory=list)

    def deploy(self, **changes: Any) -> None:
        """Synthesize, upload and create the stack, or update it with another spec."""
        from dataclasses import replace

        self.spec = replace(self.spec, **changes)
        (self.spec.faults / "scans").mkdir(parents=True, exist_ok=True)
        out = self.folder / f"cdk.out.{self._tries}"
        self._tries += 1
        template = app.synthesized(self.spec, out)
        s3 = self.client("s3")
        if not self.outputs:
            s3.create_bucket(Bucket=self._assets)
        self._upload(template, out)
        s3.put_object(Bucket=self._assets, Key="template.json", Body=json.dumps(template).encode())
        cloudformation = self.client("cloudformation")
        options = {
            "StackName": app.STACK,
            "TemplateURL": f"{self.aws.endpoint_url}/{self._assets}/template.json",
            "Capabilities": ["CAPABILITY_NAMED_IAM"],
        }
        (cloudformation.update_stack if self.outputs else cloudformation.create_stack)(**options)

        def settled() -> Any:
            stack = cloudformation.describe_stacks(StackName=app.STACK)["Stacks"][0]
            return None if stack["StackStatus"].endswith("_IN_PROGRESS") else stack

        stack = until(settled, 120, 0.2)
        assert stack["StackStatus"] in {"CREATE_COMPLETE", "UPDATE_COMPLETE"}, self._reasons()
        self.outputs = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
        page = self.outputs["Page"] + "/"
        known = self.provider.clients.get(app.AUDIENCE)
        self.provider.register(
            Client(
                app.AUDIENCE, tuple(dict.fromkeys((*(known.redirect_uris if known else ()), page, page.rstrip("/"))))
            )
        )
        for service in ("dynamodb", "s3", "kms", "sqs", "sts", "stepfunctions", "events"):
            self.client(service)
        for name, groups in app.PEOPLE.items():
            if groups:
                self.join(name, groups)

    @property
    def _assets(self) -> str:
        return f"cdk-assets-{self.spec.account}"

    def _upload(self, template: dict[str, Any], out: Path) -> None:
        s3 = self.client("s3")
        for resource in template["Resources"].values():
            code = resource.get("Properties", {}).get("Code") or {}
            if resource["Type"] != "AWS::Lambda::Function" or "S3Key" not in code:
                continue
            name = code["S3Key"].removesuffix(".zip")
            archive = self.folder / f"{name}.{self._tries}.zip"
            if not archive.exists():
                shutil.make_archive(str(archive.with_suffix("")), "zip", out / f"asset.{name}")
                s3.put_object(Bucket=self._assets, Key=archive.name, Body=archive.read_bytes())
            code.update(S3Bucket=self._assets, S3Key=archive.name)

    def _reasons(self) -> str:
        events = self.client("cloudformation").describe_stack_events(StackName=app.STACK)["StackEvents"]
        return " / ".join(
            f"{each['LogicalResourceId']}: {each.get('ResourceStatusReason')}"
            for each in events
            if "FAILED" in each["ResourceStatus"]
        )

    # Who works here.

    def client(self, service: str, session: Any = None) -> Any:
        """A client of the account's root, or of a session."""
        if session is not None:
            return self.aws.client(service, account=self.spec.account, region=app.REGION, session=session)
        if service not in self._clients:
            self._clients[service] = self.aws.client(service, account=self.spec.account, region=app.REGION)
        return self._clients[service]

    def join(self, name: str, groups: tuple[str, ...]) -> None:
        """Put somebody into groups."""
        item = {"identity": {"S": f"{self.provider.issuer}#{name}"}, "groups": {"SS": list(groups)}}
        self.client("dynamodb").put_item(TableName=self.outputs["People"], Item=item)

    def leave(self, name: str) -> None:
        """Take somebody out of all groups."""
        key = {"identity": {"S": f"{self.provider.issuer}#{name}"}}
        self.client("dynamodb").delete_item(TableName=self.outputs["People"], Key=key)

    def agent(self, person: str = "rita", *, fresh: bool = False) -> Agent:
        """A plan session of the agent, minted by the session broker for somebody at the agent's machine.

        Args:
            person: Who is at that machine.
            fresh: Whether it is to be a run of its own.
        """
        with self._lock:
            if fresh or person not in self._agents:
                self._agents[person] = self._minted(person)
            return self._agents[person]

    def _minted(self, person: str) -> Agent:
        role = f"arn:aws:iam::{self.spec.account}:role/{app.HOST}"
        answer = self.client("sts").assume_role(RoleArn=role, RoleSessionName=person)
        host = clients.assumed(answer["Credentials"], app.REGION)
        wish = {"agent": app.AGENT, "capability": "plan", "ticket": "OPS-1"}
        status, body = self.signed(host, self.outputs["Broker"], "POST", "/", wish)
        assert status == 200, body
        session = clients.session(body["AccessKeyId"], body["SecretAccessKey"], body["SessionToken"], app.REGION)
        return Agent(self, session, body["Run"])

    def signed(self, session: Any, url: str, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        """Ask a function URL, signed by a session."""
        endpoint = self.aws.endpoint_url
        return call_function_url(endpoint, url, session, body, method=method, path=path, region=app.REGION)

    def page(self, method: str, path: str, headers: dict[str, str], body: Any = None) -> tuple[int, dict[str, Any]]:
        """Ask the page's API."""
        own = {"Host": urlsplit(self.outputs["Page"]).netloc, "Content-Type": "application/json"}
        connection = http.client.HTTPConnection(urlsplit(self.aws.endpoint_url).netloc, timeout=60)
        try:
            connection.request(method, path, None if body is None else json.dumps(body), {**own, **headers})
            answer = connection.getresponse()
            return answer.status, _json(answer.read())
        finally:
            connection.close()

    def signed_in(self, name: str) -> str:
        """The token of somebody who signed in within the last half minute."""
        with self._lock:
            since, token = self._tokens.get(name, (0.0, ""))
            if time.monotonic() - since > _FRESH:
                page = self.outputs["Page"] + "/"
                answer = sign_in(self.provider.issuer, app.AUDIENCE, page, self.provider.people[name])
                token = str(answer["id_token"])
                self._tokens[name] = (time.monotonic(), token)
            return token

    def person(self, name: str) -> Person:
        """Somebody who signs in."""
        return Person(self, name)

    # What is on record, and how far it is.

    @property
    def keys(self) -> Keys:
        """The keys that count."""
        return Keys(
            self.outputs["EvidenceKey"], self.outputs["DecisionKey"], responder=self.outputs.get("ResponderKey", "")
        )

    def chain(self, approval: str) -> list[Record]:
        """The checked chain of an approval: signatures, links and which key signed which kind."""
        store = EvidenceStore(
            self.client("dynamodb"), self.client("s3"), self.outputs["Evidence"], self.outputs["Bucket"], None
        )
        return store.checked(approval, KmsVerifier(self.client("kms")), self.keys)

    def kinds(self, approval: str) -> list[str]:
        """The kinds of an approval's records, checked."""
        return [record.kind for record in self.chain(approval)]

    def execution(self, approval: str) -> str:
        """ARN of the workflow's execution."""
        return self.outputs["Machine"].replace(":stateMachine:", ":execution:") + f":{approval}"

    def states(self, approval: str) -> list[str]:
        """The states that an approval was in, in order."""
        return states_of(self.client("stepfunctions"), self.execution(approval))

    def status(self, approval: str) -> str:
        """The status of the workflow's execution."""
        found = self.client("stepfunctions").describe_execution(executionArn=self.execution(approval))
        return str(found["status"])

    def waits(self, approval: str, *, times: int = 1) -> None:
        """Wait until the approval waits for people, so often already."""
        until(lambda: self.token(approval) and self.states(approval).count("WaitForPeople") >= times)

    def token(self, approval: str) -> str:
        """The task token that the approval waits with; empty for none."""
        found = self.client("dynamodb").get_item(
            TableName=self.outputs["Tokens"], Key={"approval": {"S": approval}}, ConsistentRead=True
        )
        return str(found.get("Item", {}).get("token", {}).get("S", ""))

    def ended(self, approval: str, seconds: float = PATIENCE) -> str:
        """Wait for the end; return the last state."""
        until(lambda: self.status(approval) != "RUNNING", seconds)
        return self.states(approval)[-1]

    def approval_of(self, agent: Agent, token: str) -> str:
        """The id that a proposal with a token gets."""
        return _approval_id(agent.run, token)

    def fault(self, function: str, operation: str, approval: str, **how: Any) -> None:
        """Order a function to die; see `faulty.py`."""
        (self.spec.faults / f"{function}.{operation}.{approval}").write_text(json.dumps(how), encoding="utf-8")

    def pending_fault(self, function: str, operation: str, approval: str) -> bool:
        """Whether what was ordered has not happened."""
        return (self.spec.faults / f"{function}.{operation}.{approval}").exists()

    def scan(self, approval: str, answer: Any) -> None:
        """Say what the scanner answers about an approval."""
        (self.spec.faults / "scans" / approval).write_text(json.dumps(answer), encoding="utf-8")

    def page_rows(self) -> list[dict[str, Any]]:
        """All approvals, as the page lists them."""
        status, body = self.person("alice").ask("GET", "/api/approvals?state=all")
        assert status == 200, body
        return list(body["approvals"])

    def told(self, approval: str) -> list[str]:
        """Lines that people were told of an approval, as they came to the topic's queue."""
        sqs = self.client("sqs")
        url = sqs.get_queue_url(QueueName="told")["QueueUrl"]
        while found := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
            for each in found:
                self.messages.append(each["Body"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
        return [each for each in list(self.messages) if approval in each]

    @staticmethod
    def now() -> float:
        """The time, in seconds since 1970."""
        return time.time()

    def queues(self) -> list[str]:
        """Names of the agent's queues."""
        found = self.client("sqs").list_queues(QueueNamePrefix=app.AGENT).get("QueueUrls", [])
        return sorted(url.rpartition("/")[2] for url in found)


@dataclass
class Agent:
    """A plan session of the agent."""

    site: Site
    session: Any
    run: str

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, Any]]:
        """Ask the intake."""
        return self.site.signed(self.session, self.site.outputs["Intake"], method, path, body)

    def propose(self, environment: str = "sandbox", **proposal: Any) -> str:
        """Propose a plan; return the approval's id."""
        status, body = self.ask("POST", "/approvals", {"environment": environment, **proposal})
        assert status == 202, (status, body)
        return str(body["approval"])

    def calls(self, *names: str, environment: str = "sandbox", **more: Any) -> str:
        """Propose to make queues."""
        return self.propose(environment, form="api-calls", data=[queue(name) for name in names], **more)

    def change_set(self, stack: str, template: dict[str, Any], **more: Any) -> str:
        """Make a change set under the pinned role; return its ARN."""
        cloudformation = self.site.client("cloudformation", self.session)
        role = (
            f"arn:aws:iam::{self.site.spec.account}:role/mcp-guardrails/agents/{app.AGENT}/mcp-guardrails-{app.AGENT}"
        )
        options = {"ChangeSetType": "CREATE", "ChangeSetName": "next", "RoleARN": f"{role}-execution", **more}
        made = cloudformation.create_change_set(StackName=stack, TemplateBody=json.dumps(template), **options)

        def done() -> bool:
            found = self.site.client("cloudformation").describe_change_set(ChangeSetName=made["Id"])
            return found["Status"] not in {"CREATE_PENDING", "CREATE_IN_PROGRESS"}

        until(done)
        return str(made["Id"])


@dataclass
class Person:
    """Somebody at the approval page."""

    site: Site
    name: str

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, dict[str, Any]]:
        """Ask the page's API as a browser does, with a sign-in that is fresh."""
        own = {"Origin": self.site.outputs["Page"], "Authorization": f"Bearer {self.site.signed_in(self.name)}"}
        return self.site.page(method, path, {**own, **headers}, body)

    def look(self, approval: str) -> dict[str, Any]:
        """Open an approval; return what is shown, with the token for one decision."""
        status, body = self.ask("GET", f"/api/approvals/{approval}")
        assert status == 200, (status, body)
        return body

    def decision(self, approval: str, verdict: str = "approve", **changes: Any) -> dict[str, Any]:
        """Look at it, and return what a click would send."""
        seen = self.look(approval)
        return {
            "verdict": verdict,
            "comment": "seen",
            "token": seen["token"],
            "approvalDigest": seen["approvalDigest"],
            "planDigest": seen["planDigest"],
            **changes,
        }

    def click(self, approval: str, decision: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Send a decision."""
        return self.ask("POST", f"/api/approvals/{approval}/decision", decision)

    def decide(self, approval: str, verdict: str = "approve", **changes: Any) -> tuple[int, dict[str, Any]]:
        """Look and decide."""
        return self.click(approval, self.decision(approval, verdict, **changes))


def queue(name: str, **attributes: str) -> dict[str, Any]:
    """A call that makes a queue of the agent's."""
    parameters: dict[str, Any] = {"QueueName": f"{app.AGENT}-{name}"}
    if attributes:
        parameters["Attributes"] = attributes
    return {"service": "sqs", "operation": "CreateQueue", "parameters": parameters}


def queue_template(name: str) -> dict[str, Any]:
    """A template with one queue of the agent's."""
    return {"Resources": {"Jobs": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": f"{app.AGENT}-{name}"}}}}


def states_of(stepfunctions: Any, execution: str) -> list[str]:
    """The states that an execution entered, in order."""
    found: list[str] = []
    options: dict[str, Any] = {"executionArn": execution, "maxResults": 1000}
    while True:
        answer = stepfunctions.get_execution_history(**options)
        found += [
            each["stateEnteredEventDetails"]["name"] for each in answer["events"] if "stateEnteredEventDetails" in each
        ]
        if not answer.get("nextToken"):
            return found
        options["nextToken"] = answer["nextToken"]


def _json(content: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(content or b"{}"))
    except ValueError:
        return {"error": content.decode(errors="replace")[:500]}
