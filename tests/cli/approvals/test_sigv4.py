"""Signatures of requests, against botocore's."""

from __future__ import annotations

import re

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from sudo_mcp_guardrails.cli.approvals.sigv4 import SessionKeys, signed_headers

KEYS = SessionKeys("ASIAEXAMPLE", "a+secret/key", "a-token==")
URL = "https://abc123.lambda-url.eu-central-1.on.aws"


def signature(headers: dict[str, str]) -> str:
    found = re.search(r"Signature=([0-9a-f]{64})$", headers["authorization"])
    assert found, headers
    return found[1]


def botocores(method: str, url: str, body: bytes, at: str) -> str:
    """What botocore makes of a request that was signed at a time."""
    auth = SigV4Auth(Credentials(KEYS.access_key, KEYS.secret_key, KEYS.token), "lambda", "eu-central-1")
    headers = {"x-amz-date": at, "x-amz-security-token": KEYS.token}
    request = AWSRequest(method=method, url=url, data=body, headers=headers)
    request.context["timestamp"] = at
    made: str = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    return made


@pytest.mark.parametrize(
    ("method", "url", "body"),
    [
        ("GET", f"{URL}/", b""),
        ("GET", f"{URL}/api/approvals?state=open", b""),
        ("GET", f"{URL}/api/approvals/apr-1/changes?offset=50&find=a%20b&a=%2F", b""),
        ("POST", f"{URL}/api/delegations/0a.1b/end", b"{}"),
        ("POST", f"{URL}/api/trust/a%20b/promotions", '{"reason": "ü"}'.encode()),
        ("POST", "http://127.0.0.1:4566/_aws/lambda-url/abc/api/delegations", b'{"a": 1}'),
    ],
)
def test_a_request_is_signed_as_botocore_signs_it(method: str, url: str, body: bytes) -> None:
    headers = signed_headers(KEYS, method, url, body, region="eu-central-1", now=1_795_510_800)
    assert (headers["x-amz-date"], headers["x-amz-security-token"]) == ("20261124T090000Z", KEYS.token)
    assert "/20261124/eu-central-1/lambda/aws4_request, " in headers["authorization"]
    assert signature(headers) == botocores(method, url, body, headers["x-amz-date"])
    other = signed_headers(KEYS, method, url, body + b" ", region="eu-central-1", now=1_795_510_800)
    assert signature(other) != signature(headers)


def test_keys_show_no_secret() -> None:
    assert "secret" not in repr(KEYS).replace("secret_key", "")
    assert KEYS.token not in repr(KEYS)
