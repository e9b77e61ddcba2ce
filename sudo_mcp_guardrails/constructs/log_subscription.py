"""What sends the lines of a member account's log groups to the central one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from constructs import Construct

from sudo_mcp_guardrails.policies.log_archive import LogArchiveError

if TYPE_CHECKING:
    from collections.abc import Sequence

_DESTINATION: Final = re.compile(r"arn:[^:]+:logs:(?P<region>[^:]+):(\d{12}|\$\{[^{}]+\}):destination:\S+", re.ASCII)
_MOST_CHARACTERS: Final = 1024


class LogSubscription(Construct):
    """Subscribes log groups of this account to the central log group of another. Costs nothing by itself.

    CloudWatch Logs sends each line once or, where it is not sure, twice, as soon as it comes; what was there before
    is not sent. A log group has at most two subscriptions.

    Args:
        scope: The scope, in a stack of the member account and of the destination's Region.
        id: The construct's id.
        log_groups: The log groups, such as the session broker's.
        destination_arn: ``CentralLogGroup.intake.destination_arn`` of the central account's stack, or its text.
        filter_pattern: Which lines. Default: all.

    Raises:
        LogArchiveError: For no log group, an ARN of another form, one of another Region, and a pattern that is too
            long.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        log_groups: Sequence[logs.ILogGroup],
        destination_arn: str,
        filter_pattern: str = "",
    ) -> None:
        super().__init__(scope, id)
        if not log_groups:
            raise LogArchiveError(f"subscription {self.node.path!r} has no log group, expected at least one")
        if len(filter_pattern) > _MOST_CHARACTERS:
            raise LogArchiveError(
                f"filter pattern has {len(filter_pattern)} characters, allowed are {_MOST_CHARACTERS}"
            )
        self._check(destination_arn)
        self.filters: tuple[logs.CfnSubscriptionFilter, ...] = tuple(
            logs.CfnSubscriptionFilter(
                self,
                f"Filter{index}",
                log_group_name=group.log_group_name,
                destination_arn=destination_arn,
                filter_pattern=filter_pattern,
            )
            for index, group in enumerate(log_groups)
        )
        """One for each log group, in order."""

    def _check(self, destination_arn: str) -> None:
        match = _DESTINATION.fullmatch(destination_arn)
        if match is None:
            raise LogArchiveError(
                f"destination {destination_arn!r} is not allowed, expected an ARN "
                "arn:PARTITION:logs:REGION:ACCOUNT:destination:NAME"
            )
        here, there = cdk.Stack.of(self).region, match["region"]
        if not cdk.Token.is_unresolved(here) and not cdk.Token.is_unresolved(there) and here != there:
            raise LogArchiveError(
                f"destination {destination_arn!r} is of another Region than {here!r}, expected one for each Region: a "
                "log group sends within its Region"
            )
