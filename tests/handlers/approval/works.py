"""A workflow's functions on fakes: settings, an agent with a run, plans, and people who decide."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.agents import AgentEnvironment
from sudo_mcp_guardrails.approval.deciding.decision import Decision, Statement, Verdict
from sudo_mcp_guardrails.approval.deciding.events import ExecutionStarted, Viewed
from sudo_mcp_guardrails.approval.plan import Form
from sudo_mcp_guardrails.approval.risk_rules.levels import catalogue_levels
from sudo_mcp_guardrails.approval.store.bundle import Bundle
from sudo_mcp_guardrails.approval.store.evidence_store import EvidenceStore
from sudo_mcp_guardrails.approval.store.kms import KmsSigner
from sudo_mcp_guardrails.approval.store.settings import AgentSettings, ApprovalSettings
from sudo_mcp_guardrails.handlers import approval_classify, approval_intake, approval_recheck, approval_record
from sudo_mcp_guardrails.handlers.approval_settings import Clients, Workplace
from tests.approval.made import GROUPS, IDP, POLICY, START, jwt, token
from tests.handlers.approval import fakes

if TYPE_CHECKING:
    from pathlib import Path

    from sudo_mcp_guardrails.approval.store.case import Case

RUN = "run-01HZZZZZZZZZZZZZZZZZZZZZZZ"
RITA = "arn:aws:iam::111111111111:user/Rita"
FINGERPRINT = "fe" * 32
ENVIRON = {
    "EVIDENCE_TABLE": "evidence",
    "TRUST_TABLE": "trust",
    "APPROVALS_TABLE": "requests",
    "RUNS_TABLE": "runs",
    "EVIDENCE_BUCKET": "bucket",
    "HEADS_BUCKET": "other-account",
    "STORE": "mcp-guardrails-approval",
    "EVIDENCE_KEY": fakes.EVIDENCE_KEY,
    "DECISION_KEY": fakes.DECISION_KEY,
    "TRUST_KEY": fakes.TRUST_KEY,
    "STATE_MACHINE": "arn:aws:states:eu-central-1:111111111111:stateMachine:mcp-guardrails-approval",
    "PREFIX": "mcp-guardrails",
    "PARTITION": "aws",
    "ACCOUNT": fakes.ACCOUNT,
    "AWS_REGION": "eu-central-1",
    "PAGE_URL": "https://approvals.example.com/",
}
SETTINGS = ApprovalSettings(
    policy=POLICY,
    agents={
        "release-bot": AgentSettings(
            "owen@example.com",
            (
                AgentEnvironment.sandbox("222222222222", regions=("eu-central-1",)),
                AgentEnvironment.production("333333333333", regions=("eu-central-1", "eu-west-1")),
            ),
        )
    },
    prefix="mcp-guardrails",
    fingerprints={"release-bot": FINGERPRINT},
)
CALLS: list[dict[str, Any]] = [
    {"service": "sqs", "operation": "CreateQueue", "parameters": {"QueueName": "release-bot-jobs"}},
]
LEVELS = catalogue_levels()


@dataclass
class Works:
    """The functions, on one set of fakes."""

    directory: Path
    settings: ApprovalSettings = SETTINGS
    environ: dict[str, str] = field(default_factory=lambda: dict(ENVIRON))
    time: float = START

    def __post_init__(self) -> None:
        self.faults = fakes.Faults()
        self.dynamodb, self.s3 = fakes.FakeDynamo(self.faults), fakes.FakeS3(self.faults)
        self.kms, self.stepfunctions = fakes.FakeKms(), fakes.FakeStepFunctions(self.faults)
        self.configure(self.settings)
        self.begin_run(RUN)

    def configure(self, settings: ApprovalSettings) -> None:
        self.settings = settings
        (self.directory / "approval_settings.json").write_text(settings.write())

    @property
    def place(self) -> Workplace:
        """What a function has after a cold start."""
        clients = Clients(self.dynamodb, self.s3, self.kms, self.stepfunctions)
        made = Workplace(
            clients,
            environ=self.environ,
            clock=lambda: self.time,
            pause=lambda _: None,
            directory=self.directory,
        )
        made.levels = LEVELS  # read once for all tests
        return made

    def begin_run(self, run: str, *, caller: str = RITA, agent: str = "release-bot", capability: str = "plan") -> None:
        self.dynamodb.tables["runs"][run,] = {
            "run": {"S": run},
            "agent": {"S": agent},
            "capability": {"S": capability},
            "caller": {"S": caller},
            "ticket": {"S": "OPS-1"},
            "created": {"N": str(int(self.time))},
            "ends": {"N": str(int(self.time) + 3600)},
        }

    def request(self, method: str, path: str, body: object = None, *, run: str = RUN, role: str = "") -> dict[str, Any]:
        """Ask the intake, as an agent's session does."""
        role = role or "mcp-guardrails-release-bot-plan"
        event = {
            "requestContext": {
                "authorizer": {"iam": {"userArn": f"arn:aws:sts::{fakes.ACCOUNT}:assumed-role/{role}/{run}"}},
                "http": {"method": method},
            },
            "rawPath": path,
            "body": body if isinstance(body, str) else json.dumps(body),
        }
        return approval_intake.handler(event, None, self.place)

    def propose(self, **changes: Any) -> str:
        """Propose calls in the sandbox; returns the approval's id."""
        body = {"environment": "sandbox", "form": "api-calls", "data": CALLS, **changes}
        answer = self.request("POST", "/approvals", body)
        assert answer["statusCode"] == 202, answer["body"]
        return str(json.loads(answer["body"])["approval"])

    def read(self, approval: str) -> dict[str, Any]:
        """Do what the broker does first: keep the bundle, and say which plan it has."""
        asked = json.loads(self.stepfunctions.executions[approval])
        source = asked["source"]
        text = self.s3.get_object(Bucket=self.place.bucket, Key=source["key"], VersionId=source["version"])[
            "Body"
        ].read()
        return {"input": asked, "bundle": source, "planDigest": Bundle.from_json(text).plan().digest}

    def classify(self, approval: str) -> dict[str, Any]:
        return approval_classify.handler(self.read(approval), None, self.place)

    def submitted(self, **changes: Any) -> str:
        """Propose and classify."""
        approval = self.propose(**changes)
        self.classify(approval)
        return approval

    def recheck(self, approval: str, callback: object = None, *, round_: int = 0, told: tuple[str, ...] = ()) -> Any:
        event = {"approval": approval, "callback": callback, "notified": list(told), "round": round_}
        return approval_recheck.handler(event, None, self.place)

    def record(self, op: str, approval: str, **more: Any) -> dict[str, Any]:
        return approval_record.handler({"op": op, "approval": approval, **more}, None, self.place)

    def case(self, approval: str) -> Case:
        return self.place.case(approval)

    def kinds(self, chain: str) -> list[str]:
        table = "trust" if chain.startswith("trust/") else "evidence"
        store = EvidenceStore(self.dynamodb, self.s3, table, "bucket", None)
        return [record.kind for record in store.records(chain)]

    @property
    def deciding(self) -> EvidenceStore:
        """The store of the API function, which signs with the decision key."""
        signer = KmsSigner(self.kms, self.environ["DECISION_KEY"])
        return EvidenceStore(self.dynamodb, self.s3, "evidence", self.place.bucket, signer, lambda: self.time)

    def decide(self, approval: str, who: str, verdict: Verdict = Verdict.APPROVE) -> dict[str, Any]:
        """Look and decide, as the API records it; returns the callback that it sends."""
        case, now = self.case(approval), int(self.time)
        token_id = token(f"{approval} {who} {len(case.records)}")
        view = Viewed(approval, case.digest, f"{IDP}#{who}", token_id, now)
        statement = Statement(
            approval, case.digest, case.request.plan_digest, f"{IDP}#{who}", verdict, token_id, "seen"
        )
        decision = Decision(statement, GROUPS[who], now, jwt(now - 30))
        store = self.deciding
        store.append(approval, "view", view.approver, view.document())
        number = store.append(approval, "decision", view.approver, decision.document()).number
        return self.callback(approval, decision.digest, number)

    def callback(self, approval: str, digest: str, number: int, key: str = "") -> dict[str, Any]:
        signer = KmsSigner(self.kms, key or self.environ["DECISION_KEY"])
        signature = base64.b64encode(signer.sign(bytes.fromhex(digest))).decode()
        return {"approval": approval, "decision": digest, "number": number, "signature": signature}

    def start(self, approval: str) -> str:
        """Begin the execution, as the broker records it."""
        case = self.case(approval)
        event = ExecutionStarted(approval, case.digest, case.request.plan_digest, f"exe-{approval}", int(self.time))
        self.place.evidence.append_if(approval, case.last, "execution", "broker", event.document())
        return event.execution


def with_policy(**changes: Any) -> ApprovalSettings:
    """The settings with another policy."""
    return replace(SETTINGS, policy=replace(POLICY, **changes))


def big_calls(count: int, padding: int = 0) -> list[dict[str, Any]]:
    return [
        {
            "service": "sqs",
            "operation": "CreateQueue",
            "parameters": {"QueueName": f"release-bot-{number}", "tags": {"note": "x" * padding}},
        }
        for number in range(count)
    ]


FORM = Form.API_CALLS
