"""The workflow as it is deployed, with an agent, a scanner that can be told what to say, and functions that can die.

The functions are the product's, in the product's asset; before each stands `faulty.py`, which lets an invocation die
where a test says so. Everything else is what `ApprovalWorkflow` makes.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as http
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs

from sudo_mcp_guardrails import (
    Agent,
    AgentEnvironment,
    AgentGuardrails,
    ApprovalDirectory,
    ApprovalIdentity,
    ApprovalWorkflow,
    BrokerCaller,
    KillSwitch,
    LockMode,
    NoticeTarget,
    Responder,
    RiskClass,
    TerraformProject,
    TerraformState,
    TrustTier,
)
from sudo_mcp_guardrails.approval.authentication.freshness import Freshness, Issuer
from sudo_mcp_guardrails.approval.deciding.calendar import Calendar, Freeze
from sudo_mcp_guardrails.approval.deciding.decision import FactorKind
from sudo_mcp_guardrails.approval.deciding.people import People, Person
from sudo_mcp_guardrails.approval.deciding.policy import ApprovalPolicy, BreakGlass, Group, Step
from sudo_mcp_guardrails.approval.deciding.quorum import QUORUMS, Quorum
from sudo_mcp_guardrails.approval.trust_ledger.policy import BUDGETS, TABLE, Budget, Handling, TrustPolicy

STACK = "Approvals"
REGION = "us-east-1"
AGENT = "release-bot"
HOST = "approvals-agent-host"
SOC = "approvals-soc"
AUDIENCE = "approvals"
FINGERPRINT = "fe" * 32
PEOPLE = {
    "rita": ("sre", "security"),
    "alice": ("sre",),
    "bob": ("security",),
    "carol": ("sre",),
    "dave": ("sre",),
    "mary": ("managers",),
    "nina": (),
    "kim": ("sre",),
}
"""Who is in which groups; rita asks, nina is known and in none, kim signs in by a password alone."""
DOMAIN = "approvals.localhost"
"""Where the page is reached where passkeys are taken, which browsers do on loopback without TLS."""
HOOK_HEADER = "x-hook-secret"
HOOK_SECRET = "made up for the webhooks"
TERRAFORM = f"mcp-guardrails-approval-terraform-{AGENT}"
STATE = TerraformState("acme-terraform-state", f"{AGENT}/terraform.tfstate")
ESCALATES = 5
LIVES = 12
"""Seconds that a request for several changes (R2) outside of production lives here."""
_SCANNER = """
import json
def handler(event, context):
    with open({answers!r} + "/" + event["approval"]) as stream:
        return json.load(stream)
"""


@dataclass(frozen=True)
class Spec:
    """What differs between the deployments of the tests.

    Args:
        account: In which it is.
        issuer: Of the provider that people sign in at.
        frozen_until: End of a freeze of `staging`, in seconds since 1970; 0 for none.
        scanner: Whether plans are scanned.
        trust: Whether agents earn trust; R1 is then done by rule at T1 already.
        faults: Folder in which the tests say what dies, and what the scanner answers.
        escalates: Seconds after which managers may decide too.
        hooks: Address of webhooks of Slack (`/slack`), Teams (`/teams`) and one that fails (`/broken`); empty for none.
        heads: Bucket of a second account for the daily heads; empty for none.
        origin: Where the page is reached, for passkeys; empty for the API's own address.
        terraform: Whether saved plans of Terraform are taken.
        kill_switch: Whether there is a kill switch, which the role `soc` asks.
    """

    account: str
    issuer: str
    faults: Path
    frozen_until: int = 0
    scanner: bool = False
    trust: bool = False
    escalates: int = ESCALATES
    hooks: str = ""
    heads: str = ""
    origin: str = ""
    terraform: bool = False
    kill_switch: bool = False


def policy(spec: Spec) -> ApprovalPolicy:
    """Return who decides: sre and security at once, managers some seconds later."""
    host = f"arn:aws:sts::{spec.account}:assumed-role/{HOST}"
    people = tuple(
        Person(name, (f"{spec.issuer}#{name}", *((f"{host}/rita",) if name == "rita" else ()))) for name in PEOPLE
    )
    until = spec.frozen_until
    freezes = (Freeze(until - 3600, until, "moving", ("staging",)),) if until else ()
    short = Quorum(RiskClass.R2, production=False, people=1, expires_after=LIVES)
    return ApprovalPolicy(
        people=People(people),
        groups=(
            Group("sre"),
            Group("security"),
            Group("managers"),
            Group("platform", aliases=("platform@example.com",)),
        ),
        escalation=(Step(0, ("sre", "security")), Step(spec.escalates, ("managers",))),
        freshness=Freshness(
            (Issuer(FactorKind.JWT, spec.issuer), *((Issuer(FactorKind.WEBAUTHN, DOMAIN),) if spec.origin else ()))
        ),
        nonproduction=("sandbox", "staging"),
        quorums=tuple(short if (each.risk, each.production) == (RiskClass.R2, False) else each for each in QUORUMS),
        calendar=Calendar(freezes=freezes),
        break_glass=BreakGlass(("security",)),
    )


def trust_policy() -> TrustPolicy:
    """Return rules by which an agent that was introduced does R1 by itself, a few times an hour."""
    first = TrustTier.T1
    table = {**TABLE, first: {**TABLE[first], RiskClass.R1: Handling.AUTOMATIC}}
    return TrustPolicy(table=table, budgets={**BUDGETS, first: (Budget(3600, 3, 1_000, 20),)})


def synthesized(spec: Spec, out: Path) -> dict[str, Any]:
    """Synthesize the stack into a folder, put the wrapper before each function, and return the template."""
    app = cdk.App(
        outdir=str(out),
        default_stack_synthesizer=cdk.DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
        analytics_reporting=False,
    )
    stack = cdk.Stack(app, STACK, env=cdk.Environment(account=spec.account, region=REGION))
    _fill(stack, spec)
    app.synth()
    template: dict[str, Any] = json.loads((out / f"{STACK}.template.json").read_text(encoding="utf-8"))
    _wrap(template, out, spec.faults)
    return template


def _fill(stack: cdk.Stack, spec: Spec) -> None:
    agent = Agent(
        AGENT,
        owner="platform@example.com",
        services=["dynamodb", "s3", "sqs"],
        environments=[
            AgentEnvironment.sandbox(spec.account, regions=[REGION]),
            AgentEnvironment("staging", [spec.account], [REGION]),
            AgentEnvironment.production(spec.account, regions=[REGION]),
        ],
    )
    people = dynamodb.Table(
        stack,
        "Directory",
        table_name="mcp-guardrails-approval-people",
        partition_key=dynamodb.Attribute(name="identity", type=dynamodb.AttributeType.STRING),
        billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
    )
    topic = sns.Topic(stack, "Notices", topic_name="notices")
    topic.grant_publish(iam.ServicePrincipal("events.amazonaws.com"))
    topic.add_subscription(
        subscriptions.SqsSubscription(sqs.Queue(stack, "Told", queue_name="told"), raw_message_delivery=True)
    )
    project = _project(stack, agent) if spec.terraform else None
    switch = _switch(stack, agent) if spec.kill_switch else None
    workflow = ApprovalWorkflow(
        stack,
        "Workflow",
        agents=[agent],
        policy=policy(spec),
        identity=ApprovalIdentity.oidc(spec.issuer, AUDIENCE),
        directory=ApprovalDirectory.table(people),
        trust=trust_policy() if spec.trust else None,
        fingerprints={AGENT: FINGERPRINT} if spec.trust else None,
        security_groups=["security"] if spec.trust else (),
        scanner=_scanner(stack, spec.faults) if spec.scanner else None,
        notices=[NoticeTarget.topic(topic), *(_webhooks(stack, spec.hooks) if spec.hooks else ())],
        heads_bucket=s3.Bucket.from_bucket_name(stack, "Heads", spec.heads) if spec.heads else None,
        page_origin=spec.origin,
        terraform_project=project,
        kill_switch=switch,
        lock_mode=LockMode.GOVERNANCE,
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )
    if spec.origin:
        _domain(stack, workflow)
    host = iam.Role(stack, "AgentHost", role_name=HOST, assumed_by=iam.AccountRootPrincipal())
    guardrails = AgentGuardrails(
        stack,
        "Agents",
        agents=[agent],
        callers=[BrokerCaller.iam_role(host)],
        apply_broker=workflow.broker_role,
        runs=workflow.runs,
        terraform=[project] if project else [],
    )
    if switch:
        guardrails.broker.obey(switch)
        cdk.CfnOutput(stack, "Switch", value=switch.url.attr_function_url)
        cdk.CfnOutput(stack, "ResponderKey", value=switch.stores.signing_key.attr_arn)
    tables = workflow.stores.tables
    for name, value in {
        "Broker": guardrails.broker.url.url,
        "Intake": workflow.intake_url,
        "Page": workflow.page_url,
        "Machine": workflow.state_machine.attr_arn,
        "People": people.table_name,
        "Evidence": tables["EVIDENCE_TABLE"].ref,
        "Requests": tables["APPROVALS_TABLE"].ref,
        "Tokens": tables["TOKENS_TABLE"].ref,
        "Bucket": workflow.stores.evidence.bucket.ref,
        "Bus": workflow.notices.bus.ref,
        "EvidenceKey": workflow.stores.resources().evidence_key,
        "DecisionKey": workflow.stores.resources().decision_key,
        "Credentials": tables["CREDENTIALS_TABLE"].ref,
        "Undelivered": workflow.notices.undelivered.ref,
    }.items():
        cdk.CfnOutput(stack, name, value=value)


def _webhooks(stack: cdk.Stack, url: str) -> list[NoticeTarget]:
    connection = events.Connection(
        stack,
        "Hooks",
        authorization=events.Authorization.api_key(HOOK_HEADER, cdk.SecretValue.unsafe_plain_text(HOOK_SECRET)),
    )

    def hook(name: str) -> events.ApiDestination:
        return events.ApiDestination(stack, name, connection=connection, endpoint=f"{url}/{name.lower()}")

    return [NoticeTarget.slack(hook("Slack")), NoticeTarget.teams(hook("Teams")), NoticeTarget.slack(hook("Broken"))]


def _domain(stack: cdk.Stack, workflow: ApprovalWorkflow) -> None:
    certificate = f"arn:aws:acm:{REGION}:{stack.account}:certificate/11111111-2222-3333-4444-555555555555"
    domain = http.CfnDomainName(
        stack,
        "Domain",
        domain_name=DOMAIN,
        domain_name_configurations=[
            http.CfnDomainName.DomainNameConfigurationProperty(certificate_arn=certificate, endpoint_type="REGIONAL")
        ],
    )
    http.CfnApiMapping(
        stack, "Mapping", api_id=workflow.api.api.ref, domain_name=domain.ref, stage=workflow.api.stage.ref
    )


def _project(stack: cdk.Stack, agent: Agent) -> TerraformProject:
    return TerraformProject(
        stack,
        "Terraform",
        agent=agent,
        repository=ecr.Repository.from_repository_name(stack, "Images", "terraform"),
        digest=f"sha256:{'ab' * 32}",
        state=STATE,
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )


def _switch(stack: cdk.Stack, agent: Agent) -> KillSwitch:
    soc = iam.Role(stack, "Soc", role_name=SOC, assumed_by=iam.AccountRootPrincipal())
    return KillSwitch(
        stack,
        "KillSwitch",
        agents=[agent],
        responders=[Responder.iam_role(soc, restores=True)],
        lock_mode=LockMode.GOVERNANCE,
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )


def _scanner(stack: cdk.Stack, answers: Path) -> lambda_.IFunction:
    code = lambda_.Code.from_inline(_SCANNER.format(answers=str(answers / "scans")))
    return lambda_.Function(
        stack,
        "Scanner",
        function_name="scanner",
        runtime=lambda_.Runtime.PYTHON_3_12,
        handler="index.handler",
        code=code,
    )


def _wrap(template: dict[str, Any], out: Path, faults: Path) -> None:
    wrapper = Path(__file__).with_name("faulty.py")
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        name = str(properties.get("FunctionName", ""))
        if resource["Type"] != "AWS::Lambda::Function" or not name.startswith("mcp-guardrails-approval-"):
            continue
        properties["Handler"] = "faulty.handler"
        variables = properties["Environment"]["Variables"]
        variables["FAULTS"] = str(faults)
        variables["WRAPPED"] = "sudo_mcp_guardrails.handlers.approval_" + name.rpartition("-")[2]
        asset = out / f"asset.{properties['Code']['S3Key'].removesuffix('.zip')}"
        shutil.copyfile(wrapper, asset / "faulty.py")
