"""The organization's API and its CloudFormation types."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws
    from sudo_mcp_guardrails.local.embedded.organization import Organization
    from tests.local.embedded.conftest import Account

    Refusal = Callable[[Callable[[], Any]], str]

DENY_TABLES = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "dynamodb:*", "Resource": "*"}]}


def test_stock_has_no_way_to_join(stock_account: Account, refusal: Refusal) -> None:
    client = stock_account.client("organizations")
    assert refusal(lambda: client.create_organization(FeatureSet="ALL")) == "InvalidAction"
    # and every account is the management account of an organization of its own
    assert client.describe_organization()["Organization"]["MasterAccountId"] == stock_account.id


def test_a_member_sees_its_organization_and_changes_nothing(
    member: Account, organization: Organization, refusal: Refusal
) -> None:
    client = member.client("organizations")
    described = client.describe_organization()["Organization"]
    assert (described["Id"], described["MasterAccountId"]) == (organization.id, organization.management_account)
    assert refusal(client.list_accounts) == "AccessDeniedException"
    assert refusal(lambda: client.create_organization(FeatureSet="ALL")) == "AlreadyInOrganizationException"


def test_outside_an_organization_there_is_none(account: Account, refusal: Refusal) -> None:
    client = account.client("organizations")
    assert refusal(client.describe_organization) == "AWSOrganizationsNotInUseException"
    assert refusal(client.list_roots) == "AWSOrganizationsNotInUseException"


def test_only_the_invited_account_joins_and_only_once(
    account: Account, organization: Organization, aws: EmbeddedAws, account_on: Any, refusal: Refusal
) -> None:
    management = aws.client("organizations", account=organization.management_account)
    invited = management.invite_account_to_organization(Target={"Id": account.id, "Type": "ACCOUNT"})
    handshake = invited["Handshake"]["Id"]
    stranger = account_on(aws).client("organizations")
    assert refusal(lambda: stranger.accept_handshake(HandshakeId=handshake)) == "HandshakeNotFoundException"
    mine = account.client("organizations")
    assert [found["State"] for found in mine.list_handshakes_for_account()["Handshakes"]] == ["OPEN"]
    mine.accept_handshake(HandshakeId=handshake)
    assert refusal(lambda: mine.accept_handshake(HandshakeId=handshake)) == "InvalidHandshakeTransitionException"
    again = {"Id": account.id, "Type": "ACCOUNT"}
    code = refusal(lambda: management.invite_account_to_organization(Target=again))
    assert code == "HandshakeConstraintViolationException"


def test_a_new_unit_allows_everything_until_it_is_told_otherwise(organization: Organization, aws: EmbeddedAws) -> None:
    unit = organization.add_unit("workloads")
    client = aws.client("organizations", account=organization.management_account)
    policies = client.list_policies_for_target(TargetId=unit, Filter="SERVICE_CONTROL_POLICY")["Policies"]
    assert [policy["Name"] for policy in policies] == ["FullAWSAccess"]


def test_an_scp_on_a_unit_reaches_the_account_below_it(
    account: Account, organization: Organization, refusal: Refusal
) -> None:
    unit = organization.add_unit("workloads")
    organization.add_account(account.id, unit)
    assert refusal(account.client("dynamodb").list_tables) == ""
    policy = organization.attach_scp("no-tables", DENY_TABLES, unit)
    assert refusal(account.client("dynamodb").list_tables) == "AccessDeniedException"
    organization.detach(policy, unit)
    assert refusal(account.client("dynamodb").list_tables) == ""


def tree(name: str, targets: list[Any]) -> dict[str, Any]:
    return {
        "Resources": {
            "Organization": {"Type": "AWS::Organizations::Organization", "DeletionPolicy": "Retain", "Properties": {}},
            "Unit": {
                "Type": "AWS::Organizations::OrganizationalUnit",
                "Properties": {"Name": "workloads", "ParentId": {"Fn::GetAtt": ["Organization", "RootId"]}},
            },
            "Account": {
                "Type": "AWS::Organizations::Account",
                "Properties": {
                    "AccountName": "sandbox",
                    "Email": "sandbox@example.com",
                    "ParentIds": [{"Ref": "Unit"}],
                },
            },
            "Policy": {
                "Type": "AWS::Organizations::Policy",
                "Properties": {
                    "Name": name,
                    "Type": "SERVICE_CONTROL_POLICY",
                    "Content": DENY_TABLES,
                    "TargetIds": targets,
                },
            },
        }
    }


def test_stock_refuses_the_types(stock_account: Account, refusal: Refusal) -> None:
    assert refusal(lambda: stock_account.deploy(tree("deny", []))) == "ValidationError"


def test_a_template_makes_units_accounts_and_policies(account: Account, aws: EmbeddedAws, refusal: Refusal) -> None:
    assert account.deploy(tree("deny", [{"Ref": "Unit"}])) == "CREATE_COMPLETE"
    client = account.client("organizations")
    unit = client.list_organizational_units_for_parent(ParentId=client.list_roots()["Roots"][0]["Id"])[
        "OrganizationalUnits"
    ][0]
    made = client.list_accounts_for_parent(ParentId=unit["Id"])["Accounts"][0]
    tables = aws.client("dynamodb", account=made["Id"]).list_tables
    assert (made["Name"], refusal(tables)) == ("sandbox", "AccessDeniedException")
    account.client("cloudformation").update_stack(StackName="stack", TemplateBody=json.dumps(tree("renamed", [])))
    assert account.settled() == "UPDATE_COMPLETE"
    names = [policy["Name"] for policy in client.list_policies(Filter="SERVICE_CONTROL_POLICY")["Policies"]]
    assert (sorted(names), refusal(tables)) == (["FullAWSAccess", "renamed"], "")


def test_an_account_below_two_parents_fails_its_stack(account: Account) -> None:
    template = tree("deny", [])
    template["Resources"]["Account"]["Properties"]["ParentIds"] = [{"Ref": "Unit"}, {"Ref": "Unit"}]
    assert account.deploy(template) != "CREATE_COMPLETE"
    assert "ParentIds has 2 entries" in account.reasons()
