"""What is counted in a log group of CloudTrail events, and when somebody is told, as data.

Sources: CloudWatch Logs user guide, "Filter pattern syntax for metric filters"; CIS AWS Foundations Benchmark, section
"Monitoring", for those on people. Each has an event in the tests that it counts, and one that it does not: a pattern
on a field that no event has would never tell anybody anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.policies.log_archive import LogArchiveError

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.naming import GuardrailNames

_ID: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_ACCOUNT: Final = re.compile(r"\d{12}", re.ASCII)
_MOST_CHARACTERS: Final = 1024
"""Of a filter pattern (CloudWatch Logs API reference, "PutMetricFilter")."""
_TRAIL_TAMPER: Final = (
    "DeleteTrail",
    "PutEventSelectors",
    "PutInsightSelectors",
    "StopLogging",
    "UpdateTrail",
)
_ARCHIVE_TAMPER: Final = (
    "DeleteBucketLifecycle",
    "DeleteBucketPolicy",
    "DisableKey",
    "PutBucketLifecycle",
    "PutBucketObjectLockConfiguration",
    "PutObjectLockConfiguration",
    "PutBucketPolicy",
    "PutBucketVersioning",
    "PutKeyPolicy",
    "ScheduleKeyDeletion",
)
_ORGANIZATION_TAMPER: Final = (
    "DeletePolicy",
    "DetachPolicy",
    "DisablePolicyType",
    "LeaveOrganization",
    "RemoveAccountFromOrganization",
    "UpdatePolicy",
)


@dataclass(frozen=True)
class LogSignal:
    """Events that are counted, and how many of them in which time are too many.

    Args:
        id: Name of the metric; lower-case words with hyphens.
        pattern: Which events, in the syntax of CloudWatch Logs.
        reason: What it tells.
        threshold: So many within the time raise an alarm. Default: None, which only counts.
        minutes: The time. Default: 5.

    Raises:
        LogArchiveError: For an id or pattern of another form, and numbers below 1.
    """

    id: str
    pattern: str
    reason: str
    threshold: int | None = None
    minutes: int = 5

    def __post_init__(self) -> None:
        """Validate; raises LogArchiveError."""
        if not _ID.fullmatch(self.id):
            raise LogArchiveError(f"signal {self.id!r} is not allowed, expected lower-case words with hyphens")
        if not (self.pattern.startswith("{ ") and self.pattern.endswith(" }")):
            raise LogArchiveError(f"pattern {self.pattern!r} of signal {self.id!r} is not allowed, expected {{ ... }}")
        if len(self.pattern) > _MOST_CHARACTERS:
            raise LogArchiveError(
                f"pattern of signal {self.id!r} has {len(self.pattern)} characters, allowed are {_MOST_CHARACTERS}"
            )
        if self.minutes < 1 or (self.threshold is not None and self.threshold < 1):
            raise LogArchiveError(
                f"signal {self.id!r} with {self.threshold} events in {self.minutes} minutes is not allowed, expected "
                "at least 1 of each"
            )


def log_signals(names: GuardrailNames, archive_account: str = "") -> tuple[LogSignal, ...]:
    """Return what is counted by default.

    Args:
        names: Names of the guardrails' own resources, by which agents and their roles are known.
        archive_account: The log archive, whose buckets and keys nobody should change. Default: not known, and not
            watched, since elsewhere such changes are everyday work.

    Raises:
        LogArchiveError: For an account of another form.
    """
    if archive_account and not _ACCOUNT.fullmatch(archive_account):
        raise LogArchiveError(f"archive account {archive_account!r} is not allowed, expected 12 digits")
    archive = (_archive_tamper(archive_account),) if archive_account else ()
    agent = f'($.userIdentity.sessionContext.sessionIssuer.arn = "*:role{names.agents_path}*")'
    refused = '($.errorCode = "AccessDenied*") || ($.errorCode = "*UnauthorizedOperation")'
    own = (
        f'($.requestParameters.roleName = "{names.prefix}-*") || '
        f'($.requestParameters.policyArn = "*:policy/{names.prefix}/*")'
    )
    return (
        LogSignal(
            "agent-denied",
            f"{{ {agent} && ({refused}) }}",
            "an agent is refused again and again: it is confused, or looks for a way around",
            threshold=5,
        ),
        LogSignal(
            "agent-session-without-run",
            f'{{ ($.eventName = "AssumeRole") && ($.requestParameters.roleArn = "*:role{names.agents_path}*") && '
            '($.userIdentity.type != "AWSService") && ($.requestParameters.sourceIdentity NOT EXISTS) }',
            "somebody else than the broker tries to be an agent: no run id, so nobody answers for it",
            threshold=1,
        ),
        LogSignal(
            "mcp-tool-call",
            '{ ($.eventType = "AwsMcpEvent") }',
            "tool calls of MCP servers of AWS, by the type, since their source's name has changed twice",
        ),
        LogSignal(
            "mcp-api-call",
            '{ ($.userIdentity.invokedBy = "aws-mcp.amazonaws.com") }',
            "API calls that tool calls made",
        ),
        LogSignal(
            "trail-tamper",
            f'{{ ($.eventSource = "cloudtrail.amazonaws.com") && ({_any("eventName", _TRAIL_TAMPER)}) }}',
            "somebody stops or narrows a trail, or tries to",
            threshold=1,
        ),
        *archive,
        LogSignal(
            "guardrail-change",
            f'{{ ($.eventSource = "iam.amazonaws.com") && ($.readOnly IS FALSE) && ({own}) }}',
            "somebody changes an agent's role, boundary or policy; a deployment of the guardrails does, too",
            threshold=1,
        ),
        LogSignal(
            "organization-tamper",
            f'{{ ($.eventSource = "organizations.amazonaws.com") && ({_any("eventName", _ORGANIZATION_TAMPER)}) }}',
            "somebody takes a policy off, or an account out",
            threshold=1,
        ),
        LogSignal(
            "root-use",
            '{ ($.userIdentity.type = "Root") && ($.userIdentity.invokedBy NOT EXISTS) && '
            '($.eventType != "AwsServiceEvent") }',
            "the root user of an account works (CIS)",
            threshold=1,
        ),
        LogSignal(
            "console-without-mfa",
            '{ ($.eventName = "ConsoleLogin") && ($.userIdentity.type = "IAMUser") && '
            '($.responseElements.ConsoleLogin = "Success") && ($.additionalEventData.MFAUsed != "Yes") }',
            "a user signs in to the console without a second factor (CIS)",
            threshold=1,
        ),
        LogSignal(
            "intake-refused",
            '{ ($.refused = "*") }',
            "a line of a member account could not be taken in as it is, and is kept with the reason",
            threshold=1,
        ),
    )


def _archive_tamper(account: str) -> LogSignal:
    return LogSignal(
        "archive-tamper",
        f'{{ ($.recipientAccountId = "{account}") && ({_any("eventName", _ARCHIVE_TAMPER)}) }}',
        "somebody changes the policy or the lock of a bucket, or a key, in the log archive",
        threshold=1,
    )


def _any(field: str, values: tuple[str, ...]) -> str:
    return " || ".join(f'($.{field} = "{value}")' for value in values)
