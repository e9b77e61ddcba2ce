"""Checked at every start: what must be denied is denied, and what is allowed beside it goes through.

Each denial has a twin that must be allowed, so that a server that denies everything does not pass either. It runs over
real HTTP in two accounts of its own, which form an organization of their own and are left behind unused.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.local.embedded import clients
from sudo_mcp_guardrails.local.embedded.errors import EmbeddedAwsError
from sudo_mcp_guardrails.local.embedded.organization import Organization

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MANAGEMENT = "999999999990"
MEMBER = "999999999991"
PARTITION = "aws"  # the only one that ministack has
EXTERNAL_ID = "self-test"
_STACK_SECONDS = 20.0
_DENIALS = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"})


@dataclass(frozen=True)
class Check:
    """One decision of the self-test: what was tried, and whether it must be allowed."""

    name: str
    allowed: bool
    attempt: Callable[[], object]


def run_self_test(endpoint_url: str, *, report: Callable[[str], None]) -> None:
    """Run every check against a server that has just started.

    Raises:
        EmbeddedAwsError: a decision is wrong, so nothing that the server shows would be worth anything.
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - boto3 is slow to import

    try:
        wrong = [f"{check.name} was {_seen(check)}" for check in _checks(endpoint_url) if not _holds(check)]
    except (BotoCoreError, ClientError) as error:
        msg = f"the self-test of the embedded AWS could not be set up, so nothing is shown on it: {error}"
        raise EmbeddedAwsError(msg) from error
    if wrong:
        msg = f"the self-test of the embedded AWS failed, so nothing is shown on it: {'; '.join(wrong)}"
        raise EmbeddedAwsError(msg)
    report(
        "self-test passed: no policy, boundary, SCP, trust condition and PassRole deny; "
        "no SCP binds the management account"
    )


def _seen(check: Check) -> str:
    return "denied" if check.allowed else "allowed"


def _holds(check: Check) -> bool:
    """Whether the decision is the expected one; an error that is no denial counts as neither, and is raised."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - boto3 is slow to import

    try:
        check.attempt()
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code not in _DENIALS:
            msg = f"the self-test of the embedded AWS could not try {check.name!r}: {error}"
            raise EmbeddedAwsError(msg) from error
        return not check.allowed
    return check.allowed


def _checks(endpoint_url: str) -> Iterator[Check]:
    organization = Organization.create(endpoint_url, MANAGEMENT)
    organization.add_account(MEMBER)
    scp = {"Version": "2012-10-17", "Statement": [_statement("Deny", "dynamodb:ListTables")]}
    organization.attach_scp("self-test", scp, organization.root_id)
    for account in (MANAGEMENT, MEMBER):
        _deploy(endpoint_url, account)

    def on(service: str, role: str, account: str = MEMBER) -> Any:
        return clients.client(service, endpoint_url, _assume(endpoint_url, account, role))

    def create_function(role: str) -> object:
        return on("lambda", role).create_function(
            FunctionName=f"self-test-{role}",
            Runtime="python3.12",
            Handler="index.handler",
            Role=_arn(MEMBER, "target"),
            Code={"ZipFile": _EMPTY_ZIP},
        )

    allowed = on("sts", "allowed")
    conditioned = {"RoleArn": _arn(MEMBER, "conditioned"), "RoleSessionName": "self-test"}
    yield Check("a call by a role without policies", allowed=False, attempt=on("s3", "nothing").list_buckets)
    yield Check("a call that a policy allows", allowed=True, attempt=on("s3", "allowed").list_buckets)
    yield Check(
        "a call beyond the boundary of a CloudFormation role", allowed=False, attempt=on("s3", "bounded").list_buckets
    )
    yield Check(
        "a call within the boundary of a CloudFormation role", allowed=True, attempt=on("iam", "bounded").list_roles
    )
    yield Check(
        "a call that an SCP denies in a member account", allowed=False, attempt=on("dynamodb", "allowed").list_tables
    )
    yield Check(
        "the same call in the management account",
        allowed=True,
        attempt=on("dynamodb", "allowed", MANAGEMENT).list_tables,
    )
    yield Check(
        "an assumption against a trust condition", allowed=False, attempt=lambda: allowed.assume_role(**conditioned)
    )
    yield Check(
        "an assumption that meets the trust condition",
        allowed=True,
        attempt=lambda: allowed.assume_role(**conditioned, ExternalId=EXTERNAL_ID),
    )
    yield Check("passing a role without iam:PassRole", allowed=False, attempt=lambda: create_function("creator"))
    yield Check("passing a role with iam:PassRole", allowed=True, attempt=lambda: create_function("passer"))


# An empty ZIP archive: the end-of-central-directory record and nothing before it.
_EMPTY_ZIP = b"PK\x05\x06" + bytes(18)


def _statement(effect: str, *actions: str, **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": list(actions), "Resource": "*", **more}


def _arn(account: str, role: str) -> str:
    return f"arn:{PARTITION}:iam::{account}:role/self-test/{role}"


def _role(account: str, name: str, *statements: dict[str, Any], **more: Any) -> dict[str, Any]:
    principal = {"Service": "lambda.amazonaws.com"} if name == "target" else {"AWS": account}
    trust: dict[str, Any] = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    if name == "conditioned":
        trust["Condition"] = {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}}
    properties: dict[str, Any] = {
        "RoleName": name,
        "Path": "/self-test/",
        "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]},
        **more,
    }
    if statements:
        document = {"Version": "2012-10-17", "Statement": list(statements)}
        properties["Policies"] = [{"PolicyName": "self-test", "PolicyDocument": document}]
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def _deploy(endpoint_url: str, account: str) -> None:
    """All roles in one stack: what CloudFormation makes is what the self-test is about."""
    boundary = {"Version": "2012-10-17", "Statement": [_statement("Allow", "iam:ListRoles")]}
    create = _statement("Allow", "lambda:CreateFunction")
    resources = {
        "Boundary": {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": boundary}},
        "Nothing": _role(account, "nothing"),
        "Allowed": _role(account, "allowed", _statement("Allow", "s3:*", "dynamodb:*", "sts:*")),
        "Bounded": _role(
            account, "bounded", _statement("Allow", "s3:*", "iam:*"), PermissionsBoundary={"Ref": "Boundary"}
        ),
        "Conditioned": _role(account, "conditioned"),
        "Target": _role(account, "target"),
        "Creator": _role(account, "creator", create),
        "Passer": _role(account, "passer", create, _statement("Allow", "iam:PassRole")),
    }
    cloudformation = clients.client("cloudformation", endpoint_url, clients.session(account))
    cloudformation.create_stack(
        StackName="self-test", TemplateBody=json.dumps({"Resources": resources}), Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    deadline = time.monotonic() + _STACK_SECONDS
    while time.monotonic() < deadline:
        stack = cloudformation.describe_stacks(StackName="self-test")["Stacks"][0]
        if stack["StackStatus"] == "CREATE_COMPLETE":
            return
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            break
        time.sleep(0.02)
    msg = f"the self-test's stack is {stack['StackStatus']}: {stack.get('StackStatusReason', 'no reason given')}"
    raise EmbeddedAwsError(msg)


def _assume(endpoint_url: str, account: str, role: str) -> Any:
    sts = clients.client("sts", endpoint_url, clients.session(account))
    answer = sts.assume_role(RoleArn=_arn(account, role), RoleSessionName="self-test")
    return clients.assumed(answer["Credentials"])
