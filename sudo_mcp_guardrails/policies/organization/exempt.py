"""Who the organization's guardrails for everyone do not bind, why, who answers for it, and until when."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.matching import glob
from sudo_mcp_guardrails.policies.exemptions import ExemptionError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

_ARN: Final = re.compile(
    r"arn:(?:\*|aws(?:-[a-z]+)*):iam::(?:\*|\d{12}):(?P<type>role|user)/(?P<path>(?:[\w+=,.@*?-]+/)*)(?P<name>[\w+=,.@*?-]+)"
)
_WILD: Final = re.compile(r"[*?]")


@dataclass(frozen=True)
class ExemptPrincipals:
    """Roles that the guardrails for everyone do not bind.

    Agents cannot be exempt, and it is proved that no agent can come to match one.

    Args:
        arns: Patterns of ``aws:PrincipalArn``. A wildcard in the name needs a path, or an account, that is written
            out: anybody who may create roles could take a name that merely begins right.
        reason: Why.
        owner: The person or team that answers for it.
        until: The last day on which it counts. An expired exemption fails synthesis.

    Raises:
        ExemptionError: For an empty field, a pattern of another form, or one that anybody could come to match.
    """

    arns: tuple[str, ...]
    reason: str
    owner: str
    until: date

    def __post_init__(self) -> None:
        """Validate."""
        for name in ("arns", "reason", "owner"):
            value = getattr(self, name)
            if not value or (isinstance(value, str) and not value.strip()):
                raise ExemptionError(f"exemption of {', '.join(self.arns) or 'nobody'} has an empty {name}")
        for arn in self.arns:
            match = _ARN.fullmatch(arn)
            if match is None:
                raise ExemptionError(
                    f"exempt principal {arn!r} is not allowed, expected arn:PARTITION:iam::ACCOUNT:role/PATH/NAME"
                )
            first = match["path"].split("/", 1)[0]
            if _WILD.search(match["name"]) and (not match["path"] or _WILD.search(first)):
                raise ExemptionError(
                    f"exempt principal {arn!r} has a wildcard in a name without a path, expected the whole name or a "
                    "path that is written out, such as role/aws-reserved/sso.amazonaws.com/*"
                )

    def check_date(self, today: date) -> None:
        """Check that it has not expired; raises ExemptionError."""
        if today > self.until:
            raise ExemptionError(
                f"exemption of {', '.join(self.arns)} ended on {self.until.isoformat()}: renew it, with {self.owner}, "
                "or take it out"
            )

    def covers(self, arn: str) -> bool:
        """Return whether it is about a principal."""
        return any(glob(pattern)(arn) for pattern in self.arns)

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
        """
        if not re.fullmatch(r"[a-z0-9]{1,10}", qualifier):
            raise ExemptionError(f"bootstrap qualifier {qualifier!r} is not allowed, expected 1 to 10 of a-z and 0-9")
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
        """Return the exemption of a role for emergencies, by its ARN."""
        return cls((arn,), "break glass", owner, until)
