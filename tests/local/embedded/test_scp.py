from __future__ import annotations

import json
from typing import Any

ALLOW_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
DENY_TOPICS = {
    "Version": "2012-10-17",
    "Statement": [{"Sid": "NoTopics", "Effect": "Deny", "Action": "sns:CreateTopic", "Resource": "*"}],
}


def _topic(account: Any, session: Any = None) -> Any:
    return lambda: account.client("sns", session).create_topic(Name="t")


def test_scp_is_ignored_without_the_extension(stock: Any, stock_account: Any, refusal: Any) -> None:
    organizations = stock.client("organizations", account=stock.management_account)
    root = organizations.list_roots()["Roots"][0]["Id"]
    policy = organizations.create_policy(
        Name=stock_account.id, Description="d", Type="SERVICE_CONTROL_POLICY", Content=json.dumps(DENY_TOPICS)
    )
    organizations.attach_policy(PolicyId=policy["Policy"]["PolicySummary"]["Id"], TargetId=root)
    session = stock_account.assume(stock_account.role("all", ALLOW_ALL))
    assert refusal(_topic(stock_account, session)) == ""


def test_scp_binds_roles_and_root_of_a_member(organization: Any, member: Any, refusal: Any) -> None:
    session = member.assume(member.role("all", ALLOW_ALL))
    assert refusal(_topic(member, session)) == ""
    policy = organization.attach_scp("no-topics", DENY_TOPICS, organization.root_id)
    assert refusal(_topic(member, session)) == "AuthorizationError"
    assert refusal(_topic(member)) == "AuthorizationError"
    assert refusal(lambda: member.client("sqs", session).create_queue(QueueName="q")) == ""
    organization.detach(policy, organization.root_id)
    assert refusal(_topic(member, session)) == ""


def test_scp_does_not_bind_the_management_account(aws: Any, organization: Any, refusal: Any) -> None:
    organization.attach_scp("no-topics", DENY_TOPICS, organization.root_id)
    topics = aws.client("sns", account=organization.management_account)
    assert refusal(lambda: topics.create_topic(Name="t")) == ""


def test_every_level_must_allow(organization: Any, member: Any, refusal: Any) -> None:
    allow_queues = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["sqs:*", "sts:*", "iam:*"], "Resource": "*"}],
    }
    session = member.assume(member.role("all", ALLOW_ALL))
    organization.attach_scp("only-queues", allow_queues, member.id)
    # FullAWSAccess still hangs on the account, so the narrower one beside it changes nothing.
    assert refusal(_topic(member, session)) == ""
    organization.detach("p-FullAWSAccess", member.id)
    assert refusal(_topic(member, session)) == "AuthorizationError"
    assert refusal(lambda: member.client("sqs", session).create_queue(QueueName="q")) == ""
