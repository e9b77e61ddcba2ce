"""Which organization an account belongs to, as ministack's Organizations store has it.

Not an extension: what `scp`, `rcp` and the `aws:PrincipalOrg...` keys share. ministack keeps one organization for each
management account, and opens one for any account that ever calls Organizations; an account that another one's
organization lists is a member of that one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ministack.services import organizations


@dataclass(frozen=True)
class Membership:
    """An account's place: its organization's management account and the targets from the root down to itself."""

    management: str
    organization_id: str
    path: tuple[str, ...]  # root id, OU ids, account id

    def policies(self, kind: str) -> list[list[dict[str, Any]]]:
        """Return the policy records of one type, level by level from the root; empty when the type is not enabled.

        Args:
            kind: `SERVICE_CONTROL_POLICY` or `RESOURCE_CONTROL_POLICY`.
        """
        root = organizations._roots.get_scoped(self.management, None, self.path[0]) or {}
        enabled = {entry["Type"] for entry in root.get("PolicyTypes", []) if entry.get("Status") == "ENABLED"}
        if kind not in enabled:
            return []
        levels: list[list[dict[str, Any]]] = [[] for _ in self.path]
        for (owner, policy_id), targets in organizations._attachments.to_dict().items():
            policy = organizations._policies.get_scoped(self.management, None, policy_id) or {}
            if owner != self.management or policy.get("Type") != kind:
                continue
            for level, target in zip(levels, self.path, strict=True):
                if target in targets:
                    level.append(policy)
        return levels


def membership(account: str) -> Membership | None:
    """Return where `account` stands, None when it belongs to no organization."""
    owners = [owner for (owner, listed) in organizations._accounts.to_dict() if listed == account]
    # An account that called Organizations itself is listed in a phantom organization of its own as well.
    owner = next((found for found in owners if found != account), account if account in owners else None)
    if owner is None:
        return None
    path = [account]
    record = organizations._accounts.get_scoped(owner, None, account)
    while record is not None and record.get("_ParentId"):
        path.insert(0, record["_ParentId"])
        record = organizations._ous.get_scoped(owner, None, record["_ParentId"])
    identity = organizations._orgs.get_scoped(owner, None, "self") or {}
    return Membership(owner, str(identity.get("Id", "")), tuple(path))
