"""The workflow's keys: one that encrypts, and three that sign, each for those functions alone that it is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_kms as kms
from constructs import Construct

from sudo_mcp_guardrails.constructs.rendering import policy_json
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.log_group_keys import log_groups_may_use
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.constructs.approval.names import WorkflowNames
    from sudo_mcp_guardrails.iam.documents import Conditions

EVIDENCE_SIGNERS: Final = ("intake", "classify", "recheck", "record", "broker")
DECISION_SIGNERS: Final = ("api",)
TRUST_SIGNERS: Final = ("classify", "record", "api")
"""The functions that sign with each key, by the ends of their names."""


class SigningKey(Construct):
    """A P-256 key of KMS that signs, for the functions named alone, and never for an agent. 1 USD a month.

    Its policy denies ``kms:Sign`` to everybody else, also where a policy of the account would allow it. Who may change
    the key's policy can lift that: keep this account's administrators apart from who is to be held by the evidence.
    Nothing can be verified without its public half, so that it is kept with the stack's removal.

    Args:
        scope: The scope.
        id: The construct's id, and the end of its alias.
        signers: Ends of the names of the functions that sign.
        names: Of the workflow.
        description: Shown in the console.
        removal_policy: Default: RETAIN.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        signers: Sequence[str],
        names: WorkflowNames,
        description: str,
        removal_policy: cdk.RemovalPolicy = cdk.RemovalPolicy.RETAIN,
    ) -> None:
        super().__init__(scope, id)
        allowed = tuple(names.role_arn(signer) for signer in signers)
        statements = (
            *_owner(f"Approval{id}Key", names),
            Statement(
                f"Approval{id}KeySign",
                "Deny",
                ("kms:Sign",),
                resources=("*",),
                principals=(("*", "*"),),
                conditions=(("ArnNotEquals", "aws:PrincipalArn", allowed),),
                reason="one function's signature is worth something because nobody else can make it",
            ),
        )
        key = kms.CfnKey(
            self,
            "Resource",
            description=description,
            key_spec="ECC_NIST_P256",
            key_usage="SIGN_VERIFY",
            key_policy=policy_json(PolicyDocument(f"key {id}", statements)),
        )
        key.apply_removal_policy(removal_policy)
        kms.CfnAlias(
            self, "Alias", alias_name=f"alias/{names.of(id.lower())}", target_key_id=key.attr_arn
        ).apply_removal_policy(removal_policy)
        self.key_arn: str = key.attr_arn
        """ARN of the key."""


def made_or_given(
    scope: Construct,
    names: WorkflowNames,
    given: kms.IKey | None,
    removal: cdk.RemovalPolicy,
    builders: Sequence[str] = (),
) -> kms.IKey:
    """Return the key that encrypts tables, bucket, logs, queue and executions: the given one, or one that is made.

    Source: Step Functions developer guide, "Data at rest encryption in Step Functions", with what the delivery of logs
    needs.

    Args:
        scope: Where.
        names: Of the workflow.
        given: A key whose policy lets CloudWatch Logs and EventBridge use it; it is not changed.
        removal: What becomes of the key with the stack.
        builders: ARNs of the execution roles that apply Terraform plans.
    """
    if given is not None:
        return given
    made = kms.CfnKey(
        scope,
        "DataKey",
        description="Encrypts what the approval workflow keeps",
        enable_key_rotation=True,
        key_policy=policy_json(PolicyDocument("data key", data_key_statements(names, builders))),
    )
    made.apply_removal_policy(removal)
    kms.CfnAlias(
        scope, "DataKeyAlias", alias_name=f"alias/{names.of('data')}", target_key_id=made.attr_arn
    ).apply_removal_policy(removal)
    return kms.Key.from_key_arn(scope, "DataKeyImport", made.attr_arn)


def data_key_statements(names: WorkflowNames, builders: Sequence[str] = ()) -> tuple[Statement, ...]:
    """Return the statements that the data key has, for a key of one's own.

    Args:
        names: Of the workflow.
        builders: ARNs of the execution roles that apply Terraform plans, for which S3 decrypts saved plans.
    """
    return (
        *_owner("ApprovalDataKey", names, tuple(builders)),
        *_builds(names, tuple(builders)),
        log_groups_may_use("ApprovalDataKeyLogs", service=f"logs.{REGION}.{cdk.Aws.URL_SUFFIX}"),
        Statement(
            "ApprovalDataKeyDelivery",
            "Allow",
            ("kms:Decrypt*",),
            resources=("*",),
            principals=(("Service", "delivery.logs.amazonaws.com"),),
            conditions=(
                ("StringEquals", "aws:SourceAccount", (ACCOUNT,)),
                ("ArnLike", "aws:SourceArn", (f"arn:{PARTITION}:logs:{REGION}:{ACCOUNT}:*",)),
            ),
            reason="the log of an encrypted state machine is decrypted to be delivered",
        ),
        Statement(
            "ApprovalDataKeyEvents",
            "Allow",
            ("kms:Decrypt", "kms:GenerateDataKey"),
            resources=("*",),
            principals=(("Service", "events.amazonaws.com"),),
            conditions=(("StringEquals", "aws:SourceAccount", (ACCOUNT,)),),
            reason="a notice that could not be delivered goes to an encrypted queue",
        ),
    )


def build_key(scope: Construct, name: str, given: kms.IKey | None, removal: cdk.RemovalPolicy) -> kms.IKey:
    """Return the key that encrypts the log of a project that applies Terraform plans: the given one, or one made.

    Args:
        scope: Where.
        name: Of the project.
        given: A key whose policy lets CloudWatch Logs use it; it is not changed.
        removal: What becomes of the key with the stack.
    """
    if given is not None:
        return given
    made = kms.CfnKey(
        scope,
        "Key",
        description=f"Encrypts the log of {name}",
        enable_key_rotation=True,
        key_policy=policy_json(PolicyDocument("build key", build_key_statements())),
    )
    made.apply_removal_policy(removal)
    kms.CfnAlias(scope, "KeyAlias", alias_name=f"alias/{name}", target_key_id=made.attr_arn).apply_removal_policy(
        removal
    )
    return kms.Key.from_key_arn(scope, "KeyImport", made.attr_arn)


def build_key_statements() -> tuple[Statement, ...]:
    """Return the statements that the key of a Terraform project has, for a key of one's own."""
    return (
        Statement(
            "TerraformKeyAccount",
            "Allow",
            ("kms:*",),
            resources=("*",),
            principals=(("AWS", f"arn:{PARTITION}:iam::{ACCOUNT}:root"),),
            reason="the account's own policies decide, so that the key never gets lost",
        ),
        log_groups_may_use("TerraformKeyLogs", service=f"logs.{REGION}.{cdk.Aws.URL_SUFFIX}"),
    )


def but_for(names: WorkflowNames, builders: tuple[str, ...]) -> Conditions:
    """Return the conditions that a role on the agents' path calls which is none of some."""
    agents = ("ArnLike", "aws:PrincipalArn", (names.names.agent_principals,))
    return (agents, ("ArnNotEquals", "aws:PrincipalArn", builders)) if builders else (agents,)


def _builds(names: WorkflowNames, builders: tuple[str, ...]) -> tuple[Statement, ...]:
    """Return what stays closed to the execution roles that apply plans: all but what S3 decrypts for them."""
    if not builders:
        return ()
    who, bucket = ("ArnEquals", "aws:PrincipalArn", builders), f"arn:{PARTITION}:s3:::{names.bucket}"
    return (
        Statement(
            "ApprovalDataKeyBuilds",
            "Deny",
            not_actions=("kms:Decrypt",),
            resources=("*",),
            principals=(("*", "*"),),
            conditions=(who,),
            reason="a build reads what was approved, and encrypts nothing",
        ),
        Statement(
            "ApprovalDataKeyBuildsPlans",
            "Deny",
            ("kms:Decrypt",),
            resources=("*",),
            principals=(("*", "*"),),
            # The context of an object says the bucket; that of a table says another.
            conditions=(who, ("StringNotEquals", "kms:EncryptionContext:aws:s3:arn", (bucket,))),
            reason="a build reads objects of the evidence bucket, whose policy says which, and no table",
        ),
    )


def _owner(sid: str, names: WorkflowNames, builders: tuple[str, ...] = ()) -> tuple[Statement, ...]:
    return (
        Statement(
            f"{sid}Account",
            "Allow",
            ("kms:*",),
            resources=("*",),
            principals=(("AWS", f"arn:{PARTITION}:iam::{ACCOUNT}:root"),),
            reason="the account's own policies decide, so that the key never gets lost",
        ),
        Statement(
            f"{sid}NoAgent",
            "Deny",
            ("kms:*",),
            resources=("*",),
            principals=(("*", "*"),),
            conditions=but_for(names, builders),
            reason="no agent reads, signs or changes what it is approved by",
        ),
    )
