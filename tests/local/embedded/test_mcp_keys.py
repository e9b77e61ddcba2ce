from __future__ import annotations

from typing import Any

from botocore.config import Config

VIA = "mcp-guardrails-via/aws-mcp.amazonaws.com"
QUEUES = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}


def _create(account: Any, session: Any, marker: str = "") -> Any:
    config = Config(user_agent_extra=marker) if marker else Config()
    sqs = session.client("sqs", endpoint_url=account.aws.endpoint_url, config=config)
    return lambda: sqs.create_queue(QueueName="q")


def _denied(key: str, value: str, operator: str = "StringEquals") -> dict[str, Any]:
    return {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {operator: {key: value}}}


def test_a_marked_call_is_an_ordinary_one_without_the_extension(stock_account: Any, refusal: Any) -> None:
    session = stock_account.assume(stock_account.role("r", QUEUES, _denied("aws:ViaAWSMCPService", "true", "Bool")))
    assert refusal(_create(stock_account, session, VIA)) == ""


def test_marker_sets_both_keys(account: Any, refusal: Any) -> None:
    by_via = account.assume(account.role("via", QUEUES, _denied("aws:ViaAWSMCPService", "true", "Bool")))
    by_name = account.assume(account.role("name", QUEUES, _denied("aws:CalledViaAWSMCP", "aws-mcp.amazonaws.com")))
    for session in (by_via, by_name):
        assert refusal(_create(account, session)) == ""
        assert refusal(_create(account, session, VIA)) == "AccessDenied"
    eks = "mcp-guardrails-via/eks-mcp.amazonaws.com"
    assert refusal(_create(account, by_name, eks)) == ""
    assert refusal(_create(account, by_via, eks)) == "AccessDenied"


def test_a_direct_call_has_false_and_no_server(account: Any, refusal: Any) -> None:
    only_false = account.assume(
        account.role("false", {**QUEUES, "Condition": {"Bool": {"aws:ViaAWSMCPService": "false"}}})
    )
    assert refusal(_create(account, only_false)) == ""
    assert refusal(_create(account, only_false, "mcp-guardrails-via/evil.example.com")) == ""
    no_server = account.assume(account.role("none", {**QUEUES, "Condition": {"Null": {"aws:CalledViaAWSMCP": "true"}}}))
    assert refusal(_create(account, no_server)) == ""
    assert refusal(_create(account, no_server, VIA)) == "AccessDenied"
