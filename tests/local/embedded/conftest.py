"""Servers that the embedded tests share: one with every extension, one without any, to show each gap.

Every test works in accounts of its own, so that the shared servers never carry one test's state into another.
"""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from sudo_mcp_guardrails.local.embedded import clients
from sudo_mcp_guardrails.local.embedded.extensions import EXTENSIONS
from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws
from sudo_mcp_guardrails.local.embedded.organization import Organization

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_account_ids = (f"{number:012d}" for number in itertools.count(200000000001))


def _statements(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


class Account:
    """One account on one server, driven as its root, with shortcuts for roles and sessions."""

    def __init__(self, aws: EmbeddedAws, account_id: str) -> None:
        self.aws = aws
        self.id = account_id

    def client(self, service: str, session: Any = None, region: str = "us-east-1") -> Any:
        """A client as the account's root, or as `session`."""
        return self.aws.client(service, account=self.id, region=region, session=session)

    def role(
        self,
        name: str,
        *statements: dict[str, Any],
        trust: dict[str, Any] | None = None,
        boundary: str | None = None,
        path: str = "/",
        **more: Any,
    ) -> str:
        """A role with one inline policy of `statements`, trusted by the account itself; returns its ARN."""
        iam = self.client("iam")
        trusting = trust or {
            "Effect": "Allow",
            "Principal": {"AWS": self.id},
            "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
        }
        if boundary is not None:
            more["PermissionsBoundary"] = boundary
        made = iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=_statements(trusting), **more)
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="inline", PolicyDocument=_statements(*statements))
        return str(made["Role"]["Arn"])

    def policy(self, name: str, *statements: dict[str, Any]) -> str:
        """A managed policy; returns its ARN."""
        made = self.client("iam").create_policy(PolicyName=name, PolicyDocument=_statements(*statements))
        return str(made["Policy"]["Arn"])

    def assume(self, role_arn: str, by: Any = None, name: str = "test", **more: Any) -> Any:
        """A boto3 session of the role, assumed by the root or by the session `by`."""
        answer = self.client("sts", by).assume_role(RoleArn=role_arn, RoleSessionName=name, **more)
        return clients.assumed(answer["Credentials"])

    def deploy(self, template: dict[str, Any], name: str = "stack", session: Any = None, **more: Any) -> str:
        """Create a CloudFormation stack, wait for its end, and return its status."""
        cloudformation = self.client("cloudformation", session)
        cloudformation.create_stack(
            StackName=name, TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_NAMED_IAM"], **more
        )
        return self.settled(name)

    def settled(self, name: str = "stack") -> str:
        """The status of a stack once it is no longer in progress."""
        cloudformation = self.client("cloudformation")
        import time

        for _ in range(200):
            status = str(cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])
            if not status.endswith("_IN_PROGRESS"):
                return status
            time.sleep(0.05)
        raise AssertionError(f"stack {name} never settled, it is {status}")

    def reasons(self, name: str = "stack") -> str:
        """All reasons that the stack's events and its own status give, on one line."""
        cloudformation = self.client("cloudformation")
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
        return " / ".join(
            filter(None, [stack.get("StackStatusReason"), *(e.get("ResourceStatusReason") for e in events)])
        )


@pytest.fixture(scope="session")
def aws() -> Iterator[EmbeddedAws]:
    """The embedded AWS with every extension."""
    with EmbeddedAws() as running:
        yield running


@pytest.fixture(scope="session")
def aws_without() -> Iterator[Callable[..., EmbeddedAws]]:
    """`aws_without(*names)`: a server without those extensions, without any when none is named; started once each."""
    running: dict[frozenset[str], EmbeddedAws] = {}

    def get(*names: str) -> EmbeddedAws:
        missing = frozenset(names or EXTENSIONS)
        if missing not in running:
            running[missing] = EmbeddedAws(without=sorted(missing)).start()
        return running[missing]

    yield get
    for server in running.values():
        server.stop()


@pytest.fixture(scope="session")
def stock(aws_without: Callable[..., EmbeddedAws]) -> EmbeddedAws:
    """ministack as it comes, without any of our extensions."""
    return aws_without()


@pytest.fixture
def account(aws: EmbeddedAws) -> Account:
    """A fresh account, in no organization, with every extension."""
    return Account(aws, next(_account_ids))


@pytest.fixture
def stock_account(stock: EmbeddedAws) -> Account:
    """A fresh account on ministack as it comes."""
    return Account(stock, next(_account_ids))


@pytest.fixture
def account_on() -> Callable[[EmbeddedAws], Account]:
    """`account_on(server)`: a fresh account on that server."""
    return lambda server: Account(server, next(_account_ids))


@pytest.fixture
def organization(aws: EmbeddedAws) -> Organization:
    """A fresh organization, with a management account of its own and no members yet."""
    management = next(_account_ids)
    return Organization.create(aws.endpoint_url, management)


@pytest.fixture
def member(aws: EmbeddedAws, organization: Organization) -> Account:
    """A fresh member account of `organization`, directly below its root."""
    account_id = next(_account_ids)
    organization.add_account(account_id)
    return Account(aws, account_id)


@pytest.fixture
def refusal() -> Callable[[Callable[[], Any]], str]:
    """`refusal(call)`: the error code that the call is refused with, or an empty string when it succeeds."""

    def code(call: Callable[[], Any]) -> str:
        try:
            call()
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return ""

    return code
