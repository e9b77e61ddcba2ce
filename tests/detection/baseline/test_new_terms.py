from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.detection.baseline import Baselines
from sudo_mcp_guardrails.detection.baseline.learning import Learning
from sudo_mcp_guardrails.detection.baseline.new_terms import VARIES, NewTerms
from sudo_mcp_guardrails.detection.facts import Facts
from sudo_mcp_guardrails.detection.profile import AgentProfile
from sudo_mcp_guardrails.detection.rule import Level, Source
from tests.detection.baseline.made import USUAL, look, made, work

if TYPE_CHECKING:
    from sudo_mcp_guardrails.detection.detector import Layer


@pytest.fixture
def taught() -> tuple[Baselines, NewTerms]:
    baselines = Baselines()
    layer = NewTerms(baselines)
    assert work(baselines, [layer, Learning(baselines)], range(8)) == []
    return baselines, layer


def test_what_is_usual_is_silent(taught: tuple[Baselines, NewTerms]) -> None:
    for action in USUAL:
        assert look([taught[1]], made(action, 8)) == []


@pytest.mark.parametrize(
    ("action", "fields", "words", "level"),
    [
        ("iam:CreateUser", {}, "used the service iam", Level.MEDIUM),
        ("iam:ListUsers", {}, "used the service iam", Level.LOW),
        ("s3:PutBucketPolicy", {}, "used the action s3:PutBucketPolicy", Level.MEDIUM),
        ("s3:GetBucketAcl", {}, "used the action s3:GetBucketAcl", Level.LOW),
        ("s3:PutBucketPolicy", {"errorCode": "AccessDenied"}, "used the action s3:PutBucketPolicy", Level.MEDIUM),
        ("s3:GetObject", {"awsRegion": "us-west-2"}, "the account and Region 111122223333/us-west-2", Level.LOW),
        ("s3:GetObject", {"recipientAccountId": "444455556666"}, "Region 444455556666/eu-west-1", Level.LOW),
        ("s3:GetObject", {"sourceIPAddress": "192.0.2.9"}, "used the source 192.0.0.0/16", Level.LOW),
    ],
)
def test_what_is_new_is_said_with_counts(
    taught: tuple[Baselines, NewTerms], action: str, fields: dict[str, Any], words: str, level: Level
) -> None:
    (alert,) = look([taught[1]], made(action, 8, **fields))
    assert words in alert.sentence
    own = 64 if action == "s3:GetObject" else 0
    assert f"{own} of 320 calls by this agent in 14 days, 0 of 0 by peers of the task" in alert.sentence
    assert (alert.level, alert.source, alert.rule) == (level, Source.NEW_TERM, "new_term")


@pytest.mark.parametrize(
    ("action", "fields"),
    [
        ("s3:GetObject", {"userAgent": "curl/8"}),
        ("s3:GetObject", {"resources": [{"type": "AWS::S3::Object"}]}),
        ("s3:GetBucketAcl", {"errorCode": "AccessDenied"}),
        ("s3:GetObject", {"sourceIPAddress": "203.0.200.200"}),
        ("s3:GetObject", {"userAgent": "Boto3/2.0"}),
    ],
)
def test_what_tells_nothing_is_silent(taught: tuple[Baselines, NewTerms], action: str, fields: dict[str, Any]) -> None:
    assert look([taught[1]], made(action, 8, **fields)) == []


def test_a_write_tells_of_programs_and_types_too() -> None:
    baselines = Baselines()
    layer = NewTerms(baselines)
    work(baselines, [layer, Learning(baselines)], range(8), ("s3:PutObject",))
    (alert,) = look([layer], made("s3:PutObject", 8, userAgent="curl/8", resources=[{"type": "AWS::S3::Object"}]))
    assert alert.level is Level.LOW
    assert "the resource type s3:PutObject on AWS::S3::Object" in alert.sentence
    assert "also new: the program curl" in alert.sentence


def test_a_term_is_said_once_a_day(taught: tuple[Baselines, NewTerms]) -> None:
    layer: list[Layer] = [taught[1]]
    assert [len(look(layer, made("iam:CreateUser", day))) for day in (8, 8, 9, 9)] == [1, 0, 1, 0]
    (alert,) = look(layer, made("iam:DeleteUser", 8))
    assert "the action iam:DeleteUser" in alert.sentence
    assert "the service iam" not in alert.sentence


def test_what_ended_well_is_no_news_later_and_what_did_not_is(taught: tuple[Baselines, NewTerms]) -> None:
    baselines, layer = taught
    layers: list[Layer] = [layer, Learning(baselines)]
    assert len(work(baselines, layers, [8], ("iam:CreateUser",), clean=False)) == 1
    assert len(work(baselines, layers, [9], ("iam:CreateUser",))) == 1
    assert work(baselines, layers, [10], ("iam:CreateUser",)) == []


def test_a_term_is_forgotten_after_28_days(taught: tuple[Baselines, NewTerms]) -> None:
    baselines, layer = taught
    layers: list[Layer] = [layer, Learning(baselines)]
    work(baselines, layers, [8], ("iam:CreateUser",))
    work(baselines, layers, range(9, 36, 3))
    assert look(layers, made("iam:CreateUser", 35)) == []
    assert len(look(layers, made("iam:CreateUser", 36))) == 1


def test_a_read_that_others_do_too_is_no_news_but_a_write_is(taught: tuple[Baselines, NewTerms]) -> None:
    baselines, layer = taught
    learner = [Learning(baselines)]
    work(baselines, learner, [7], ("iam:ListRoles", "iam:CreateRole"), agent="peer", calls=10)
    work(baselines, learner, [7], ("sqs:ListQueues",), agent="else", capability="plan", calls=10)
    assert look([layer], made("iam:ListRoles", 8)) == []
    assert look([layer], made("sqs:ListQueues", 8)) == []
    (alert,) = look([layer], made("iam:CreateRole", 8))
    assert "5 of 10 by peers of the task, 5 of 20 by other agents" in alert.sentence


def test_an_agents_tasks_are_apart(taught: tuple[Baselines, NewTerms]) -> None:
    baselines, layer = taught
    work(baselines, [Learning(baselines)], range(8), ("s3:PutObject",), capability="apply")
    assert look([layer], made("s3:PutObject", 8, capability="apply")) == []
    (alert,) = look([layer], made("s3:PutObject", 8))
    assert "bot (task read)" in alert.sentence


def test_sources_that_vary_tell_nothing(taught: tuple[Baselines, NewTerms]) -> None:
    baselines, layer = taught
    for number in range(VARIES - 1):
        run = f"run-ip-{number}"
        look([Learning(baselines)], made("s3:GetObject", 7, run=run, sourceIPAddress=f"10.{number}.0.1"))
        assert len(look([layer], made("s3:GetObject", 8, sourceIPAddress=f"172.{number}.0.1"))) == 1
        baselines.learn(run, clean=True)
    assert look([layer], made("s3:GetObject", 8, sourceIPAddress="192.0.2.9")) == []


def test_the_first_use_of_a_declared_action_is_silent() -> None:
    baselines = Baselines()
    profiles = {"bot": AgentProfile("bot", declared=("iam:Create*", "ec2:Describe*", "s3:*", "logs:*"))}
    layer = NewTerms(baselines, profiles)
    work(baselines, [layer, Learning(baselines)], range(8))
    assert look([layer], made("iam:CreateUser", 8)) == []
    assert len(look([layer], made("iam:DeleteUser", 8))) == 1
    (alert,) = look([layer], made("iam:CreateUser", 8, awsRegion="us-west-2"))
    assert "the account and Region" in alert.sentence


def test_a_task_is_declared_by_the_prefixes_of_iam() -> None:
    baselines = Baselines()
    layer = NewTerms(baselines, {"bot": AgentProfile("bot", declared=("cloudwatch:Put*",))})
    work(baselines, [layer, Learning(baselines)], range(8))
    assert look([layer], made("monitoring:PutMetricData", 8)) == []
    assert len(look([layer], made("monitoring:DeleteAlarms", 8))) == 1


def test_an_agent_without_a_history_is_silent_but_for_its_declared_task() -> None:
    baselines = Baselines()
    profiles = {"bot": AgentProfile("bot", declared=("s3:*",))}
    layer = NewTerms(baselines, profiles)
    facts = Facts(profiles)
    assert look([layer], made("s3:PutBucketPolicy"), facts) == []
    (alert,) = look([layer], made("iam:CreateUser"), facts)
    assert alert.sentence == (
        "bot (task read) called iam:CreateUser, which its declared task does not hold; its own history is still being "
        "learned: 0 days, 0 calls"
    )
    assert alert.level is Level.MEDIUM
    assert look([layer], made("iam:CreateUser"), facts) == []
    assert look([layer], made("iam:CreateUser", agent="other"), facts) == []
    (alert,) = look([layer], made("iam:ListUsers"), facts)
    assert alert.level is Level.LOW


@pytest.mark.parametrize("fields", [{"agent": None}, {"eventTime": "x"}])
def test_an_event_without_agent_or_time_is_left_alone(
    taught: tuple[Baselines, NewTerms], fields: dict[str, Any]
) -> None:
    assert look([taught[1]], made("iam:CreateUser", 8, **fields)) == []


def test_what_callers_choose_is_quoted(taught: tuple[Baselines, NewTerms]) -> None:
    (alert,) = look([taught[1]], made("s3:GetObject", 8, sourceIPAddress="a\n{agent}\u202e" + "x" * 400))
    assert "\n" not in alert.sentence
    assert "\u202e" not in alert.sentence
    assert "a {agent} xxx" in alert.sentence
    assert len(alert.sentence) < 500
