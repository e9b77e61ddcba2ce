"""Which IAM actions CloudFormation needs for a resource type, as data.

Not an extension: what `service_roles_cfn` reads. IAM's own types are in `cfn_permissions_iam`. The actions are those
of each type's schema handlers, reduced to the calls that change something; reads are left out.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .attempts import PARTITION

Props = dict[str, Any]


@dataclass(frozen=True)
class Permissions:
    """What a type needs.

    `arn` is the resource, with `{region}`, `{account}` and `{name}`; `name` the property that holds the name, which
    CloudFormation makes up when absent. `when` lists further actions for a property that is set or changed.
    """

    arn: str
    name: str
    create: tuple[str, ...]
    update: tuple[str, ...]
    delete: tuple[str, ...]
    when: tuple[tuple[str, str], ...] = ()


def _actions(service: str, text: str) -> tuple[str, ...]:
    return tuple(f"{service}:{name}" for name in text.split())


def _row(arn: str, name: str, create: str, update: str, delete: str, **when: str) -> Permissions:
    service = arn.split(":")[2]
    return Permissions(
        arn,
        name,
        _actions(service, create),
        _actions(service, update),
        _actions(service, delete),
        tuple((key, f"{service}:{action}") for key, action in when.items()),
    )


_BUCKET = _row(
    "arn:{partition}:s3:::{name}",
    "BucketName",
    "CreateBucket",
    "",
    "DeleteBucket",
    BucketEncryption="PutEncryptionConfiguration",
    PublicAccessBlockConfiguration="PutBucketPublicAccessBlock",
    VersioningConfiguration="PutBucketVersioning",
    LifecycleConfiguration="PutLifecycleConfiguration",
    ObjectLockConfiguration="PutBucketObjectLockConfiguration",
    LoggingConfiguration="PutBucketLogging",
    OwnershipControls="PutBucketOwnershipControls",
    NotificationConfiguration="PutBucketNotification",
    ReplicationConfiguration="PutReplicationConfiguration",
    CorsConfiguration="PutBucketCORS",
    WebsiteConfiguration="PutBucketWebsite",
    Tags="PutBucketTagging",
    AccessControl="PutBucketAcl",
)

# fmt: off
PERMISSIONS: dict[str, Permissions] = {
    "AWS::S3::Bucket": _BUCKET,
    "AWS::S3::BucketPolicy": _row("arn:{partition}:s3:::{name}", "Bucket", "PutBucketPolicy", "PutBucketPolicy",
                                  "DeleteBucketPolicy"),
    "AWS::Lambda::Function": _row("arn:{partition}:lambda:{region}:{account}:function:{name}", "FunctionName",
                                  "CreateFunction",
                                  "UpdateFunctionConfiguration", "DeleteFunction", Code="UpdateFunctionCode",
                                  Tags="TagResource", ReservedConcurrentExecutions="PutFunctionConcurrency"),
    "AWS::Lambda::Permission": _row("arn:{partition}:lambda:{region}:{account}:function:{name}", "FunctionName",
                                    "AddPermission",
                                    "AddPermission RemovePermission", "RemovePermission"),
    "AWS::Lambda::Version": _row("arn:{partition}:lambda:{region}:{account}:function:{name}", "FunctionName",
                                 "PublishVersion", "",
                                 "DeleteFunction"),
    "AWS::Lambda::Alias": _row("arn:{partition}:lambda:{region}:{account}:function:{name}", "FunctionName",
                               "CreateAlias",
                               "UpdateAlias", "DeleteAlias"),
    "AWS::Lambda::Url": _row("arn:{partition}:lambda:{region}:{account}:function:{name}", "TargetFunctionArn",
                             "CreateFunctionUrlConfig", "UpdateFunctionUrlConfig", "DeleteFunctionUrlConfig"),
    "AWS::Lambda::EventSourceMapping": _row("arn:{partition}:lambda:{region}:{account}:event-source-mapping:*", "",
                                            "CreateEventSourceMapping", "UpdateEventSourceMapping",
                                            "DeleteEventSourceMapping"),
    "AWS::Lambda::EventInvokeConfig": _row("arn:{partition}:lambda:{region}:{account}:function:{name}",
                                           "FunctionName",
                                           "PutFunctionEventInvokeConfig", "PutFunctionEventInvokeConfig",
                                           "DeleteFunctionEventInvokeConfig"),
    "AWS::Lambda::LayerVersion": _row("arn:{partition}:lambda:{region}:{account}:layer:{name}", "LayerName",
                                      "PublishLayerVersion",
                                      "", "DeleteLayerVersion"),
    "AWS::DynamoDB::Table": _row("arn:{partition}:dynamodb:{region}:{account}:table/{name}", "TableName",
                                 "CreateTable", "UpdateTable",
                                 "DeleteTable", TimeToLiveSpecification="UpdateTimeToLive", Tags="TagResource",
                                 PointInTimeRecoverySpecification="UpdateContinuousBackups"),
    "AWS::DynamoDB::GlobalTable": _row("arn:{partition}:dynamodb:{region}:{account}:table/{name}", "TableName",
                                       "CreateTable",
                                       "UpdateTable", "DeleteTable", TimeToLiveSpecification="UpdateTimeToLive"),
    "AWS::SNS::Topic": _row("arn:{partition}:sns:{region}:{account}:{name}", "TopicName", "CreateTopic",
                            "SetTopicAttributes",
                            "DeleteTopic", Subscription="Subscribe", Tags="TagResource"),
    "AWS::SNS::Subscription": Permissions("{name}", "TopicArn", ("sns:Subscribe",),
                                          ("sns:SetSubscriptionAttributes",),
                                          ("sns:Unsubscribe",)),
    "AWS::SNS::TopicPolicy": _row("arn:{partition}:sns:{region}:{account}:*", "", "SetTopicAttributes",
                                  "SetTopicAttributes",
                                  "SetTopicAttributes"),
    "AWS::SQS::Queue": _row("arn:{partition}:sqs:{region}:{account}:{name}", "QueueName", "CreateQueue",
                            "SetQueueAttributes",
                            "DeleteQueue", Tags="TagQueue"),
    "AWS::SQS::QueuePolicy": _row("arn:{partition}:sqs:{region}:{account}:*", "", "SetQueueAttributes",
                                  "SetQueueAttributes",
                                  "SetQueueAttributes"),
    "AWS::Logs::LogGroup": _row("arn:{partition}:logs:{region}:{account}:log-group:{name}", "LogGroupName",
                                "CreateLogGroup", "",
                                "DeleteLogGroup", RetentionInDays="PutRetentionPolicy", KmsKeyId="AssociateKmsKey",
                                Tags="TagResource", DataProtectionPolicy="PutDataProtectionPolicy"),
    "AWS::Logs::LogStream": _row("arn:{partition}:logs:{region}:{account}:log-group:{name}", "LogGroupName",
                                 "CreateLogStream", "",
                                 "DeleteLogStream"),
    "AWS::Logs::MetricFilter": _row("arn:{partition}:logs:{region}:{account}:log-group:{name}", "LogGroupName",
                                    "PutMetricFilter",
                                    "PutMetricFilter", "DeleteMetricFilter"),
    "AWS::Logs::SubscriptionFilter": _row("arn:{partition}:logs:{region}:{account}:log-group:{name}", "LogGroupName",
                                          "PutSubscriptionFilter", "PutSubscriptionFilter",
                                          "DeleteSubscriptionFilter"),
    "AWS::Logs::ResourcePolicy": _row("arn:{partition}:logs:{region}:{account}:*", "", "PutResourcePolicy",
                                      "PutResourcePolicy",
                                      "DeleteResourcePolicy"),
    "AWS::StepFunctions::StateMachine": _row("arn:{partition}:states:{region}:{account}:stateMachine:{name}",
                                             "StateMachineName",
                                             "CreateStateMachine", "UpdateStateMachine", "DeleteStateMachine",
                                             Tags="TagResource"),
    "AWS::StepFunctions::Activity": _row("arn:{partition}:states:{region}:{account}:activity:{name}", "Name",
                                         "CreateActivity", "",
                                         "DeleteActivity"),
    "AWS::KMS::Key": _row("arn:{partition}:kms:{region}:{account}:key/*", "", "CreateKey", "", "ScheduleKeyDeletion",
                          KeyPolicy="PutKeyPolicy", EnableKeyRotation="EnableKeyRotation", Tags="TagResource"),
    "AWS::KMS::Alias": _row("arn:{partition}:kms:{region}:{account}:{name}", "AliasName", "CreateAlias",
                            "UpdateAlias", "DeleteAlias"),
    "AWS::CloudTrail::Trail": _row("arn:{partition}:cloudtrail:{region}:{account}:trail/{name}", "TrailName",
                                   "CreateTrail StartLogging", "UpdateTrail", "DeleteTrail", Tags="AddTags",
                                   EventSelectors="PutEventSelectors", InsightSelectors="PutInsightSelectors"),
    "AWS::Organizations::OrganizationalUnit": _row("arn:{partition}:organizations::{account}:ou/*", "",
                                                   "CreateOrganizationalUnit",
                                                   "UpdateOrganizationalUnit", "DeleteOrganizationalUnit"),
    "AWS::Organizations::Account": Permissions("*", "", ("organizations:CreateAccount",),
                                               ("organizations:MoveAccount",),
                                               ("organizations:CloseAccount",)),
    "AWS::Organizations::Policy": _row("arn:{partition}:organizations::{account}:policy/*", "", "CreatePolicy",
                                       "UpdatePolicy",
                                       "DeletePolicy", TargetIds="AttachPolicy"),
    "AWS::AccessAnalyzer::Analyzer": _row("arn:{partition}:access-analyzer:{region}:{account}:analyzer/{name}",
                                          "AnalyzerName",
                                          "CreateAnalyzer", "UpdateAnalyzer", "DeleteAnalyzer"),
    "AWS::SSM::Parameter": _row("arn:{partition}:ssm:{region}:{account}:parameter/{name}", "Name", "PutParameter",
                                "PutParameter",
                                "DeleteParameter", Tags="AddTagsToResource"),
    "AWS::SecretsManager::Secret": _row("arn:{partition}:secretsmanager:{region}:{account}:secret:{name}", "Name",
                                        "CreateSecret",
                                        "UpdateSecret", "DeleteSecret", Tags="TagResource"),
    "AWS::Events::Rule": _row("arn:{partition}:events:{region}:{account}:rule/{name}", "Name", "PutRule", "PutRule",
                              "DeleteRule RemoveTargets", Targets="PutTargets"),
    "AWS::Events::EventBus": _row("arn:{partition}:events:{region}:{account}:event-bus/{name}", "Name",
                                  "CreateEventBus",
                                  "UpdateEventBus", "DeleteEventBus", Policy="PutPermission"),
    "AWS::CloudWatch::Alarm": _row("arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}", "AlarmName",
                                   "PutMetricAlarm",
                                   "PutMetricAlarm", "DeleteAlarms", Tags="TagResource"),
    "AWS::CloudWatch::Dashboard": _row("arn:{partition}:cloudwatch::{account}:dashboard/{name}", "DashboardName",
                                       "PutDashboard",
                                       "PutDashboard", "DeleteDashboards"),
    "AWS::ECR::Repository": _row("arn:{partition}:ecr:{region}:{account}:repository/{name}", "RepositoryName",
                                 "CreateRepository", "",
                                 "DeleteRepository", LifecyclePolicy="PutLifecyclePolicy", Tags="TagResource",
                                 RepositoryPolicyText="SetRepositoryPolicy"),
    "AWS::Kinesis::Stream": _row("arn:{partition}:kinesis:{region}:{account}:stream/{name}", "Name", "CreateStream",
                                 "UpdateShardCount",
                                 "DeleteStream", StreamEncryption="StartStreamEncryption"),
    "AWS::KinesisFirehose::DeliveryStream": _row("arn:{partition}:firehose:{region}:{account}:deliverystream/{name}",
                                                 "DeliveryStreamName", "CreateDeliveryStream", "UpdateDestination",
                                                 "DeleteDeliveryStream"),
}
# fmt: on

# Types that CloudFormation keeps to itself.
NEEDS_NOTHING = frozenset(
    {"AWS::CDK::Metadata", "AWS::CloudFormation::WaitConditionHandle", "AWS::CloudFormation::WaitCondition"}
)


def needed(
    resource_type: str, old: Props | None, new: Props | None, name: str, *, region: str, account: str
) -> list[tuple[str, str]] | None:
    """Return the (action, resource) pairs of one change, None for a type that is not mapped.

    Args:
        resource_type: the CloudFormation type.
        old: the properties before, None on a create.
        new: the properties after, None on a delete.
        name: the physical name, or the one that CloudFormation would make up.
        region: the stack's Region.
        account: the stack's account.
    """
    row = PERMISSIONS.get(resource_type)
    if row is None:
        return None
    props = new if new is not None else old or {}
    name = str(props.get(row.name) or name).removeprefix("/")
    if name.startswith("arn:") and row.arn != "{name}":
        arn = name
    else:
        arn = row.arn.format(region=region, account=account, name=name, partition=PARTITION)
    if old is None:
        actions = [*row.create, *(action for prop, action in row.when if props.get(prop) and prop != "Code")]
    elif new is None:
        actions = list(row.delete)
    else:
        changed = {key for key in {*old, *new} if old.get(key) != new.get(key)}
        actions = [action for prop, action in row.when if prop in changed]
        if changed - {prop for prop, _ in row.when}:
            actions.extend(row.update)
    return [(action, arn) for action in dict.fromkeys(actions)]
