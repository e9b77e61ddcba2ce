from __future__ import annotations

from typing import Any

from sudo_mcp_guardrails.local.embedded.probes import mint_oauth_token, scoped_credentials, signed_call

ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
NO_MCP_TOKENS = {
    "Effect": "Deny",
    "Action": ["signin:CreateOAuth2Token", "signin:AuthorizeOAuth2Access"],
    "Resource": "arn:aws:signin:*:*:service-principal/aws-mcp.amazonaws.com",
}


def test_minting_cannot_be_tried_without_the_extension(stock_account: Any) -> None:
    session = stock_account.assume(stock_account.role("nothing"))
    answer = mint_oauth_token(session, stock_account.aws.endpoint_url)
    assert "signin:CreateOAuth2Token" not in answer.message


def test_minting_is_authorized(account: Any) -> None:
    url = account.aws.endpoint_url
    nothing = mint_oauth_token(account.assume(account.role("nothing")), url)
    assert (nothing.status, nothing.denied) == (403, True)
    assert "signin:CreateOAuth2Token" in nothing.message
    session = account.assume(account.role("guarded", ALL, NO_MCP_TOKENS))
    assert mint_oauth_token(session, url).denied
    assert signed_call(
        session, url, "signin", {"Action": "AuthorizeOAuth2Access", "resource": "aws-mcp.amazonaws.com"}
    ).denied
    other = mint_oauth_token(session, url, "other.amazonaws.com")
    assert (other.status, other.denied) == (501, False)


def test_sts_operations_that_ministack_lacks_are_authorized_first(account: Any) -> None:
    url = account.aws.endpoint_url
    assert scoped_credentials(account.assume(account.role("nothing")), url, "{}").denied
    assert scoped_credentials(account.assume(account.role("all", ALL)), url, "{}").code == "InvalidAction"
    token = {"Action": "GetWebIdentityToken", "Audience.member.1": "x", "SigningAlgorithm": "RS256"}
    assert signed_call(account.assume(account.role("none")), url, "sts", token).denied
    assert signed_call(account.assume(account.role("any", ALL)), url, "sts", token).status == 200
