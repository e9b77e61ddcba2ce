"""The rules about agents: what they are held to beside their cases, and whole stories through attribution and facts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.detection.cases import shipped as shipped_cases
from sudo_mcp_guardrails.detection.compiled import RuleBook, shipped
from sudo_mcp_guardrails.detection.detector import Detector
from sudo_mcp_guardrails.detection.facts import FIELDS, Facts
from sudo_mcp_guardrails.detection.matching.condition import All, AnyOf, Comparison, Op, fields_of
from sudo_mcp_guardrails.detection.profile import AgentProfile
from sudo_mcp_guardrails.detection.rule import Level, Source
from sudo_mcp_guardrails.detection.selftest import run
from sudo_mcp_guardrails.iam.escalation import escalation_actions
from sudo_mcp_guardrails.policies.organization.agents import credentials, direct
from sudo_mcp_guardrails.trail.attributing.attributor import Attributor
from sudo_mcp_guardrails.trail.attribution import Attributed
from tests.detection.events import attributed

if TYPE_CHECKING:
    from sudo_mcp_guardrails.detection.matching.condition import Condition

OURS = re.compile(r"(agent|mcp|guardrail)_")
BOOK = RuleBook(
    tuple(rule for rule in shipped().rules if OURS.match(rule.name)),
    tuple(one for one in shipped().correlations if OURS.match(one.name)),
)
PAGE = Path(__file__).parents[2] / "docs" / "detection.md"

ACCOUNT = "111122223333"
RUN = "run-01JDC7Q4ZJ8M3N5P7R9T1V3X5Z"
PATH = f"arn:aws:iam::{ACCOUNT}:role/mcp-guardrails/agents/release-bot/mcp-guardrails-release-bot-"
LAMBDA = {
    "AddPermission": "AddPermission20150331v2",
    "CreateFunction": "CreateFunction20150331",
    "UpdateFunctionCode": "UpdateFunctionCode20150331v2",
    "UpdateFunctionConfiguration": "UpdateFunctionConfiguration20150331v2",
}
IDENTITIES = {"ds", "iam", "identitystore", "organizations", "rolesanywhere", "sso", "sso-directory"}


def _values(condition: Condition, field: str) -> set[str]:
    if isinstance(condition, Comparison):
        return set(condition.values) if condition.field == field and condition.op is Op.EQUALS else set()
    if isinstance(condition, All | AnyOf):
        return set().union(*(_values(part, field) for part in condition.parts))
    return set()


def _event_name(action: str) -> str:
    service, _, name = action.partition(":")
    return LAMBDA[name] if service == "lambda" else name


# ---- what they are held to


def test_every_case_holds_and_every_mutant_is_caught() -> None:
    report = run(BOOK, {name: cases for name, cases in shipped_cases().items() if OURS.match(name)})
    assert report.failures == ()
    assert report.survivors == ()
    assert report.rules >= 60
    assert report.mutants > 1000


def test_the_steps_of_escalation_are_those_of_the_catalogue() -> None:
    actions = set(escalation_actions()) - {"iam:PassRole"}  # it is never an event
    identities = {one for one in actions if one.partition(":")[0] in IDENTITIES} | {"sts:AssumeRoot"}
    minted = (actions & set(credentials.STEPS)) - identities
    roles = (actions & set(direct.STEPS)) - identities - minted
    rules = {rule.name: rule for rule in BOOK.rules}
    for name, expected in (
        ("agent_escalation_identities", identities),
        ("agent_escalation_credentials", minted),
        ("agent_escalation_roles", roles),
    ):
        condition = rules[name].condition
        assert _values(condition, "eventName") == {_event_name(one) for one in expected}, name
        assert _values(condition, "eventSource") == {one.partition(":")[0] + ".amazonaws.com" for one in expected}, name


def test_rules_ask_for_facts_that_there_are() -> None:
    asked = {field for rule in BOOK.rules for field in fields_of(rule.condition) if field.startswith("agent.")}
    grouped = {field for one in BOOK.correlations for field in one.group_by if field.startswith("agent.")}
    assert asked | grouped <= set(FIELDS)


def test_what_contains_by_itself_is_an_invariant_and_critical() -> None:
    hard = [rule for rule in BOOK.rules if rule.contains]
    assert len(hard) >= 10
    assert {(rule.source, rule.level) for rule in hard} == {(Source.INVARIANT, Level.CRITICAL)}
    assert not any(one.contains for one in BOOK.correlations)


def test_what_is_only_counted_is_counted() -> None:
    counted = {name for one in BOOK.correlations for name in one.rules}
    assert {rule.name for rule in BOOK.rules if rule.level is Level.INFORMATIONAL} == counted


def test_the_page_lists_them_as_they_are() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([a-z]+) \| (yes|) ?\|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    listed = {row for row in rows if OURS.match(row[0])}
    there = {(one.name, one.level.value, "yes" if one.contains else "") for one in BOOK.rules}
    assert listed == there | {(one.name, one.level.value, "yes" if one.contains else "") for one in BOOK.correlations}


# ---- stories


class _Story:
    """Events of one account, as the trail hands them on, one after the other."""

    def __init__(self, **profile: Any) -> None:
        profiles = {"release-bot": AgentProfile("release-bot", **profile)} if profile else {}
        self.contained: str | None = None
        self._facts = Facts(profiles, lambda _name, _time: self.contained)
        self._detector = Detector(BOOK, facts=self._facts)
        self._attributor = Attributor()
        self._count = 0
        self.raised: list[str] = []

    def __call__(self, source: str, name: str, who: dict[str, Any], *, writes: bool = False, **fields: Any) -> None:
        self._count += 1
        event = attributed(
            eventSource=f"{source}.amazonaws.com",
            eventName=name,
            eventID=f"e-{self._count}",
            requestID=f"r-{self._count}",
            readOnly=not writes,
            userIdentity=who,
            **{"sourceIPAddress": "198.51.100.7", **fields},
        ).event
        found = self._detector.look(Attributed(event, self._attributor.attribute(event)))
        self.raised += [alert.rule for alert in found]

    def mint(self, kind: str, key: str, who: dict[str, Any], digest: str = "none") -> None:
        tags = {"agent": "release-bot", "run": RUN, "ticket": "OPS-1", "capability": kind, "caller": "ann"}
        asked = {"roleArn": PATH + kind, "sourceIdentity": RUN, "principalTags": {**tags, "plan-digest": digest}}
        made = {"credentials": {"accessKeyId": key}}
        self("sts", "AssumeRole", who, requestParameters=asked, responseElements=made)


def _session(role: str, key: str = "", **more: Any) -> dict[str, Any]:
    name = role.rpartition("/")[2]
    context: dict[str, Any] = {"sessionIssuer": {"arn": role}}
    if "/agents/" in role:
        context["sourceIdentity"] = RUN
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/{name}/{RUN}"
    known = {"accessKeyId": key} if key else {}
    return {"type": "AssumedRole", "arn": arn, "accountId": ACCOUNT, "sessionContext": context, **known, **more}


def _own(name: str) -> dict[str, Any]:
    return _session(f"arn:aws:iam::{ACCOUNT}:role/mcp-guardrails/{name}")


READ, PLAN, APPLY = (_session(PATH + kind, f"ASIAEXAMPLE{kind.upper()}") for kind in ("read", "plan", "apply"))
PERSON = _session(f"arn:aws:iam::{ACCOUNT}:role/Operations", "ASIAEXAMPLEANN")


def test_a_day_of_work_raises_nothing() -> None:
    story = _Story(
        accounts=frozenset({ACCOUNT}),
        regions=frozenset({"eu-west-1"}),
        services=frozenset({"s3", "lambda", "cloudwatch"}),
        tier="T1",
    )
    story.mint("read", "ASIAEXAMPLEREAD", _own("mcp-guardrails-session-broker"))
    story("s3", "ListBuckets", READ)
    story("monitoring", "DescribeAlarms", READ)
    story("iam", "ListRoles", READ, errorCode="AccessDenied")
    story("s3", "GetBucketPolicy", READ, errorCode="NoSuchBucketPolicy")
    story.mint("plan", "ASIAEXAMPLEPLAN", _own("mcp-guardrails-session-broker"))
    stack = {"stackName": "release-app", "changeSetName": "c"}
    story("cloudformation", "CreateChangeSet", PLAN, writes=True, requestParameters=stack)
    intake = {"functionName": "mcp-guardrails-approval-intake"}
    story("lambda", "InvokeFunctionUrl", PLAN, writes=True, requestParameters=intake)
    machine = {"stateMachineArn": f"arn:aws:states:eu-west-1:{ACCOUNT}:stateMachine:mcp-guardrails-approval"}
    story("states", "StartExecution", _own("mcp-guardrails-approval-intake"), writes=True, requestParameters=machine)
    table = {"tableName": "mcp-guardrails-approval-tokens"}
    story("dynamodb", "PutItem", _own("mcp-guardrails-approval-notify"), writes=True, requestParameters=table)
    story("dynamodb", "GetItem", _own("mcp-guardrails-approval-api"), requestParameters=table)
    story("states", "SendTaskSuccess", _own("mcp-guardrails-approval-api"), writes=True)
    story.mint("apply", "ASIAEXAMPLEAPPLY", _own("mcp-guardrails-approval-broker"), "sha256-" + "ab" * 32)
    story("cloudformation", "ExecuteChangeSet", APPLY, writes=True, requestParameters=stack)
    service = {"type": "AWSService", "invokedBy": "cloudformation.amazonaws.com"}
    asked = {"roleArn": PATH + "execution", "roleSessionName": "AWSCloudFormation"}
    made = {"credentials": {"accessKeyId": "ASIAEXAMPLEEXECUTION"}}
    story("sts", "AssumeRole", service, requestParameters=asked, responseElements=made)
    execution = _session(PATH + "execution", "ASIAEXAMPLEEXECUTION", invokedBy="cloudformation.amazonaws.com")
    role = {"roleName": "worker", "path": "/mcp-guardrails/agents/release-bot/workloads/"}
    story("lambda", "CreateFunction20150331", execution, writes=True, sourceIPAddress="cloudformation.amazonaws.com")
    story("iam", "CreateRole", execution, writes=True, requestParameters=role)
    worker = _session(PATH.rpartition("/")[0] + "/workloads/worker", "ASIAEXAMPLEWORKER")
    story("logs", "CreateLogStream", worker, writes=True)
    story("s3", "PutObject", worker, writes=True, requestParameters={"bucketName": "release-orders", "key": "1"})
    story("iam", "CreateUser", PERSON, writes=True)
    deployment = _session(f"arn:aws:iam::{ACCOUNT}:role/cdk-exec", invokedBy="cloudformation.amazonaws.com")
    boundary = {"policyArn": f"arn:aws:iam::{ACCOUNT}:policy/mcp-guardrails/boundary/mcp-guardrails-agent-release-bot"}
    story("iam", "CreatePolicyVersion", deployment, writes=True, requestParameters=boundary)
    assert story.raised == []


def test_an_agent_that_looks_for_a_way_out() -> None:
    story = _Story(accounts=frozenset({ACCOUNT}), services=frozenset({"s3"}), tier="T1", mcp=True)
    story.mint("read", "ASIAEXAMPLEREAD", _own("mcp-guardrails-session-broker"))
    through = {"invokedBy": "aws-mcp.amazonaws.com"}
    for number in range(8):
        story("ec2", f"DescribeThing{number}", {**READ, **through}, errorCode="Client.UnauthorizedOperation")
    story("iam", "CreateAccessKey", {**READ, **through}, writes=True, errorCode="AccessDenied")
    story("cloudtrail", "StopLogging", {**READ, **through}, writes=True, errorCode="AccessDenied")
    story("s3", "ListBuckets", READ)
    story("s3", "ListBuckets", READ, sourceIPAddress="203.0.113.9")
    asked = {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/Operations"}
    story("sts", "AssumeRole", READ, requestParameters=asked)
    chained = _session(f"arn:aws:iam::{ACCOUNT}:role/Operations", "ASIAEXAMPLECHAINED")
    chained["sessionContext"]["sourceIdentity"] = RUN
    story("s3", "ListBuckets", chained)
    assert story.raised == [
        "agent_denied_probing",
        "agent_escalation_identities",
        "agent_disables_guard_service",
        *("agent_outside_mcp", "agent_outside_mcp", "agent_key_at_two_addresses"),
        "agent_chains_role",
        *("agent_outside_mcp", "agent_run_off_path"),
    ]


def test_an_approval_that_was_gone_around() -> None:
    story = _Story()
    story.mint("apply", "ASIAEXAMPLEAPPLY", PERSON)
    assert story.raised == ["agent_apply_without_plan", "agent_session_not_from_broker"]
    story.raised.clear()
    story("cloudformation", "ExecuteChangeSet", PLAN, writes=True, requestParameters={"stackName": "release-app"})
    assert story.raised == ["agent_executes_unapproved_change", "agent_reader_writes"]
    story.raised.clear()
    story("states", "SendTaskSuccess", APPLY, writes=True, errorCode="AccessDeniedException")
    assert story.raised == ["agent_bypasses_approval"]


def test_a_call_after_the_kill_switch() -> None:
    story = _Story()
    story("s3", "ListBuckets", READ)
    story.contained = "K2"
    story("s3", "ListBuckets", READ, errorCode="AccessDenied")
    story("sts", "GetCallerIdentity", READ)
    assert story.raised == []
    story("s3", "ListBuckets", READ)
    assert story.raised == ["agent_acts_while_contained"]


@pytest.mark.parametrize(
    ("source", "region"), [("cloudcontrolapi", "eu-west-1"), ("sts", "eu-west-1"), ("monitoring", "us-east-1")]
)
def test_services_go_by_iams_name_for_them(source: str, region: str) -> None:
    story = _Story(regions=frozenset({"eu-west-1"}), services=frozenset({"cloudwatch", "cloudformation"}))
    story(source, "GetThing", READ, awsRegion=region)
    assert story.raised == []
