"""Which calls a CloudFormation type needs, as far as that can be told without its schema.

A call has to be of a service of a planned type. Calls that some types alone need, those about access first, have to
be of one of them. What only creates and updates does not delete the resource itself; a create that fails does.
Source: the handlers' permissions of the types' schemas, which CloudFormation publishes in its registry.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection

    from sudo_mcp_guardrails.detection.baseline.calls import Call

_TYPE: Final = re.compile(r"AWS::([A-Za-z0-9]{1,40})::([A-Za-z0-9]{1,60})")
_SOURCES: Final = {
    "amazonmq": "mq",
    "apigatewayv2": "apigateway",
    "applicationautoscaling": "application-autoscaling",
    "certificatemanager": "acm",
    "cloudwatch": "monitoring",
    "cognito": "cognito-idp",
    "efs": "elasticfilesystem",
    "elasticloadbalancingv2": "elasticloadbalancing",
    "emr": "elasticmapreduce",
    "kinesisfirehose": "firehose",
    "opensearchservice": "es",
    "stepfunctions": "states",
}
"""Where CloudTrail calls a service something else than its types do, in small letters."""

_ALONGSIDE: Final = {
    "lambda": ("ec2", re.compile("(Create|Delete|Describe)NetworkInterface")),
    "rds": ("ec2", re.compile("(Create|Delete|Describe)NetworkInterface|CreateSecurityGroup")),
    "ecs": ("iam", re.compile("CreateServiceLinkedRole")),
    "elasticloadbalancing": ("iam", re.compile("CreateServiceLinkedRole")),
}
"""What types of a service need of another one."""
_KEYS: Final = re.compile("CreateGrant|RetireGrant|Decrypt|Encrypt|GenerateDataKey.*|ReEncrypt.*")
"""What types of any service may need of a key."""

_CLAIMED: Final[dict[str, dict[str, set[str]]]] = {
    "s3": {"(Put|Delete)BucketPolicy": {"BucketPolicy"}, "(Put|Delete|Copy)Objects?": set()},
    "iam": {
        "(Put|Delete)RolePolicy": {"Role", "Policy", "RolePolicy"},
        "(Attach|Detach)RolePolicy": {"Role", "ManagedPolicy"},
        "CreateServiceLinkedRole": {"ServiceLinkedRole"},
        "UpdateAssumeRolePolicy|(Create|Delete|Update|Tag|Untag|Put)Role(Description|PermissionsBoundary)?": {"Role"},
        "(Put|Delete)UserPolicy": {"User", "Policy", "UserPolicy"},
        "(Attach|Detach)UserPolicy": {"User", "ManagedPolicy"},
        "(Create|Delete|Update)AccessKey": {"AccessKey"},
        ".*User(PermissionsBoundary|ToGroup|FromGroup)?|.*LoginProfile": {"User", "UserToGroupAddition"},
        "(Put|Delete)GroupPolicy": {"Group", "Policy", "GroupPolicy"},
        "(Attach|Detach)GroupPolicy": {"Group", "ManagedPolicy"},
        "(Create|Delete|Update)Group": {"Group"},
        "(Create|Delete|Tag|Untag)Policy|(Create|Delete)PolicyVersion|SetDefaultPolicyVersion": {"ManagedPolicy"},
        ".*InstanceProfile": {"InstanceProfile"},
        ".*SAMLProvider": {"SAMLProvider"},
        ".*OpenIDConnectProvider.*": {"OIDCProvider"},
    },
    "lambda": {
        "(Add|Remove)Permission": {"Permission"},
        ".*FunctionUrlConfig": {"Url"},
        ".*EventSourceMapping": {"EventSourceMapping"},
        "(Add|Remove)LayerVersionPermission": {"LayerVersionPermission"},
        "Invoke.*": set(),
    },
    "ec2": {
        "(Authorize|Revoke)SecurityGroup(In|E)gress": {"SecurityGroup", "SecurityGroupIngress", "SecurityGroupEgress"},
        "(Create|Delete)SecurityGroup": {"SecurityGroup"},
        "RunInstances|TerminateInstances": {"Instance"},
        "Modify(Snapshot|Image)Attribute": set(),
        "(Create|Replace|Delete)Route": {"Route"},
    },
    "kms": {"PutKeyPolicy": {"Key", "ReplicaKey"}, "(Schedule|Cancel)KeyDeletion": {"Key", "ReplicaKey"}},
    "secretsmanager": {"(Put|Delete)ResourcePolicy": {"ResourcePolicy"}, "GetSecretValue": set()},
    "logs": {".*SubscriptionFilter": {"SubscriptionFilter"}, "(Put|Delete)ResourcePolicy": {"ResourcePolicy"}},
    "rds": {"ModifyDB(Cluster)?SnapshotAttribute": set()},
}
"""Calls that some types of their service need and no other; none of them where the set is empty."""
_RULES: Final = {
    service: [(re.compile(pattern), types) for pattern, types in claimed.items()]
    for service, claimed in _CLAIMED.items()
}
_MAKING: Final = frozenset({"create", "replace", "delete", "import"})


def service_of(type_name: str) -> str | None:
    """Return the service of a type as CloudTrail's sources begin; None for what is no type of AWS."""
    found = _TYPE.match(type_name)
    if found is None or found[0] == "AWS::CloudFormation::CustomResource":
        return None
    name = found[1].lower()
    return _SOURCES.get(name, name)


def needs(call: Call, types: Collection[tuple[str, str]]) -> bool:
    """Tell whether any planned type may need a call.

    Args:
        call: of the execution role.
        types: pairs of type and operation, ``create``, ``update``, ``replace``, ``delete`` or ``import``.
    """
    name = call.action.partition(":")[2]
    here = {(one.split("::")[2], operation) for one, operation in types if service_of(one) == call.service}
    if here:
        nouns = {noun for noun, _ in here}
        for pattern, claimed in _RULES.get(call.service, ()):
            if pattern.fullmatch(name):
                return not nouns.isdisjoint(claimed)
        return not _deletes(name, here)
    if call.service == "kms":
        return bool(types) and _KEYS.fullmatch(name) is not None
    alongside = (_ALONGSIDE.get(service_of(one) or "") for one, _ in types)
    return any(one is not None and one[0] == call.service and one[1].fullmatch(name) is not None for one in alongside)


def _deletes(name: str, here: Collection[tuple[str, str]]) -> bool:
    """Tell whether a call deletes a resource of a type of which the plan only updates some."""
    nouns = {noun for noun, _ in here if name in (f"Delete{noun}", f"Terminate{noun}s", f"Delete{noun}s")}
    made = {noun for noun, operation in here if operation in _MAKING}
    return bool(nouns) and nouns.isdisjoint(made)
