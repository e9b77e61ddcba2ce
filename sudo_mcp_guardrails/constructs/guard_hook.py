"""A CloudFormation hook that fails what the Guard rules refuse, before anything is provisioned."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3_assets as assets
from constructs import Construct

from sudo_mcp_guardrails.constructs.guard_hook_checks import check_options, claim_alias
from sudo_mcp_guardrails.constructs.policy import GuardrailPolicy
from sudo_mcp_guardrails.constructs.rendering import policy_json
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.hooks import (
    FOR_EVERYONE,
    HOOK_RULES,
    HookRuleError,
    HookTarget,
    guard_text,
    known_rule,
)
from sudo_mcp_guardrails.policies.naming import GuardrailNames

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_s3 as s3

_ALIAS: Final = re.compile(r"(?!(?i:aws))[A-Za-z0-9]{2,64}(::[A-Za-z0-9]{2,64}){2}")
_MOST_ROLES: Final = 50
_WARNING: Final = "@sudo-mcp-guardrails/hook:"
_TRUST: Final = PolicyDocument(
    "trust of a hook",
    (
        Statement(
            "TrustHooks", "Allow", ("sts:AssumeRole",), principals=(("Service", "hooks.cloudformation.amazonaws.com"),)
        ),
    ),
)


@dataclass(frozen=True)
class RuleVersion:
    """One version of a rule file in a bucket with versions: what a hook reads, whatever is written there later.

    Args:
        bucket: The bucket. Only who answers for the guardrails should be able to write to it.
        key: Of the object, which ends in ``.guard``; its text is what
            :func:`~sudo_mcp_guardrails.policies.hooks.guard_text` returns.
        version_id: Of the object's version.

    Raises:
        HookRuleError: For a key of another form or no version.
    """

    bucket: s3.IBucket
    key: str
    version_id: str

    def __post_init__(self) -> None:
        """Validate."""
        if not self.key.endswith(".guard"):
            raise HookRuleError(f"rule file {self.key!r} is not allowed, expected a key that ends in .guard")
        if not self.version_id or self.version_id == "null":
            raise HookRuleError(
                f"rule file {self.key!r} has version {self.version_id!r}, expected one of a bucket with versions"
            )


class GuardHook(Construct):
    """A Guard Hook that is on and fails: AWS's defaults are off, and to warn.

    It runs before CloudFormation and the Cloud Control API create or update a resource, and on whole templates of
    stacks and change sets, so that a plan already fails. It does not run before a deletion, and never sees what is
    called directly, by an SDK: keep agents to change sets for that. What its own stack needs is in place before it.

    Creates a hook, a role and a policy, which cost nothing beside the requests for the rule file; CloudFormation may
    charge for hooks' handler operations, see its prices.

    Args:
        scope: The scope.
        id: The construct's id.
        rules: Ids of :data:`~sudo_mcp_guardrails.policies.hooks.HOOK_RULES`. Default: those that are fit for every
            stack; with ``stack_roles``, all.
        required_tags: Keys of tags for the rule ``missing-tags``. Default: ``owner`` and ``agent``.
        open_ports: Ports that the world may reach, for the rule ``open-security-groups``. Default: 443.
        stack_roles: Roles, or their ARNs, that stacks are deployed as, such as the agents' execution roles: the hook
            then runs for their stacks alone, and not for the Cloud Control API, where such a filter does not count.
            At most 50. Default: every stack. There is no prop to leave stacks out.
        rule_version: A version of a file that holds the same rules. Default: the rules are an asset of the app, whose
            name is the digest of its content, but which nothing keeps a writer of the bootstrap bucket from
            replacing; a warning says so.
        warn_only: Whether to let pass what fails, and warn, as to try rules out. Default: False; True is a warning.
        alias: Name of the hook's type, unique in an account and Region. Default: from the names' prefix and the id.
        names: Names of the guardrails' own resources.

    Raises:
        HookRuleError: For an unknown rule, tag, port or alias, too many roles, and an alias that another hook of the
            app has in the same account and Region. Where a stack does not say either, its own hooks alone are seen.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        rules: Sequence[str] | None = None,
        required_tags: Sequence[str] = ("owner", "agent"),
        open_ports: Sequence[int] = (443,),
        stack_roles: Sequence[iam.IRole | str] = (),
        rule_version: RuleVersion | None = None,
        warn_only: bool = False,
        alias: str | None = None,
        names: GuardrailNames | None = None,
    ) -> None:
        super().__init__(scope, id)
        names = names or GuardrailNames()
        if len(stack_roles) > _MOST_ROLES:
            raise HookRuleError(
                f"hook has {len(stack_roles)} stack roles, allowed are {_MOST_ROLES}: make several hooks"
            )
        chosen = tuple(rules) if rules is not None else tuple(HOOK_RULES) if stack_roles else FOR_EVERYONE
        check_options(required_tags, open_ports)
        text = guard_text(chosen, required_tags=required_tags, open_ports=open_ports)
        alias = alias or f"{_alphanumeric(names.prefix.title())}::Guard::{_alphanumeric(id)}"
        if not _ALIAS.fullmatch(alias):
            raise HookRuleError(
                f"hook alias {alias!r} is not allowed, expected Name::Name::Name, 2 to 64 characters each"
            )
        claim_alias(self, alias)
        self.rules: tuple[str, ...] = chosen
        """Ids of the rules."""
        self._warn(chosen, filtered=bool(stack_roles), pinned=rule_version is not None, warn_only=warn_only)
        bucket, key, version = self._location(text, rule_version)
        policy = GuardrailPolicy(
            self,
            "Policy",
            document=_reader(bucket, key),
            path=names.policy_path,
            description="Lets a CloudFormation hook read its rules",
        )
        self.role: iam.CfnRole = iam.CfnRole(
            self,
            "Role",
            path=f"/{names.prefix}/hooks/",
            description="Reads the rules of a CloudFormation hook",
            assume_role_policy_document=policy_json(_TRUST),
            managed_policy_arns=[policy.policy_arn],
        )
        """The role by which the hook reads its rules, and nothing else."""
        self.hook: cdk.CfnGuardHook = cdk.CfnGuardHook(
            self,
            "Resource",
            alias=alias,
            execution_role=self.role.attr_arn,
            failure_mode="WARN" if warn_only else "FAIL",
            hook_status="ENABLED",
            rule_location=cdk.CfnGuardHook.S3LocationProperty(
                uri=f"s3://{bucket.bucket_name}/{key}", version_id=version
            ),
            target_operations=_operations(chosen, filtered=bool(stack_roles)),
            stack_filters=_only(stack_roles) if stack_roles else None,
        )
        """The hook."""
        # The CDK's type of it asks for one resource type for each action. Deletions are left out: what is refused must
        # still be possible to remove.
        self.hook.add_property_override("TargetFilters", {"Actions": ["CREATE", "UPDATE"]})

    def _location(self, text: str, given: RuleVersion | None) -> tuple[s3.IBucket, str, str | None]:
        if given is not None:
            return given.bucket, given.key, given.version_id
        with TemporaryDirectory() as directory:
            path = Path(directory) / "rules.guard"
            path.write_text(text, encoding="utf-8", newline="\n")
            asset = assets.Asset(self, "Rules", path=str(path))
        return asset.bucket, asset.s3_object_key, None

    def _warn(self, rules: Sequence[str], *, filtered: bool, pinned: bool, warn_only: bool) -> None:
        annotations = cdk.Annotations.of(self)
        if not pinned:
            annotations.add_warning_v2(
                f"{_WARNING}unpinned",
                "the hook's rules are an asset, which a writer of the bootstrap bucket may replace: give rule_version",
            )
        if warn_only:
            annotations.add_warning_v2(f"{_WARNING}warn-only", "the hook lets pass what its rules refuse")
        agents_only = [rule for rule in rules if known_rule(rule).agents_only]
        if agents_only and not filtered:
            annotations.add_warning_v2(
                f"{_WARNING}every-stack",
                f"rules {', '.join(agents_only)} are meant for agents and hold for every stack: give stack_roles",
            )


def _operations(rules: Sequence[str], *, filtered: bool) -> list[str]:
    """Return the operations that show what rules look at; without Cloud Control, where no stack filter counts.

    Source: CloudFormation Hooks user guide, "CloudFormation Hooks stack level filters".
    """
    wanted = {target for rule in rules for target in known_rule(rule).targets}
    if filtered:
        wanted -= {HookTarget.CLOUD_CONTROL}
    return [target.value for target in HookTarget if target in wanted]


def _only(roles: Sequence[iam.IRole | str]) -> cdk.CfnGuardHook.StackFiltersProperty:
    arns = [role if isinstance(role, str) else role.role_arn for role in roles]
    return cdk.CfnGuardHook.StackFiltersProperty(
        filtering_criteria="ALL", stack_roles=cdk.CfnGuardHook.StackRolesProperty(include=arns)
    )


def _reader(bucket: s3.IBucket, key: str) -> PolicyDocument:
    """Return the policy by which a hook reads its rules.

    Source: CloudFormation Hooks user guide, "Prepare to create a Guard Hook"; narrowed to the one object.
    """
    statements = [
        Statement(
            "HookReadRules",
            "Allow",
            ("s3:GetObject", "s3:GetObjectVersion"),
            resources=(bucket.arn_for_objects(key),),
            reason="the hook reads its rules each time it runs",
        ),
        Statement(
            "HookListRules",
            "Allow",
            ("s3:ListBucket",),
            resources=(bucket.bucket_arn,),
            reason="S3 says whether an object is missing only to those who may list",
        ),
    ]
    if bucket.encryption_key is not None:
        statements.append(
            Statement(
                "HookDecryptRules",
                "Allow",
                ("kms:Decrypt",),
                resources=(bucket.encryption_key.key_arn,),
                reason="the bucket of the rules is encrypted with this key",
            )
        )
    return PolicyDocument("rules of a hook", tuple(statements))


def _alphanumeric(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", text)
