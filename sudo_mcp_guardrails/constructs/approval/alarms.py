"""What the workflow is watched by: executions that fail or are ended, forged callbacks, errors, and lost notices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import aws_logs as logs
from constructs import Construct

from sudo_mcp_guardrails.constructs.log_pipeline_alarms import PipelineAlarm, make_alarms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_sns as sns

    from sudo_mcp_guardrails.constructs.approval.function import ApprovalFunction
    from sudo_mcp_guardrails.constructs.approval.notices import ApprovalNotices

NAMESPACE: Final = "McpGuardrails/Approval"
FORGED: Final = "ForgedCallbacks"
FORGED_KIND: Final = "forged-callback"
"""Kind of the record, and the word in the log line, of a callback that nobody of ours sent."""
_TOO_LONG_HOURS: Final = 12
_MILLISECONDS: Final = 3_600_000


def forged_metric(scope: Construct, id_: str, function: ApprovalFunction, workflow: str) -> logs.CfnMetricFilter:
    """Return the metric of forged callbacks, counted in the log of the function that finds them.

    Args:
        scope: Where.
        id_: Of the construct.
        function: Looks at the chain after each callback.
        workflow: Name of the workflow, which the metric's name carries: a metric filter without values of the log line
            has no dimensions.
    """
    return logs.CfnMetricFilter(
        scope,
        id_,
        log_group_name=function.log_group.ref,
        filter_pattern=f'"{FORGED_KIND}"',
        metric_transformations=[
            logs.CfnMetricFilter.MetricTransformationProperty(
                metric_namespace=NAMESPACE, metric_name=f"{workflow}-{FORGED}", metric_value="1", default_value=0
            )
        ],
    )


def watch(  # noqa: PLR0917 - what is watched
    scope: Construct,
    machine: str,
    workflow: str,
    notices: ApprovalNotices,
    functions: Mapping[str, ApprovalFunction],
    topic: sns.ITopic | None,
) -> dict[str, cloudwatch.CfnAlarm]:
    """Make the metric of forged callbacks, and the alarms; return these by id.

    Args:
        scope: The workflow.
        machine: ARN of the state machine.
        workflow: Its name.
        notices: With the queue of what could not be delivered.
        functions: By the ends of their names.
        topic: Whom the alarms tell; None for nobody.
    """
    forged_metric(scope, "Forged", functions["recheck"], workflow)
    alarms = workflow_alarms(machine, workflow, notices.undelivered.attr_queue_name, functions)
    return make_alarms(Construct(scope, "Alarms"), alarms, topic)


def workflow_alarms(
    machine: str, workflow: str, undelivered: str, functions: Mapping[str, ApprovalFunction]
) -> tuple[PipelineAlarm, ...]:
    """Return the alarms.

    Args:
        machine: ARN of the state machine.
        workflow: Its name.
        undelivered: Name of the queue of what could not be delivered.
        functions: By the ends of their names.
    """

    def of_machine(id_: str, metric: str, why: str, statistic: str = "Sum", threshold: float = 0) -> PipelineAlarm:
        return PipelineAlarm(id_, "AWS/States", metric, {"StateMachineArn": machine}, statistic, threshold, why)

    return (
        of_machine(
            "Failed", "ExecutionsFailed", "An approved execution failed, or the workflow itself: see its record."
        ),
        of_machine("TimedOut", "ExecutionsTimedOut", "An approval was not at its end after 16 hours: see its record."),
        of_machine("Aborted", "ExecutionsAborted", "Somebody stopped the workflow of an approval: who, and why?"),
        of_machine(
            "TooLong",
            "ExecutionTime",
            f"An approval took over {_TOO_LONG_HOURS} hours: what is it that runs for so long?",
            "Maximum",
            _TOO_LONG_HOURS * _MILLISECONDS,
        ),
        PipelineAlarm(
            "Forged",
            NAMESPACE,
            f"{workflow}-{FORGED}",
            {},
            "Sum",
            0,
            "Somebody who has a task token called back without a decision: an attack, until it is known to be none.",
        ),
        PipelineAlarm(
            "Undelivered",
            "AWS/SQS",
            "ApproximateNumberOfMessagesVisible",
            {"QueueName": undelivered},
            "Maximum",
            0,
            "A notice could not be delivered; the page still shows what is open. Kept for 14 days.",
        ),
        *(
            PipelineAlarm(
                f"{name.capitalize()}Errors",
                "AWS/Lambda",
                "Errors",
                {"FunctionName": function.function.ref},
                "Sum",
                0,
                "The function failed; it is tried again, and its log says why.",
            )
            for name, function in functions.items()
        ),
    )
