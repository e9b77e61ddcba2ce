"""What the execution role has for a build of Terraform, beside its own set.

The build is the execution role's one user where an agent is deployed with Terraform, as CloudFormation is elsewhere.
Beside the agent's own it needs the saved plan, in the version that was approved, a log, and Terraform's state. None of
it is the agent's: nothing but the build uses it, and with it the execution role is held to every property as before.
Sources: Terraform documentation, "Backend Type: s3" (permissions; ``env:/`` is listed for workspaces); S3 user guide,
"Using SSE-KMS" (encryption context); AWS KMS developer guide, ``kms:ViaService``; CodeBuild user guide, "Allow
CodeBuild access to AWS services required to create a VPC network interface".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import SensitiveRead
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION
from sudo_mcp_guardrails.policies.terraform import project_name

if TYPE_CHECKING:
    from sudo_mcp_guardrails.policies.naming import GuardrailNames
    from sudo_mcp_guardrails.policies.scope import AgentScope
    from sudo_mcp_guardrails.policies.terraform import TerraformNetwork, TerraformState

DECRYPTS: Final = ("kms:Decrypt", "kms:GenerateDataKey")
"""What S3 asks of a key to read and write an object, in the name of whoever reads and writes it."""
VIA_S3: Final = (f"s3.{REGION}.amazonaws.com*",)
"""Values of ``kms:ViaService`` for S3, whose name has another end in some partitions."""
_PLAN: Final = ("s3:GetObjectVersion",)
_LOG: Final = ("logs:CreateLogStream", "logs:PutLogEvents")
_STATE: Final = ("s3:GetObject", "s3:PutObject")
_LOCK: Final = ("s3:DeleteObject", "s3:GetObject", "s3:PutObject")
_LOCK_ITEM: Final = ("dynamodb:DeleteItem", "dynamodb:DescribeTable", "dynamodb:GetItem", "dynamodb:PutItem")
_ATTACH: Final = "ec2:CreateNetworkInterface"
_CONNECT: Final = ("ec2:CreateNetworkInterfacePermission", "ec2:DeleteNetworkInterface")
_LOOK: Final = (
    *("ec2:DescribeDhcpOptions", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSecurityGroups"),
    *("ec2:DescribeSubnets", "ec2:DescribeVpcs"),
)


def uses(scope: AgentScope) -> tuple[str, ...]:
    """Return the ARN patterns of what the build uses beside the agent's own; none where there is no build."""
    if scope.terraform is None:
        return ()
    state = scope.terraform.state
    return (_log(scope), _plans(scope), f"{_bucket(state)}/{state.key}", _lock(state), *_ends(scope))


def reached(scope: AgentScope) -> tuple[str, ...]:
    """Return these, and the bucket of the state, in which the build looks whether there is one."""
    return () if scope.terraform is None else (*uses(scope), _bucket(scope.terraform.state))


def policy(scope: AgentScope) -> PolicyDocument | None:
    """Return what the execution role has for the build, beside its own policy; None where there is no build."""
    if scope.terraform is None:
        return None
    network = scope.terraform.network
    connected = () if network is None else _connected(network)
    return PolicyDocument("terraform", (*_allowed(scope, scope.terraform.state), *connected, *_denied(scope)))


def _allowed(scope: AgentScope, state: TerraformState) -> tuple[Statement, ...]:
    bucket, key, lock = _bucket(state), f"{_bucket(state)}/{state.key}", _lock(state)
    return (
        Statement(
            sid="ExecutionPlan",
            effect="Allow",
            actions=_PLAN,
            resources=(_plans(scope),),
            reason="reads the saved plan that was approved, by its version, under a name that is not known before",
        ),
        Statement(
            sid="ExecutionPlanKey",
            effect="Allow",
            actions=DECRYPTS[:1],
            resources=(_KEYS,),
            conditions=_for_objects(_evidence(scope.names)),
            reason="the evidence bucket is encrypted: S3 decrypts objects of that bucket with it and nothing else",
        ),
        Statement(
            sid="ExecutionLog",
            effect="Allow",
            actions=_LOG,
            resources=(_log(scope),),
            reason="the build writes its own log, whose streams have names that CodeBuild chooses",
        ),
        Statement(
            sid="ExecutionState",
            effect="Allow",
            actions=_STATE,
            resources=(key,),
            reason="Terraform keeps there what it has deployed",
        ),
        Statement(
            sid="ExecutionStateList",
            effect="Allow",
            actions=("s3:ListBucket",),
            resources=(bucket,),
            conditions=(("StringEquals", "s3:prefix", (state.key, "env:/")),),
            reason="Terraform looks whether there is a state",
        ),
        Statement(
            sid="ExecutionStateLock",
            effect="Allow",
            actions=_locking(scope),
            resources=(lock,),
            reason="one build at a time changes the state",
        ),
        Statement(
            sid="ExecutionStateKey",
            effect="Allow",
            actions=DECRYPTS,
            resources=(_KEYS,),
            conditions=_for_objects(bucket, key, *(() if state.lock_table else (lock,))),
            reason="where the state is encrypted by a key, S3 uses it for these objects and nothing else",
        ),
    )


def _denied(scope: AgentScope) -> tuple[Statement, ...]:
    """Return what stays denied around the build, whatever a resource policy allows."""
    opted = SensitiveRead.SECRET in scope.agent.sensitive_reads
    own_keys = tuple(arn for arn in scope.own("kms") if opted and ":key/" in arn)
    return (
        Statement(
            sid="ExecutionPlanOnly",
            effect="Deny",
            not_actions=_PLAN,
            resources=(_plans(scope),),
            reason="what was approved is read and not changed",
        ),
        Statement(
            sid="ExecutionStateOnly",
            effect="Deny",
            not_actions=tuple(dict.fromkeys((*_LOG, *_STATE, "s3:ListBucket", *_locking(scope), *_connecting(scope)))),
            resources=tuple(arn for arn in reached(scope) if arn != _plans(scope)),
            reason="state, log and network are used, and otherwise stay as they are",
        ),
        *(
            (
                Statement(
                    sid="ExecutionNetworkOnly",
                    effect="Deny",
                    actions=(_ATTACH, *_CONNECT),
                    resources=(_INTERFACES,),
                    conditions=(("ArnNotEquals", "ec2:Subnet", _subnets(network)),),
                    reason="the build has network interfaces in its own subnets alone",
                ),
            )
            if (network := scope.terraform.network if scope.terraform else None) is not None
            else ()
        ),
        Statement(
            sid="ExecutionKeysByS3",
            effect="Deny",
            actions=DECRYPTS,
            resources=() if own_keys else ("*",),
            not_resources=own_keys,
            conditions=(("StringNotLike", "kms:ViaService", VIA_S3),),
            reason="a key is used by S3, for objects that the build may read, and never directly",
        ),
    )


def ceiling(scope: AgentScope) -> tuple[str, ...]:
    """Return the actions that the boundary of the execution roles leaves open for the build."""
    if scope.terraform is None:
        return ()
    network = (*_connecting(scope), *looks(scope))
    return (*_PLAN, *DECRYPTS, *_LOG, *_STATE, "s3:ListBucket", *_locking(scope), *network)


def looks(scope: AgentScope) -> tuple[str, ...]:
    """Return what the build lists of networks, which takes no resource; nothing where it runs in none."""
    return _LOOK if scope.terraform is not None and scope.terraform.network is not None else ()


def _connecting(scope: AgentScope) -> tuple[str, ...]:
    return (_ATTACH, *_CONNECT) if looks(scope) else ()


def _connected(network: TerraformNetwork) -> tuple[Statement, ...]:
    """Return what CodeBuild does as the role to put a build into a VPC."""
    subnets = ("ArnEquals", "ec2:Subnet", _subnets(network))
    return (
        Statement(
            sid="ExecutionNetwork",
            effect="Allow",
            actions=(_ATTACH,),
            resources=(*_subnets(network), *_groups(network)),
            reason="the build has a network interface in its own subnets and security groups",
        ),
        Statement(
            sid="ExecutionNetworkInterface",
            effect="Allow",
            actions=(_ATTACH, "ec2:DeleteNetworkInterface"),
            resources=(_INTERFACES,),
            conditions=(subnets,),
            reason="network interfaces have ids that nobody knows before; those of the build are in its subnets",
        ),
        Statement(
            sid="ExecutionNetworkService",
            effect="Allow",
            actions=("ec2:CreateNetworkInterfacePermission",),
            resources=(_INTERFACES,),
            conditions=(subnets, ("StringEquals", "ec2:AuthorizedService", ("codebuild.amazonaws.com",))),
            reason="CodeBuild alone attaches them",
        ),
        Statement(
            sid="ExecutionNetworkLook",
            effect="Allow",
            actions=_LOOK,
            resources=("*",),
            reason="CodeBuild looks at the network, by calls that take no resource",
        ),
    )


def _locking(scope: AgentScope) -> tuple[str, ...]:
    return _LOCK_ITEM if scope.terraform is not None and scope.terraform.state.lock_table else _LOCK


_KEYS: Final = f"arn:{PARTITION}:kms:{REGION}:{ACCOUNT}:key/*"
"""Keys have no names: which one it is, the encryption context says, where S3 writes the object's bucket."""


_INTERFACES: Final = f"arn:{PARTITION}:ec2:{REGION}:{ACCOUNT}:network-interface/*"


def _subnets(network: TerraformNetwork) -> tuple[str, ...]:
    return tuple(f"arn:{PARTITION}:ec2:{REGION}:{ACCOUNT}:subnet/{each}" for each in network.subnets)


def _groups(network: TerraformNetwork) -> tuple[str, ...]:
    return tuple(f"arn:{PARTITION}:ec2:{REGION}:{ACCOUNT}:security-group/{each}" for each in network.security_groups)


def _ends(scope: AgentScope) -> tuple[str, ...]:
    network = scope.terraform.network if scope.terraform else None
    return () if network is None else (*_subnets(network), *_groups(network), _INTERFACES)


def _for_objects(*arns: str) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """Return the conditions that S3 asks, for these objects; a bucket key has the bucket's ARN alone."""
    return (
        ("StringLike", "kms:ViaService", VIA_S3),
        ("StringEquals", "kms:EncryptionContext:aws:s3:arn", arns),
    )


def _evidence(names: GuardrailNames) -> str:
    return f"arn:{PARTITION}:s3:::{names.approval_name('evidence')}-{ACCOUNT}-{REGION}"


def _plans(scope: AgentScope) -> str:
    """Return the pattern of the agent's own plans: which approval one is of, nobody knows before."""
    return f"{_evidence(scope.names)}/plans/{scope.agent.name}/*"


def _log(scope: AgentScope) -> str:
    group = scope.terraform.log_group if scope.terraform else ""
    name = group or f"/aws/codebuild/{project_name(scope.names, scope.agent.name)}"
    return f"arn:{PARTITION}:logs:{REGION}:{ACCOUNT}:log-group:{name}:*"


def _bucket(state: TerraformState) -> str:
    return f"arn:{PARTITION}:s3:::{state.bucket}"


def _lock(state: TerraformState) -> str:
    if state.lock_table:
        return f"arn:{PARTITION}:dynamodb:{REGION}:{ACCOUNT}:table/{state.lock_table}"
    return f"{_bucket(state)}/{state.key}.tflock"
