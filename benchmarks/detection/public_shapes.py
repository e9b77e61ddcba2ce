"""Rules of the shapes that public rule sets use, made up from a seed: for what a rule set costs, not for what it finds.

The shapes and how often each occurs follow a count over public Sigma rules for CloudTrail: a service and one call or
several, the same with a parameter's text, an error, an identity's type, a filter, a user agent, and a few that name no
call at all.
"""

from __future__ import annotations

import random
from typing import Any, Final

RULES: Final = 60
_CALLS: Final = {
    "iam.amazonaws.com": ("CreateUser", "CreateAccessKey", "AttachUserPolicy", "PutRolePolicy", "CreateRole"),
    "s3.amazonaws.com": ("PutBucketPolicy", "PutBucketAcl", "DeleteBucket", "PutObject", "GetObject"),
    "ec2.amazonaws.com": ("RunInstances", "AuthorizeSecurityGroupIngress", "ModifyImageAttribute", "DescribeInstances"),
    "sts.amazonaws.com": ("AssumeRole", "GetFederationToken", "GetSessionToken", "GetCallerIdentity"),
    "cloudtrail.amazonaws.com": ("StopLogging", "DeleteTrail", "UpdateTrail", "PutEventSelectors"),
    "lambda.amazonaws.com": ("UpdateFunctionCode20150331v2", "AddPermission20150331v2", "CreateFunction20150331"),
    "kms.amazonaws.com": ("ScheduleKeyDeletion", "DisableKey", "GenerateDataKey", "PutKeyPolicy"),
    "guardduty.amazonaws.com": ("CreateIPSet", "DeleteDetector", "UpdateDetector"),
    "rds.amazonaws.com": ("ModifyDBInstance", "ModifyDBSnapshotAttribute", "RestoreDBInstanceFromDBSnapshot"),
    "secretsmanager.amazonaws.com": ("GetSecretValue", "BatchGetSecretValue", "ListSecrets"),
    "signin.amazonaws.com": ("ConsoleLogin", "SwitchRole"),
    "dynamodb.amazonaws.com": ("PutItem", "DeleteTable", "ExportTableToPointInTime"),
}
_PARAMETERS: Final = ("bucketName", "roleName", "policyArn", "policyDocument", "cidrIp", "name", "userName", "value")
_TEXTS: Final = ("public", "admin", "0.0.0.0/0", "Administrator", "AllUsers", "root", "::/0", "arn:aws:iam::aws:policy")


def rules(count: int = RULES, *, seed: int = 7) -> list[dict[str, Any]]:
    """Return rules as Sigma's YAML would parse."""
    rng = random.Random(seed)  # noqa: S311 - the same rules on every run
    return [_rule(rng, index) for index in range(count)]


def _rule(rng: random.Random, index: int) -> dict[str, Any]:
    source = rng.choice(list(_CALLS))
    names = rng.sample(_CALLS[source], rng.randint(1, min(3, len(_CALLS[source]))))
    selection: dict[str, Any] = {"eventSource": source, "eventName": names if len(names) > 1 else names[0]}
    detection: dict[str, Any] = {"selection": selection, "condition": "selection"}
    shape = rng.random()
    if shape < 0.30:  # noqa: PLR2004 - the share of each shape
        selection[f"requestParameters.{rng.choice(_PARAMETERS)}|contains"] = rng.sample(_TEXTS, 2)
    elif shape < 0.45:  # noqa: PLR2004
        selection["errorCode"] = ["AccessDenied", "Client.UnauthorizedOperation"]
    elif shape < 0.60:  # noqa: PLR2004
        detection["filter_main"] = {"userIdentity.type": "AWSService"}
        detection["filter_agent"] = {"userAgent|contains": ["cloudformation", "terraform"]}
        detection["condition"] = "selection and not 1 of filter_*"
    elif shape < 0.70:  # noqa: PLR2004
        selection["userIdentity.type"] = "Root"
    elif shape < 0.78:  # noqa: PLR2004
        detection["selection"] = {"userAgent|contains": [f"tool{index}", f"scanner-{index}"]}
    elif shape < 0.84:  # noqa: PLR2004
        detection["selection"] = {"eventName|startswith": rng.sample(["Delete", "Disable", "Put", "Stop"], 2)}
        detection["selection_error"] = {"errorCode|contains": "Denied", "userIdentity.arn|endswith": f"/svc{index}"}
        detection["condition"] = "selection and selection_error"
    return {
        "title": f"made-up rule {index}",
        "id": f"00000000-0000-4000-8000-{index:012d}",
        "name": f"made_up_{index}",
        "status": "test",
        "level": "medium",
        "logsource": {"product": "aws", "service": "cloudtrail"},
        "detection": detection,
    }
