"""What the property audit takes for security relevant.

Not an extension: data. Unknown means relevant: of the types whose properties decide who may do what, every property
counts unless it is listed as harmless; of all others, the properties with a telling name count.
"""

from __future__ import annotations

import re

# Every property of these types counts.
SENSITIVE_TYPES = (
    "AWS::IAM::",
    "AWS::KMS::",
    "AWS::S3::",
    "AWS::SNS::",
    "AWS::SQS::",
    "AWS::Lambda::",
    "AWS::Logs::",
    "AWS::StepFunctions::",
    "AWS::Organizations::",
    "AWS::CloudTrail::",
    "AWS::AccessAnalyzer::",
    "AWS::SecretsManager::",
    "AWS::SSM::",
    "AWS::Events::",
    "AWS::DynamoDB::",
)

# Of any other type, properties with such a name count.
TELLING_NAME = re.compile(
    r"Encrypt|Kms|KMS|SSE|Policy|Policies|Role|Boundary|Access|Public|Permission|Authoriz|Authent|Lock|Log|Audit|"
    r"Secret|Credential|Vpc|SecurityGroup|Subnet|Tls|TLS|Ssl|SSL|Certificate|Principal|Trust|Protection"
)

# Never security relevant: they change what a person reads, how fast it is, or what it costs.
HARMLESS_ANYWHERE = frozenset({"Description", "Tags", "DisplayName", "Name", "Comment"})
HARMLESS = {
    "AWS::DynamoDB::Table": {
        "ContributorInsightsSpecification",
        "OnDemandThroughput",
        "ProvisionedThroughput",
        "TableClass",
        "WarmThroughput",
    },
    "AWS::IAM::Policy": {"PolicyName"},
    "AWS::Lambda::Function": {
        "EphemeralStorage",
        "RecursiveLoop",
        "RuntimeManagementConfig",
        "SnapStart",
        "TracingConfig",
    },
    "AWS::Logs::LogGroup": {"LogGroupClass", "FieldIndexPolicies"},
    "AWS::S3::Bucket": {
        "AccelerateConfiguration",
        "AnalyticsConfigurations",
        "IntelligentTieringConfigurations",
        "MetricsConfigurations",
    },
    "AWS::SNS::Topic": {"TracingConfig"},
    "AWS::SSM::Parameter": {"Tier", "DataType"},
    "AWS::StepFunctions::StateMachine": {"TracingConfiguration"},
}

# Read or copied by a handler, and yet without effect in ministack 1.5.33: these are refused even when read.
WITHOUT_EFFECT: dict[str, set[str]] = {
    "AWS::Lambda::Function": {"CodeSigningConfigArn"},
}


def matters(resource_type: str, name: str, *, read: bool) -> bool:
    """Whether a template with this property must be refused, given whether the type's handler read it."""
    if name in WITHOUT_EFFECT.get(resource_type, ()):
        return True
    if read or name in HARMLESS_ANYWHERE or name in HARMLESS.get(resource_type, ()):
        return False
    return resource_type.startswith(SENSITIVE_TYPES) or TELLING_NAME.search(name) is not None
