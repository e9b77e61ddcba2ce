from __future__ import annotations

from typing import Any

import pytest

from sudo_mcp_guardrails.approval.plan import Change, Operation
from sudo_mcp_guardrails.detection.baseline.calls import Call
from sudo_mcp_guardrails.detection.baseline.deviation import Deviation
from sudo_mcp_guardrails.detection.baseline.planned import MemoryPlannedCalls, Planned, Session
from sudo_mcp_guardrails.detection.errors import DetectionError
from sudo_mcp_guardrails.detection.rule import Level, Source
from tests.detection.baseline.made import look, made

TABLE = "arn:aws:dynamodb:eu-west-1:111122223333:table/orders"
BUCKET = "arn:aws:s3:::release-bot-site"
GRANTED = ("dynamodb:DescribeTable", "cloudformation:ExecuteChangeSet", "cloudformation:DescribeStack*")
PLAN = Planned.of(
    [
        Change(Operation.CREATE, "AWS::S3::Bucket", "Site"),
        Change(Operation.CALL, "dynamodb:UpdateTable", "1", actions=("dynamodb:UpdateTable",), resources=(TABLE,)),
        Change(Operation.CALL, "s3:PutObject", "2", resources=(f"{BUCKET}/*",)),
    ],
    granted=GRANTED,
)


@pytest.fixture
def layer() -> Deviation:
    return Deviation(MemoryPlannedCalls({"apr-1": PLAN, "d" * 64: PLAN}))


def _apply(action: str, **fields: Any) -> Any:
    return made(action, **{"capability": "apply", "approval": "apr-1", **fields})


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("cloudformation:ExecuteChangeSet", {}),
        ("cloudformation:DescribeStackEvents", {}),
        ("dynamodb:UpdateTable", {"resources": [{"ARN": TABLE}]}),
        ("dynamodb:UpdateTable", {"resources": [{"ARN": 3}, "x", {"ARN": "arn:aws:kms:eu-west-1:111122223333:key/1"}]}),
        ("s3:PutObject", {"resources": [{"ARN": f"{BUCKET}/index.html"}, {"ARN": BUCKET}]}),
        ("s3:UploadPart", {}),
        ("ec2:DescribeInstances", {}),
        ("s3:HeadObject", {"resources": [{"ARN": "arn:aws:s3:::elsewhere"}]}),
        ("sts:AssumeRole", {}),
        ("dynamodb:DescribeTable", {"resources": [{"ARN": TABLE + "2"}]}),
        ("sts:GetCallerIdentity", {}),
        ("dynamodb:UpdateTable", {"resources": "none"}),
    ],
)
def test_what_the_plan_holds_is_silent(layer: Deviation, action: str, fields: dict[str, Any]) -> None:
    assert look([layer], _apply(action, **fields)) == []


@pytest.mark.parametrize(
    ("action", "fields", "level"),
    [
        ("s3:CreateBucket", {}, Level.HIGH),  # the execution role's to do
        ("iam:CreateUser", {}, Level.HIGH),
        ("iam:CreateUser", {"errorCode": "AccessDenied"}, Level.MEDIUM),
        ("secretsmanager:GetSecretValue", {}, Level.MEDIUM),
    ],
)
def test_a_call_outside_of_the_plan_is_said_once(
    layer: Deviation, action: str, fields: dict[str, Any], level: Level
) -> None:
    (alert,) = look([layer], _apply(action, **fields))
    refused = " (refused)" if fields else ""
    assert alert.sentence == (
        f"bot (apply session of approval apr-1) called {action}{refused}, which the approved plan does not hold"
    )
    assert (alert.level, alert.source, alert.rule) == (level, Source.DEVIATION, "outside_plan")
    assert look([layer], _apply(action, **fields)) == []


@pytest.mark.parametrize(
    ("action", "arn"),
    [
        ("dynamodb:UpdateTable", TABLE + "2"),
        ("dynamodb:UpdateTable", TABLE.replace("111122223333", "444455556666")),
        ("s3:PutObject", "arn:aws:s3:::release-bot-sites/x"),
        ("s3:PutObject", "arn:aws:s3:::elsewhere"),
    ],
)
def test_a_resource_outside_of_the_plan_is_said_once(layer: Deviation, action: str, arn: str) -> None:
    (alert,) = look([layer], _apply(action, resources=[{"ARN": arn}]))
    assert alert.sentence.endswith(f"called {action} on {arn}, which the approved plan does not touch")
    assert alert.level is Level.HIGH
    assert look([layer], _apply(action, resources=[{"ARN": arn}])) == []


def test_the_execution_role_is_held_to_the_types(layer: Deviation) -> None:
    def execution(action: str) -> list[Any]:
        return look([layer], made(action, capability="execution", digest="d" * 64))

    assert execution("s3:CreateBucket") == []
    assert execution("s3:DescribeAnything") == []
    (alert,) = execution("s3:PutBucketPolicy")
    assert f"bot (execution session of plan {'d' * 64}) called s3:PutBucketPolicy" in alert.sentence
    (alert,) = execution("dynamodb:UpdateTable")  # a call is the apply session's to make
    assert alert.level is Level.HIGH


@pytest.mark.parametrize("names", [{}, {"approval": "apr-9"}, {"digest": "0" * 64}])
@pytest.mark.parametrize("capability", ["apply", "execution"])
def test_a_plan_that_is_not_known_is_said_once(layer: Deviation, names: dict[str, str], capability: str) -> None:
    events = [made(action, capability=capability, **names) for action in ("s3:PutObject", "iam:CreateUser")]  # type: ignore[arg-type]
    alerts = [alert for event in events for alert in look([layer], event)]
    assert [(alert.rule, alert.level) for alert in alerts] == [("plan_not_known", Level.LOW)]
    assert "which cannot be compared with its plan" in alerts[0].sentence
    assert alerts[0].sentence.endswith("is not known")


@pytest.mark.parametrize("capability", ["read", "plan", "workload"])
def test_sessions_without_a_plan_are_left_alone(layer: Deviation, capability: str) -> None:
    assert look([layer], made("iam:CreateUser", capability=capability)) == []


def test_types_that_nobody_knows_are_said_once_and_what_is_known_is_compared() -> None:
    changes = [Change(Operation.CREATE, "Custom::Thing", "T"), Change(Operation.CREATE, "AWS::SQS::Queue", "Q")]
    layer = Deviation(MemoryPlannedCalls({"apr-1": Planned.of(changes)}))
    events = [
        made(action, capability="execution", approval="apr-1")
        for action in ("sqs:CreateQueue", "lambda:Invoke", "iam:CreateUser")
    ]
    alerts = [alert for event in events for alert in look([layer], event)]
    assert [alert.rule for alert in alerts] == ["plan_not_known"]
    assert "nobody knows what the types Custom::Thing of approval apr-1 need" in alerts[0].sentence
    (alert,) = look([layer], _apply("iam:CreateUser"))  # the apply session's calls are known all the same
    assert alert.rule == "outside_plan"


def test_a_call_whose_resources_nobody_knows_leaves_all_resources_open() -> None:
    plan = Planned.of([Change(Operation.CALL, "s3:PutObject", "1"), PLAN_CALL])
    assert plan.resources == ()
    assert plan.touches("arn:aws:s3:::any")
    layer = Deviation(MemoryPlannedCalls({"apr-1": plan}))
    assert look([layer], _apply("s3:PutObject", resources=[{"ARN": "arn:aws:s3:::any"}])) == []


PLAN_CALL = Change(Operation.CALL, "dynamodb:UpdateTable", "2", resources=(TABLE,))


def test_actions_are_compared_as_iam_does() -> None:
    plan = Planned(frozenset({"S3:putobject", "s3:PutEncryptionConfiguration", "cloudwatch:Put*"}))
    for action in ("s3:PutObject", "s3:PutBucketEncryption", "monitoring:PutMetricAlarm"):
        assert plan.holds(Call.of(made(action).event), Session.APPLY)
    for action in ("s3:PutBucketPolicy", "monitoring:DeleteAlarms"):
        assert not plan.holds(Call.of(made(action).event), Session.APPLY)


def test_a_plan_of_calls_alone_holds_them_for_the_execution_role_too() -> None:
    plan = Planned(frozenset({"s3:PutObject"}))
    assert plan.holds(Call.of(made("s3:PutObject").event), Session.EXECUTION)
    assert not plan.holds(Call.of(made("s3:GetObject").event), Session.EXECUTION)


def test_a_plan_that_is_too_large_is_refused() -> None:
    with pytest.raises(DetectionError, match="plan with 20001 actions is not allowed"):
        Planned(frozenset(f"s3:A{number}" for number in range(20_001)))


def test_the_digest_tells_before_the_approval() -> None:
    one, other = Planned(frozenset({"s3:A"})), Planned(frozenset({"s3:B"}))
    plans = MemoryPlannedCalls({"apr-1": one, "digest": other})
    assert plans.find("apr-1", "digest") is other
    assert plans.find("apr-1", "unknown") is one
    assert plans.find(None, None) is None
