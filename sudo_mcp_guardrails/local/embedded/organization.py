"""An organization on the embedded AWS, made through the Organizations API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.local.embedded import clients

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Self


class Organization:
    """The organization of one management account.

    Member accounts join by invitation, since that is the call of the real API that lets an account with a known id
    become a member; `CreateAccount` chooses the id itself.

    Args:
        endpoint_url: the embedded AWS.
        management_account: 12-digit id of the account that owns the organization.
    """

    def __init__(self, endpoint_url: str, management_account: str) -> None:
        self.management_account = management_account
        self._endpoint_url = endpoint_url
        self._client = self._of(management_account)

    @classmethod
    def create(cls, endpoint_url: str, management_account: str) -> Self:
        """Create the organization, with SCPs enabled as `CreateOrganization` does, and return it."""
        made = cls(endpoint_url, management_account)
        made._client.create_organization(FeatureSet="ALL")
        return made

    @property
    def id(self) -> str:
        """The organization's id, `o-…`."""
        return str(self._client.describe_organization()["Organization"]["Id"])

    @property
    def root_id(self) -> str:
        """The root's id, `r-…`: the parent of what names no other."""
        return str(self._client.list_roots()["Roots"][0]["Id"])

    def add_unit(self, name: str, parent: str | None = None) -> str:
        """Create an organizational unit below `parent`, or the root, and return its id."""
        answer = self._client.create_organizational_unit(ParentId=parent or self.root_id, Name=name)
        return str(answer["OrganizationalUnit"]["Id"])

    def add_account(self, account: str, unit: str | None = None) -> None:
        """Let `account` join, and move it below `unit` where one is given."""
        invited = self._client.invite_account_to_organization(Target={"Id": account, "Type": "ACCOUNT"})
        self._of(account).accept_handshake(HandshakeId=invited["Handshake"]["Id"])
        if unit is not None:
            self._client.move_account(AccountId=account, SourceParentId=self.root_id, DestinationParentId=unit)

    def attach_scp(self, name: str, document: Mapping[str, Any], target: str) -> str:
        """Create a service control policy, attach it to a root, unit or account, and return its id."""
        policy = self._create_policy(name, document, "SERVICE_CONTROL_POLICY")
        self._client.attach_policy(PolicyId=policy, TargetId=target)
        return policy

    def attach_rcp(self, name: str, document: Mapping[str, Any], target: str) -> str:
        """Create a resource control policy, enabling the type at the root first, and attach it; returns its id."""
        enabled = self._client.list_roots()["Roots"][0]["PolicyTypes"]
        if {"Type": "RESOURCE_CONTROL_POLICY", "Status": "ENABLED"} not in enabled:
            self._client.enable_policy_type(RootId=self.root_id, PolicyType="RESOURCE_CONTROL_POLICY")
        policy = self._create_policy(name, document, "RESOURCE_CONTROL_POLICY")
        self._client.attach_policy(PolicyId=policy, TargetId=target)
        return policy

    def detach(self, policy: str, target: str) -> None:
        """Take a policy off a target again."""
        self._client.detach_policy(PolicyId=policy, TargetId=target)

    def _create_policy(self, name: str, document: Mapping[str, Any], kind: str) -> str:
        answer = self._client.create_policy(Name=name, Description=name, Type=kind, Content=json.dumps(document))
        return str(answer["Policy"]["PolicySummary"]["Id"])

    def _of(self, account: str) -> Any:
        return clients.client("organizations", self._endpoint_url, clients.session(account))
