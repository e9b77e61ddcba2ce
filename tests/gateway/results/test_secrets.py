from __future__ import annotations

import base64
import hashlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sudo_mcp_guardrails.gateway.results.secrets import is_random, masked

# Put together here, so that no scanner of this repository takes one for real.
ACCESS_KEY = "AKIA" + "IOSFODNN7EXAMPLE"
SECRET_KEY = base64.b64encode(hashlib.sha256(b"secret").digest())[:39].decode() + "a"
PEM = "-----BEGIN RSA " + "PRIVATE KEY-----\n" + "MIIEpAIBAAKCAQEA" * 20 + "\n-----END RSA " + "PRIVATE KEY-----"
JWT = "eyJ" + "hbGciOiJIUzI1NiJ9" + ".eyJ" + "zdWIiOiIxMjM0NTY3ODkwIn0" + ".dozjgNryP4J3jVmNHl0w5N"
SECRETS = {
    "access key": ACCESS_KEY,
    "temporary access key": "ASIA" + "IOSFODNN7EXAMPLE",
    "secret key": SECRET_KEY,
    "session token": "IQoJb3JpZ2luX2Vj" + "AbCdEfGh1234+/" * 20 + "==",
    "private key": PEM,
    "private key, escaped": PEM.replace("\n", "\\n"),
    "private key, cut off": PEM[:200],
    "OpenSSH key": PEM.replace("RSA", "OPENSSH"),
    "JWT": JWT,
    "GitHub": "ghp_" + "a1B2" * 9,
    "GitHub, fine-grained": "github_pat_" + "a1B2_" * 12,
    "GitLab": "glpat-" + "a1B2c3D4e5F6g7H8i9J0",
    "Slack": "xoxb-" + "123456789012-abcdefABCDEF",
    "Stripe": "sk_live_" + "a1B2c3D4e5F6g7H8",
    "npm": "npm_" + "a1B2" * 9,
}


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("form", ["{}", "the value is {} today", '{{"a": "{}"}}', "a={};b=1", "<{}>", "x\n{}\ny"])
def test_masks_what_looks_like_a_secret(name: str, form: str) -> None:
    secret = SECRETS[name]
    found = masked(form.format(secret))
    assert "****" in found
    longest = max(secret.replace("\\n", "\n").split("\n"), key=len)
    assert longest not in found
    before, after = form.format("|").split("|")
    assert found.startswith(before)
    assert found.endswith(after)


@pytest.mark.parametrize(
    "text",
    [
        "DB_PASSWORD=correct-horse-battery",
        "password: hunter2hunter3",
        '{"apiKey": "a81hd71hd81hd7"}',
        '{\\"clientSecret\\": \\"a81hd71hd81hd7\\"}',
        "export AWS_SECRET_ACCESS_KEY='a81hd71hd81hd7'",
        "Authorization-Token: Bearer a81hd71hd81hd7",
        "private_key = a81hd71hd81hd7",
        "postgres://admin:a81hd71hd81hd7@db.example.com:5432/app",
        "https://:a81hd71hd81hd7@example.com",
        "DefaultEndpointsProtocol=https;AccountKey=a81hd71hd81hd7a81hd71hd81hd7==",
        "https://b.s3.amazonaws.com/k?X-Amz-Security-Token=a81hd71hd81hd7&x=1",
    ],
)
def test_masks_by_name(text: str) -> None:
    for secret in ("a81hd71hd81hd7", "hunter2hunter3", "correct-horse-battery"):
        assert secret not in masked(text)
    assert "****" in masked(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no secrets here",
        "nextToken=AAEAAdmXGV4dFRva2Vu",
        '{"NextToken": "AAEAAdmXGV4dFRva2Vu"}',
        "passwordPolicy: minimumLength14",
        '{"Key": "Environment", "Value": "production-eu"}',
        "SecretArn=arn:aws:secretsmanager:us-east-1:111111111111:secret:db-AbCdEf",
        "password=${DB_PASSWORD}",
        "token: <your token here>",
        "commit 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12",
        "services/api/handlers/customers/orders/v2",
        "arn:aws:iam::111111111111:role/agents/release-bot/read",
        "https://example.com:8443/path@2",
        "the keyboard: mechanical-keyboard",
    ],
)
def test_leaves_the_rest(text: str) -> None:
    assert masked(text) is text or masked(text) == text


@given(st.text(max_size=300))
def test_any_text_is_handled(text: str) -> None:
    assert masked(masked(text)) == masked(text)


@pytest.mark.parametrize(
    "unit",
    [
        *("-eyJ", "eyJaaaaaaaa.", "key", "key=", "xkey=12345678 ", "AKIA", "://", "://a:", "secret_", 'password   "'),
        *("xoxb-", "-----BEGIN PRIVATE KEY-----", "-----BEGIN " + "A" * 30, "ghp_", "sk-", "A", "token:"),
        "X-Amz-Signature=",
    ],
)
def test_time_grows_with_the_text_and_not_faster(unit: str) -> None:
    def seconds(size: int) -> float:
        text = unit * (size // len(unit))
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            masked(text)
            best = min(best, time.process_time() - start)
        return best

    # 16 times the text in 16 times the time; a square would take 256 times. Below 1 ms the clock says nothing.
    assert seconds(320_000) < 64 * max(seconds(20_000), 0.001)


def test_entropy() -> None:
    assert not is_random("", 0)
    assert not is_random("aaaaaaaa", 0.5)
    assert is_random("abcdefgh", 3)
    assert not is_random("abcdefgh", 3.1)
