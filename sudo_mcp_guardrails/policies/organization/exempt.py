"""Who the organization's guardrails for everyone do not bind, why, who answers for it, and until when."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.matching import arn_matches
from sudo_mcp_guardrails.policies.exemptions import ExemptionError
from sudo_mcp_guardrails.regions import partition_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_ARN: Final = re.compile(
    r"arn:(?:\*|aws|aws-cn|aws-us-gov):iam::(?:\*|\d{12}):(?P<type>role|user)"
    r"/(?P<path>(?:[\w+=,.@*?-]+/)*)(?P<name>[\w+=,.@*?-]+)",
    re.ASCII,
)
_WILD: Final = re.compile(r"[*?]")


@dataclass(frozen=True)
class ExemptPrincipals:
    """Roles that the guardrails for everyone do not bind.

    Agents cannot be exempt, and :func:`~sudo_mcp_guardrails.policies.organization.exempt_proof.no_agent_matches`
    proves that no agent can come to match one. Other people of an account can, where they may make a role of such a
    name; name the accounts, rather than ``*``, where that matters.

    Args:
        arns: Patterns of ``aws:PrincipalArn``, of one of the partitions ``aws``, ``aws-cn`` and ``aws-us-gov``, or
            ``*``; a list does where a tuple is named. A wildcard in the path or name needs a path of which the first
            part is written out: anybody who may create roles could take a name that merely begins, or ends, right.
        reason: Why.
        owner: The person or team that answers for it.
        until: The last day, a date without a time, on which it counts. An expired exemption fails synthesis.

    Raises:
        ExemptionError: For an empty field or one of another type, no last day, a pattern of another form, or one that
            anybody could come to match.
    """

    arns: tuple[str, ...]
    reason: str
    owner: str
    until: date

    def __post_init__(self) -> None:
        """Validate, and make a tuple of a list: exemptions are part of a key of a cache."""
        self._check_types()
        for arn in self.arns:
            match = _ARN.fullmatch(arn)
            if match is None:
                raise ExemptionError(
                    f"exempt principal {arn!r} is not allowed, expected arn:PARTITION:iam::ACCOUNT:role/PATH/NAME"
                )
            placed = match["path"] + match["name"]
            wild = _WILD.search(placed)
            # A wildcard stands for slashes too, so that only what is before the first one is fixed.
            if wild is not None and "/" not in placed[: wild.start()]:
                raise ExemptionError(
                    f"exempt principal {arn!r} has a wildcard in a name without a path, expected the whole name or a "
                    "path that is written out, such as role/aws-reserved/sso.amazonaws.com/*"
                )

    def _check_types(self) -> None:
        arns: object = self.arns
        if not isinstance(arns, tuple | list):
            raise ExemptionError(f"exempt principals {arns!r} are not allowed, expected a tuple of ARN patterns")
        object.__setattr__(self, "arns", tuple(arns))
        for arn in arns:
            if not isinstance(arn, str):
                raise ExemptionError(f"exempt principal {arn!r} of arns is not allowed, expected text")
        whose = ", ".join(self.arns) or "nobody"
        if not self.arns:
            raise ExemptionError(f"exemption of {whose} has an empty arns")
        for name in ("reason", "owner"):
            value = getattr(self, name)
            if not isinstance(value, str):
                raise ExemptionError(f"exemption of {whose} has {name} {value!r}, expected text")
            if not value.strip():
                raise ExemptionError(f"exemption of {whose} has an empty {name}")
        until: object = self.until
        # A datetime is a date, but cannot be compared with one.
        if not isinstance(until, date) or isinstance(until, datetime):
            raise ExemptionError(f"exemption of {whose} has no last day but {until!r}, expected a date")

    def check_date(self, today: date) -> None:
        """Check that it has not expired; raises ExemptionError."""
        if today > self.until:
            raise ExemptionError(
                f"exemption of {', '.join(self.arns)} ended on {self.until.isoformat()}: renew it, with {self.owner}, "
                "or take it out"
            )

    def covers(self, arn: str) -> bool:
        """Return whether it is about a principal, compared as ``ArnLike`` does."""
        return any(arn_matches(pattern, arn) for pattern in self.arns)

    @classmethod
    def control_tower(cls, owner: str, until: date) -> ExemptPrincipals:
        """Return the exemption of Control Tower's own role in each account."""
        return cls(
            ("arn:*:iam::*:role/AWSControlTowerExecution",),
            "Control Tower manages the account's baseline",
            owner,
            until,
        )

    @classmethod
    def account_factory_terraform(cls, owner: str, until: date) -> ExemptPrincipals:
        """Return the exemption of AFT's roles in each account."""
        names = ("AWSAFTExecution", "AWSAFTService")
        return cls(
            tuple(f"arn:*:iam::*:role/{name}" for name in names),
            "Account Factory for Terraform sets accounts up",
            owner,
            until,
        )

    @classmethod
    def stack_sets(cls, owner: str, until: date) -> ExemptPrincipals:
        """Return the exemption of the role that StackSets with self-managed permissions uses in each account."""
        return cls(
            ("arn:*:iam::*:role/AWSCloudFormationStackSetExecutionRole",),
            "StackSets lay out what every account needs",
            owner,
            until,
        )

    @classmethod
    def cdk_bootstrap(
        cls, accounts: Sequence[str], regions: Sequence[str], owner: str, until: date, qualifier: str = "hnb659fds"
    ) -> ExemptPrincipals:
        """Return the exemption of the role by which CloudFormation deploys for the CDK, in each account and Region.

        Its name has no path, so that it has to be written out.

        Raises:
            ExemptionError: For a qualifier of another form, no account or Region, or a Region of no partition.
        """
        if not re.fullmatch(r"[a-z0-9]{1,10}", qualifier):
            raise ExemptionError(f"bootstrap qualifier {qualifier!r} is not allowed, expected 1 to 10 of a-z and 0-9")
        for region in regions:
            if partition_of(region) is None:
                raise ExemptionError(f"Region {region!r} of a bootstrap role is in no partition that is known")
        return cls(
            tuple(
                f"arn:*:iam::{account}:role/cdk-{qualifier}-cfn-exec-role-{account}-{region}"
                for account in accounts
                for region in regions
            ),
            "the CDK deploys as this role",
            owner,
            until,
        )

    @classmethod
    def break_glass(cls, arn: str, owner: str, until: date) -> ExemptPrincipals:
        """Return the exemption of one role for emergencies, by its ARN; raises ExemptionError for a pattern."""
        if _WILD.search(arn):
            raise ExemptionError(f"break-glass role {arn!r} has a wildcard, expected the ARN of one role")
        return cls((arn,), "break glass", owner, until)
