"""What a plan costs a month while nobody uses it, as far as that can be told from the types alone.

For the budgets of work that is applied by rule: what is not listed here costs an unknown sum, and then people decide.
Sources: the AWS price pages of each service, list prices of us-east-1; what is paid for by use is 0 at rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.approval.plan import Operation

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.plan import Plan

_CENTS: Final = {
    **dict.fromkeys(
        (
            *("AWS::Events::Rule", "AWS::EC2::SecurityGroup", "AWS::Lambda::Function", "AWS::Lambda::Permission"),
            *("AWS::Logs::LogGroup", "AWS::Logs::MetricFilter", "AWS::Logs::SubscriptionFilter", "AWS::S3::Bucket"),
            *("AWS::S3::BucketPolicy", "AWS::SNS::Subscription", "AWS::SNS::Topic", "AWS::SNS::TopicPolicy"),
            *("AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "AWS::StepFunctions::StateMachine"),
            *("aws_cloudwatch_event_rule", "aws_cloudwatch_log_group", "aws_lambda_function", "aws_s3_bucket"),
            *("aws_security_group", "aws_sfn_state_machine", "aws_sns_topic", "aws_sqs_queue"),
        ),
        0,
    ),
    # An advanced parameter, which the type does not tell, costs 5 cents; an alarm of high resolution 30.
    "AWS::SSM::Parameter": 5,
    "aws_ssm_parameter": 5,
    "AWS::CloudWatch::Alarm": 30,
    "aws_cloudwatch_metric_alarm": 30,
}


def idle_cost(plan: Plan) -> int | None:
    """Return cents of a US dollar a month, at most; None where a type's price is not known here.

    Args:
        plan: what would change. What is deleted costs nothing; what is changed counts as if it were new.
    """
    total = 0
    for change in plan.changes:
        if change.operation is Operation.DELETE:
            continue
        cents = _CENTS.get(change.type)
        if cents is None:
            return None
        total += cents
    return total
