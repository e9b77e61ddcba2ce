"""One policy of the organization, within its size, and after the one before it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import aws_cdk as cdk
from aws_cdk import aws_organizations as organizations

from sudo_mcp_guardrails.constructs.rendering import cloudformation
from sudo_mcp_guardrails.policies.organization.settings import OrganizationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from constructs import Construct, IConstruct

    from sudo_mcp_guardrails.policies.organization.guardrail import PolicyKind
    from sudo_mcp_guardrails.policies.organization.packs import Quota

METER: Final = "sudo-mcp-guardrails:organizationGuardrails.bytes"
"""Id of the message that says how full a policy is."""
_LONGEST: Final = "aws-us-gov"
_MAX_NAME: Final = 128
_LOCAL: Final = re.compile(r"\$\{AWS::(?:AccountId|Region)\}")
_LAST: Final[WeakKeyDictionary[IConstruct, dict[str, OrganizationPolicy]]] = WeakKeyDictionary()
"""The last policy of each stack of an app."""


class OrganizationPolicy(organizations.CfnPolicy):
    """One ``AWS::Organizations::Policy``, attached to its targets. Costs nothing.

    It waits for the policy before it in its stack: the Organizations API refuses changes that come at the same time
    (``ConcurrentModificationException``). Its content is a JSON object and not text, since CloudFormation finds no
    drift in text ("AWS::Organizations::Policy", CloudFormation template reference).

    Its size is an info message at every synthesis, ``sudo-mcp-guardrails:organizationGuardrails.bytes``.

    Args:
        scope: The scope.
        id: The construct's id.
        name: Physical name, unique in the organization for its type.
        kind: Its type, which the organization must have enabled.
        content: Its body; ``${AWS::Partition}`` in it is replaced.
        targets: Ids of roots, OUs and accounts.
        quota: How large it may be.
        description: Shown in the console.

    Raises:
        OrganizationError: For a name or a body that is too long, and a body that names the account or the Region:
            these would be the stack's own, and not the target's.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        kind: PolicyKind,
        content: Mapping[str, Any],
        targets: Sequence[str],
        quota: Quota,
        description: str,
    ) -> None:
        if len(name) > _MAX_NAME:
            raise OrganizationError(f"policy name {name!r} has {len(name)} characters, expected {_MAX_NAME} or fewer")
        text = json.dumps(content, separators=(",", ":"))
        local = _LOCAL.search(text)
        if local is not None:
            raise OrganizationError(
                f"policy {name!r} names {local[0]}, which is the account or Region of its stack and not of its "
                "targets: write a wildcard, or a policy variable such as ${aws:PrincipalAccount}"
            )
        size = len(text.replace("${AWS::Partition}", _LONGEST))
        if size > quota.characters:
            raise OrganizationError(
                f"policy {name!r} has {size} characters, {size - quota.characters} over the {quota.characters} of "
                f"type {kind.value}: say less in it, or give the quota= that AWS has granted"
            )
        super().__init__(
            scope,
            id,
            name=name,
            type=kind.value,
            content=cloudformation(dict(content)),
            target_ids=list(targets),
            description=description,
        )
        self.characters: int = size
        """Of its body, with the longest partition."""
        cdk.Annotations.of(self).add_info_v2(
            METER,
            f"policy {name!r} has {size} of {quota.characters} characters ({100 * size // quota.characters} %)",
        )
        last = _LAST.setdefault(self.node.root, {})
        stack = cdk.Stack.of(self).node.path
        if stack in last:
            self.node.add_dependency(last[stack])
        last[stack] = self
