"""Changes to what records, watches and raises the alarm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import RiskClass
from sudo_mcp_guardrails.approval.plan import Operation
from sudo_mcp_guardrails.approval.risk_rules.rule import Found, RiskRule
from sudo_mcp_guardrails.approval.risk_rules.values import is_false, plain_name
from sudo_mcp_guardrails.iam.matching import action_test

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.approval.risk_rules.view import Seen

_WATCHING: Final = action_test(
    (
        *("access-analyzer:*", "auditmanager:*", "cloudtrail:*", "config:*", "detective:*", "fms:*", "guardduty:*"),
        *("inspector2:*", "macie2:*", "oam:*", "observabilityadmin:*", "securityhub:*", "securitylake:*"),
        *("cloudwatch:Delete*", "cloudwatch:Disable*", "cloudwatch:PutMetricAlarm", "cloudwatch:SetAlarmState"),
        *("ec2:CreateFlowLogs", "ec2:DeleteFlowLogs", "events:DeleteRule", "events:DisableRule"),
        *("events:RemoveTargets", "logs:Delete*", "logs:PutAccountPolicy", "logs:PutDataProtectionPolicy"),
        *("logs:PutDestination*", "logs:PutRetentionPolicy", "logs:PutSubscriptionFilter", "logs:PutResourcePolicy"),
        *("route53resolver:DisassociateResolverQueryLogConfig", "s3:PutBucketLogging"),
        *("s3:PutBucketNotification", "s3:PutInventoryConfiguration", "wafv2:DeleteLoggingConfiguration"),
    )
)
_STOPPING: Final = action_test(
    (
        *("cloudtrail:DeleteTrail", "cloudtrail:PutEventSelectors", "cloudtrail:StopEventDataStoreIngestion"),
        *("cloudtrail:StopLogging", "cloudtrail:UpdateTrail", "cloudtrail:DeleteEventDataStore"),
    )
)
_SHUTS: Final = frozenset({"islogging", "enablelogging", "enablelogfilevalidation", "ismultiregiontrail"})
_LOGS_OFF: Final = {
    *("accesslogsetting", "accesslogs", "enabledcloudwatchlogsexports", "enablecloudwatchlogsexports"),
    *("logging", "loggingconfiguration", "loggingconfig", "logpublishingoptions", "clusterlogging"),
    *("enabledclusterlogtypes", "tracingconfig"),
}
"""Properties by which a resource writes its own log."""


def _of_change(seen: Seen) -> Iterator[Found]:
    yield from _calls(seen)
    kind, operation = seen.change.type, seen.change.operation
    if "record" in seen.traits:
        what = "no longer records or watches" if seen.ends else "changes what records or watches"
        yield Found(RiskClass.R3, f"it {what}: {kind}")
    if "trail" in seen.traits and _stops(seen):
        known = any(name for name in seen.identities)
        text = "it stops or narrows a trail" + ("" if known else " of which nobody knows whether it is the guardrails'")
        yield Found(RiskClass.R3 if known else RiskClass.R4, text)
    if "log" in seen.traits and operation is not Operation.CREATE:
        if seen.ends:
            yield Found(RiskClass.R3, f"log lines are gone with {kind}")
        elif "retentionindays" in map(plain_name, seen.change.changed) or _shorter(seen):
            yield Found(RiskClass.R3, "it changes how long log lines are kept", "RetentionInDays")
    if operation is Operation.UPDATE:
        for name in sorted(_LOGS_OFF & seen.before.keys()):
            if seen.before[name] and not seen.then.get(name) and seen.change.after is not None:
                yield Found(RiskClass.R3, f"it no longer writes its log: {kind} loses {name}", name)


def _calls(seen: Seen) -> Iterator[Found]:
    if seen.reads:
        return
    for action in seen.actions:
        name = action.lower()
        if _STOPPING(name) and not seen.identities:
            yield Found(RiskClass.R4, f"{action} on a trail of which nobody knows whether it is the guardrails'")
        elif _WATCHING(name) and seen.context.levels.of(action) not in {"Read", "List"}:
            yield Found(RiskClass.R3, f"{action} changes what records or watches")


def _stops(seen: Seen) -> bool:
    if seen.ends:
        return True
    return any(node.name in _SHUTS and is_false(node.value) for node in seen.after)


def _shorter(seen: Seen) -> bool:
    return seen.before.get("retentionindays") != seen.then.get("retentionindays")


RULE: Final = RiskRule(
    id="records",
    title="A change to what records, watches or raises the alarm: R3; a trail that is stopped and not known to be "
    "another's than the guardrails': R4.",
    risks=(RiskClass.R3, RiskClass.R4),
    sources=(
        "the trust model of this project: logging is R3, disabling the trail is R4",
        "policies/organization: agents-trail",
    ),
    of_change=_of_change,
)
