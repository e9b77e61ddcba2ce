"""One request to AWS, as the evaluator sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

Values = tuple[str, ...]


@dataclass(frozen=True)
class Principal:
    """Who calls.

    Args:
        arn: ARN of the role (with its path) or user; for the root user ``arn:…:iam::ACCOUNT:root``; for a
            service its name, such as ``cloudformation.amazonaws.com``.
        session: Name of the role session, or None for a user.
        tags: Principal tags: the role's, overridden by the session's.
        source_identity: The SourceIdentity of the session, or None.
        mfa_age: Seconds since the second factor; None where the session has none.
    """

    arn: str
    session: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    source_identity: str | None = None
    mfa_age: int | None = None

    @property
    def is_service(self) -> bool:
        """Whether the principal is an AWS service."""
        return not self.arn.startswith("arn:")

    @property
    def is_service_linked(self) -> bool:
        """Whether the principal is a service-linked role, to which neither SCPs nor RCPs apply."""
        return ":role/aws-service-role/" in self.arn

    @property
    def is_root(self) -> bool:
        """Whether the principal is the root user of its account, who needs no identity policy."""
        return self.arn.endswith(":root") and not self.is_service

    @property
    def account(self) -> str:
        """The account of the principal; empty for a service."""
        return "" if self.is_service else self.arn.split(":")[4]

    @property
    def session_arn(self) -> str | None:
        """ARN of the role session, which has no path; None where the principal is no session."""
        if self.session is None or self.is_service:
            return None
        partition, role = self.arn.split(":")[1], self.arn.rsplit("/", 1)[1]
        return f"arn:{partition}:sts::{self.account}:assumed-role/{role}/{self.session}"

    @cached_property
    def keys(self) -> Mapping[str, Values]:
        """The condition keys that follow from who calls, in lower case.

        Source: IAM user guide, "AWS global condition context keys".
        """
        keys: dict[str, Values] = {
            "aws:securetransport": ("true",),
            "aws:principalisawsservice": ("true" if self.is_service else "false",),
        }
        if self.is_service:
            keys["aws:principalservicename"] = (self.arn,)
        else:
            keys["aws:principalarn"] = (self.arn,)
            keys["aws:principalaccount"] = (self.account,)
            keys["aws:principaltype"] = (self._type,)
            keys["aws:viaawsmcpservice"] = ("false",)
            if self._type == "User":
                keys["aws:username"] = (self.arn.rsplit("/", 1)[1],)
            if self.session is not None or self.mfa_age is not None:
                keys["aws:multifactorauthpresent"] = ("true" if self.mfa_age is not None else "false",)
            if self.mfa_age is not None:
                keys["aws:multifactorauthage"] = (str(self.mfa_age),)
            for tag, value in self.tags.items():
                keys[f"aws:principaltag/{tag.lower()}"] = (value,)
        if self.source_identity is not None:
            keys["aws:sourceidentity"] = (self.source_identity,)
        return keys

    @property
    def _type(self) -> str:
        """``aws:PrincipalType``."""
        if self.is_root:
            return "Account"
        return "User" if ":user/" in self.arn else "AssumedRole"


@dataclass(frozen=True)
class Request:
    """One call.

    Args:
        action: ``"service:Action"``.
        resource: ARN of the resource, or ``"*"`` for an action that knows none.
        principal: Who calls.
        context: Further condition keys and their values; case of keys does not count. A key that is not here,
            and that does not follow from the rest of the request, is absent; so is one that has no values.
        region: ``aws:RequestedRegion``.
        resource_account: Account that owns the resource. Default: the account in the ARN, else the caller's.
    """

    action: str
    resource: str
    principal: Principal
    context: Mapping[str, str | Values] = field(default_factory=dict)
    region: str = "us-east-1"
    resource_account: str | None = None

    @property
    def owner(self) -> str:
        """The account that owns the resource."""
        if self.resource_account is not None:
            return self.resource_account
        parts = self.resource.split(":")
        named = parts[4] if len(parts) > 4 else ""  # noqa: PLR2004 - the fifth part of an ARN is its account
        return named if named.isdigit() else self.principal.account

    @cached_property
    def keys(self) -> dict[str, Values]:
        """All condition keys of the request, in lower case.

        Source: IAM user guide, "AWS global condition context keys".
        """
        keys = dict(self.principal.keys)
        owner = (self.owner,)
        keys["aws:requestedregion"] = (self.region,)
        keys["aws:resourceaccount"] = owner
        if self.action[:3].lower() == "s3:":
            keys["s3:resourceaccount"] = owner
        for key, values in self.context.items():
            given = (values,) if isinstance(values, str) else tuple(values)
            if given:
                keys[key.lower()] = given
            else:
                keys.pop(key.lower(), None)
        return keys

    @cached_property
    def several(self) -> bool:
        """Whether any key has more than one value."""
        return any(len(values) > 1 for values in self.keys.values())
