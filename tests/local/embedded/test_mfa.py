from __future__ import annotations

from typing import Any

from sudo_mcp_guardrails.local.embedded import clients

WITH_MFA = {
    "Effect": "Allow",
    "Action": "sqs:*",
    "Resource": "*",
    "Condition": {
        "Bool": {"aws:MultiFactorAuthPresent": "true"},
        "NumericLessThan": {"aws:MultiFactorAuthAge": "3600"},
    },
}
ASSUME = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}


def _user(account: Any, *statements: dict[str, Any]) -> tuple[Any, str]:
    """A user with an MFA device: a session of its key, and the device."""
    import json

    iam = account.client("iam")
    iam.create_user(UserName="human")
    iam.put_user_policy(
        UserName="human",
        PolicyName="p",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": list(statements)}),
    )
    serial = iam.create_virtual_mfa_device(VirtualMFADeviceName="phone")["VirtualMFADevice"]["SerialNumber"]
    iam.enable_mfa_device(
        UserName="human", SerialNumber=serial, AuthenticationCode1="123456", AuthenticationCode2="654321"
    )
    key = iam.create_access_key(UserName="human")["AccessKey"]
    return clients.session(key["AccessKeyId"], key["SecretAccessKey"]), serial


def _queue(account: Any, session: Any) -> Any:
    return lambda: account.client("sqs", session).create_queue(QueueName="q")


def test_mfa_is_never_present_without_the_extension(stock_account: Any, refusal: Any) -> None:
    user, serial = _user(stock_account, WITH_MFA)
    answer = stock_account.client("sts", user).get_session_token(SerialNumber=serial, TokenCode="123456")
    assert refusal(_queue(stock_account, clients.assumed(answer["Credentials"]))) == "AccessDenied"


def test_a_session_token_with_mfa_has_it(account: Any, refusal: Any) -> None:
    user, serial = _user(account, WITH_MFA)
    sts = account.client("sts", user)
    strong = sts.get_session_token(SerialNumber=serial, TokenCode="123456")["Credentials"]
    weak = sts.get_session_token()["Credentials"]
    assert refusal(_queue(account, clients.assumed(strong))) == ""
    assert refusal(_queue(account, clients.assumed(weak))) == "AccessDenied"
    assert refusal(_queue(account, user)) == "AccessDenied"


def test_trust_can_ask_for_mfa_and_the_role_session_does_not_carry_it(account: Any, refusal: Any) -> None:
    user, serial = _user(account, ASSUME)
    trust = {
        "Effect": "Allow",
        "Principal": {"AWS": account.id},
        "Action": "sts:AssumeRole",
        "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    }
    role = account.role("r", WITH_MFA, trust=trust)
    assert refusal(lambda: account.assume(role, user)) == "AccessDenied"
    session = account.assume(role, user, SerialNumber=serial, TokenCode="123456")
    assert refusal(_queue(account, session)) == "AccessDenied"


def test_a_device_of_somebody_else_or_a_bad_code_is_refused(account: Any, refusal: Any) -> None:
    user, serial = _user(account, ASSUME)
    role = account.role("r")
    other = serial.replace("phone", "other")
    assert refusal(lambda: account.assume(role, user, SerialNumber=other, TokenCode="123456")) == "AccessDenied"
    assert refusal(lambda: account.assume(role, user, SerialNumber=serial, TokenCode="12345x")) == "AccessDenied"
    assert refusal(lambda: account.assume(role, user, SerialNumber=serial, TokenCode="123456")) == ""
