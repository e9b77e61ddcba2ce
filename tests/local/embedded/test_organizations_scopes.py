"""Which policy, and on which target: what a call of Organizations is decided on."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.local.embedded.conftest import Account

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws
    from sudo_mcp_guardrails.local.embedded.organization import Organization

    Refusal = Callable[[Callable[[], Any]], str]

DENY = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "sqs:*", "Resource": "*"}]}
ATTACHING = ["organizations:AttachPolicy", "organizations:DetachPolicy", "organizations:ListTargetsForPolicy"]


class Place:
    """Two SCPs and two units, and clients of roles that name some of them."""

    def __init__(self, aws: EmbeddedAws, organization: Organization) -> None:
        self.management = Account(aws, organization.management_account)
        self.root = self.management.client("organizations")
        self.policies = [self._policy(name) for name in ("first", "second")]
        self.units = [
            self.root.create_organizational_unit(ParentId=organization.root_id, Name=name)["OrganizationalUnit"]
            for name in ("one", "two")
        ]

    def _policy(self, name: str) -> dict[str, Any]:
        made = self.root.create_policy(
            Name=name, Description="", Type="SERVICE_CONTROL_POLICY", Content=json.dumps(DENY)
        )
        summary: dict[str, Any] = made["Policy"]["PolicySummary"]
        return summary

    def role(self, name: str, actions: list[str], *resources: str) -> Any:
        statement = {"Effect": "Allow", "Action": actions, "Resource": list(resources)}
        session = self.management.assume(self.management.role(name, statement))
        return self.management.client("organizations", session)


@pytest.fixture
def place(aws: EmbeddedAws, organization: Organization) -> Place:
    return Place(aws, organization)


def test_a_policy_is_attached_by_who_may_on_both(place: Place, refusal: Refusal) -> None:
    (first, second), (one, two) = place.policies, place.units
    role = place.role("attaches", ATTACHING, first["Arn"], one["Arn"])
    assert refusal(lambda: role.attach_policy(PolicyId=first["Id"], TargetId=one["Id"])) == ""
    assert refusal(lambda: role.attach_policy(PolicyId=first["Id"], TargetId=two["Id"])).startswith("AccessDenied")
    assert refusal(lambda: role.attach_policy(PolicyId=second["Id"], TargetId=one["Id"])).startswith("AccessDenied")
    assert role.list_targets_for_policy(PolicyId=first["Id"])["Targets"][0]["TargetId"] == one["Id"]
    assert refusal(lambda: role.list_targets_for_policy(PolicyId=second["Id"])).startswith("AccessDenied")
    assert refusal(lambda: role.detach_policy(PolicyId=first["Id"], TargetId=one["Id"])) == ""


def test_the_policy_alone_is_not_enough_and_neither_is_the_organization(place: Place, refusal: Refusal) -> None:
    (first, _), (one, _) = place.policies, place.units
    wholes = "arn:aws:organizations::*:organization/*"
    for name, resources in {"policy": [first["Arn"]], "target": [one["Arn"]], "organization": [wholes]}.items():
        role = place.role(f"only-{name}", ATTACHING, *resources)
        attach = partial(role.attach_policy, PolicyId=first["Id"], TargetId=one["Id"])
        assert refusal(attach).startswith("AccessDenied"), name


def test_what_is_not_there_is_not_told_to_who_may_not(place: Place, refusal: Refusal) -> None:
    (first, _), (one, _) = place.policies, place.units
    some = place.role("some", ATTACHING, first["Arn"], one["Arn"])
    every = place.role("every", ATTACHING, "*")
    for client, code in ((some, "AccessDenied"), (every, "PolicyNotFound")):
        attach = partial(client.attach_policy, PolicyId="p-00000000", TargetId=one["Id"])
        assert refusal(attach).startswith(code)


def test_units_and_accounts_have_their_own_arn(place: Place, refusal: Refusal) -> None:
    one, two = place.units
    role = place.role("reads", ["organizations:DescribeOrganizationalUnit"], one["Arn"])
    assert refusal(lambda: role.describe_organizational_unit(OrganizationalUnitId=one["Id"])) == ""
    assert refusal(lambda: role.describe_organizational_unit(OrganizationalUnitId=two["Id"])).startswith("AccessDenied")


def test_without_the_extension_nothing_named_by_arn_is_allowed(
    aws_without: Callable[..., EmbeddedAws], refusal: Refusal
) -> None:
    from sudo_mcp_guardrails.local.embedded.organization import Organization as Made

    running = aws_without("organizations_scopes")
    place = Place(running, Made.create(running.endpoint_url, "888888888888"))
    first, one = place.policies[0], place.units[0]
    role = place.role("attaches", ATTACHING, first["Arn"], one["Arn"])
    assert refusal(lambda: role.attach_policy(PolicyId=first["Id"], TargetId=one["Id"])).startswith("AccessDenied")
