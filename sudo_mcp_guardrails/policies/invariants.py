"""What an agent must never do, beside the known escalation paths: properties of the same form.

Each is a statement used as a question. It is asked of every role of every agent; see
:mod:`sudo_mcp_guardrails.iam.properties` for what blocked, contained and strict mean.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.agents import Capability, SensitiveRead
from sudo_mcp_guardrails.iam.action_sets import members, named, writing
from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.iam.properties import Property
from sudo_mcp_guardrails.policies.approvals import approval_properties, builds, intakes
from sudo_mcp_guardrails.policies.boundary.approved import CONTROL
from sudo_mcp_guardrails.policies.boundary.reach import REACHING
from sudo_mcp_guardrails.policies.boundary.regions import GLOBAL, GLOBAL_SERVICES
from sudo_mcp_guardrails.policies.capabilities.build import DECRYPTS
from sudo_mcp_guardrails.policies.capabilities.execution import ROLE_CHANGES
from sudo_mcp_guardrails.policies.reads import read_properties
from sudo_mcp_guardrails.policies.scope import SERVICE_PRINCIPALS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.iam.documents import Conditions
    from sudo_mcp_guardrails.iam.properties import Subject

_READERS: Final = frozenset({"read", "plan"})

# Writing actions of services that watch; an agent owns none of their resources.
_TRAIL: Final = (
    *("access-analyzer:*", "auditmanager:*", "cloudtrail:*", "config:*", "detective:*", "fms:*", "guardduty:*"),
    *("inspector2:*", "macie2:*", "observabilityadmin:*", "oam:*", "securityhub:*", "securitylake:*"),
    *("ec2:DeleteFlowLogs", "logs:DeleteAccountPolicy", "s3:PutAccountPublicAccessBlock"),
)
_ORGANIZATION: Final = ("organizations:*", "account:*", "controltower:*", "ram:*")
_APPROVERS: Final = (
    *("sso:*", "sso-directory:*", "identitystore:*", "mpa:*", "identity-sync:*"),
    *("states:SendTaskSuccess", "states:SendTaskFailure", "states:SendTaskHeartbeat"),
)
_SESSIONS: Final = (
    *("sts:AssumeRole", "sts:AssumeRoot", "sts:GetFederationToken", "sts:GetScopedCredentials"),
    *("sts:GetSessionToken", "sts:GetWebIdentityToken", "sts:SetSourceIdentity", "sts:TagSession"),
)
_HOOKS: Final = (
    *("cloudformation:ActivateType", "cloudformation:BatchDescribeTypeConfigurations"),
    *("cloudformation:DeactivateType", "cloudformation:DeregisterType", "cloudformation:PublishType"),
    *("cloudformation:RegisterPublisher", "cloudformation:RegisterType", "cloudformation:SetTypeConfiguration"),
    *("cloudformation:SetTypeDefaultVersion", "cloudformation:TestType"),
)
_KEYS: Final = (
    *("iam:CreateAccessKey", "iam:UpdateAccessKey", "iam:CreateLoginProfile", "iam:UpdateLoginProfile"),
    *("iam:CreateServiceSpecificCredential", "iam:ResetServiceSpecificCredential"),
    *("iam:UploadSigningCertificate", "iam:UploadSSHPublicKey", "iam:CreateUser", "iam:CreateVirtualMFADevice"),
)
_GUARDRAIL_ARNS: Final = (
    *(("lambda", "function:"), ("states", "stateMachine:"), ("dynamodb", "table/"), ("sns", ""), ("sqs", "")),
    *(("events", "rule/"), ("es", "domain/"), ("logs", "log-group:/aws/lambda/"), ("cloudformation", "stack/")),
)
"""(service, beginning of the last part) of what guardrails are made of, whose names begin with their prefix."""
_BOUNDED: Final = ("iam:CreateRole", "iam:PutRolePermissionsBoundary")


def invariants(subject: Subject, *, prefix: str, boundary: str) -> Iterator[Property]:
    """Yield what must never be possible for a role.

    Args:
        subject: The role.
        prefix: Name prefix of the guardrails' own resources.
        boundary: ARN of the agent's boundary.
    """
    yield _asks("trail", "stops, changes or blinds what records and watches", _changing(_TRAIL), strict=True)
    yield _asks("organization", "leaves or changes the organization", _changing(_ORGANIZATION), strict=True)
    yield _asks("approvers", "changes who may approve, or approves", _changing(_APPROVERS), strict=True)
    yield _asks("sessions", "makes a session of its own, or one that outlives the broker's", _SESSIONS, strict=True)
    yield _asks("hooks", "changes the hooks that check what is deployed", _changing(_HOOKS), strict=True)
    yield _asks("long-term-keys", "makes a credential that does not expire", _KEYS, strict=True)
    reaching = tuple(pattern for patterns in REACHING.values() for pattern in patterns)
    yield _asks("reach", "acts through something of its own on what is not its own", _changing(reaching), strict=True)
    yield _guardrails(subject, prefix)
    yield _asks(
        "tier",
        "changes the tags of an agent's role, and so its tier",
        ("iam:TagRole", "iam:UntagRole", "iam:TagPolicy", "iam:UntagPolicy"),
        resources=(f"arn:*:iam::*:role/{prefix}/*", f"arn:*:iam::*:policy/{prefix}/*"),
        not_resources=_workloads(subject),
        strict=True,
    )
    # What may be called of the function that takes plans is asked apart.
    intake = intakes(subject, prefix)
    applies = subject.capability == Capability.APPLY.value
    yield _asks(
        "changes",
        "changes what is not its own",
        changing=True,
        # Of builds is asked apart too. What Cloud Control changes, it changes as the role that is passed or as its
        # caller: of both the same is asked.
        besides=CONTROL if applies else DECRYPTS if subject.uses else (),
        not_resources=(*subject.own, *intake, *(builds(subject, prefix) if applies else ())),
    )
    yield _asks(
        "pass-role",
        "passes a role that is not its own",
        ("iam:PassRole",),
        not_resources=(*_workloads(subject), *subject.passable),
        strict=True,
    )
    if subject.uses:
        yield _asks(
            "build-keys",
            "uses a key otherwise than S3 does for objects that it may read and write",
            DECRYPTS,
            not_resources=_keys(subject),
            conditions=(("StringNotLike", "kms:ViaService", ("s3.*.amazonaws.com*",)),),
            strict=True,
        )
    yield from _roles(subject, prefix, boundary)
    yield from _deployments(subject, intake)
    yield from approval_properties(subject, prefix)
    if subject.regions:
        yield _regions(subject)
    # The ARN of a bucket names no account. All others carry one, and what is not its own it does not change anyway.
    anywhere = tuple(pattern for pattern in subject.own if not pattern.split(":", 5)[4].isdigit())
    if subject.accounts and anywhere:
        yield _asks(
            "environments",
            "uses a bucket of the right name in an account that is none of its environments'",
            ("s3:*",),
            resources=anywhere,
            conditions=(
                ("StringNotEquals", "aws:ResourceAccount", subject.accounts),
                ("Null", "aws:ResourceAccount", ("false",)),
            ),
            strict=True,
        )
    # How a build uses keys is asked apart.
    kept = DECRYPTS if subject.uses else ()
    yield from read_properties(subject, shown=builds(subject, prefix) if applies else (), besides=kept)


@cache
def _changing(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Return the actions that change something among those that patterns cover, but for passing a role."""
    return members(named(patterns) & writing() & ~named(("iam:PassRole",)))


def _roles(subject: Subject, prefix: str, boundary: str) -> Iterator[Property]:
    """Yield the properties that every role it can make or pass is bounded, and goes where it belongs."""
    iam = f"arn:{subject.facts.partition}:iam::{subject.facts.principal.account}"
    yield _asks(
        "bounded-roles",
        "makes a role without its own boundary",
        _BOUNDED,
        conditions=(("StringNotEquals", "iam:PermissionsBoundary", (boundary,)),),
        strict=True,
    )
    yield _asks(
        "role-policies",
        "changes what a role may do that has no agent's boundary",
        ROLE_CHANGES,
        conditions=(("ArnNotLike", "iam:PermissionsBoundary", (f"{iam}:policy/{prefix}/boundary/{prefix}-agent-*",)),),
        strict=True,
    )
    yield _asks(
        "roles",
        "changes identities other than the roles of agents' resources",
        _changing(("iam:*",)),
        not_resources=(f"{iam}:role/{prefix}/agents/*/workloads/*",),
        strict=True,
    )
    yield _asks("boundary-removed", "takes a boundary away", ("iam:DeleteRolePermissionsBoundary",), strict=True)
    if subject.passable:
        yield _asks(
            "pass-execution-role",
            "passes the execution role to something else than CloudFormation",
            ("iam:PassRole",),
            resources=subject.passable,
            conditions=(("StringNotEquals", "iam:PassedToService", ("cloudformation.amazonaws.com",)),),
            strict=True,
        )
    if subject.services and _workloads(subject):
        principals = {p for service in subject.services for p in SERVICE_PRINCIPALS.get(service, ())}
        yield _asks(
            "pass-workload-role",
            "passes a role of its resources to a service that it does not hold",
            ("iam:PassRole",),
            resources=_workloads(subject),
            conditions=(("StringNotEquals", "iam:PassedToService", tuple(sorted(principals)) or ("none",)),),
            strict=True,
        )


def _deployments(subject: Subject, intake: tuple[str, ...]) -> Iterator[Property]:
    """Yield the properties of who may change anything, and deploy."""
    if subject.capability in _READERS:
        step = Statement(
            "Readers",
            "Allow",
            not_actions=("iam:PassRole", "cloudformation:CreateChangeSet"),
            resources=("*",),
            not_resources=intake,
        )
        title = "changes anything but a change set that it prepares"
        yield Property("invariant/readers", title, (step,), kind="invariant", strict=True, changing=True)
    if subject.capability == "workload":
        deploys = ("cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet", "iam:PassRole")
        yield _asks("workloads-deploy", "deploys though nobody approved it", deploys, strict=True)
    if subject.passable:
        yield _asks(
            "change-set-role",
            "prepares a change that another role than its own carries out",
            ("cloudformation:CreateChangeSet",),
            conditions=(("StringNotEquals", "cloudformation:RoleArn", subject.passable),),
            strict=True,
        )
    if subject.accounts and subject.capability != "execution":
        step = Statement("Accounts", "Allow", not_actions=("sts:GetCallerIdentity",), resources=("*",))
        title = "does anything in an account that none of its environments names"
        yield Property("invariant/accounts", title, (step,), kind="invariant", strict=True, elsewhere=True)


def _guardrails(subject: Subject, prefix: str) -> Property:
    """Return the property that nothing of the guardrails' own is changed: roles, policies, functions, logs, ledger."""
    partition, account = subject.facts.partition, subject.facts.principal.account
    named = (
        *(f"iam::{account}:{kind}/{prefix}/*" for kind in ("role", "policy")),
        *(f"{kind}:*:{account}:{rest}{prefix}-*" for kind, rest in _GUARDRAIL_ARNS),
        f"s3:::{prefix}-*",
    )
    return _asks(
        "guardrails",
        "changes the guardrails, their ledger or another agent's roles",
        changing=True,
        resources=tuple(f"arn:{partition}:{rest}" for rest in named),
        not_resources=(*_workloads(subject), *intakes(subject, prefix)),
        strict=True,
    )


def _keys(subject: Subject) -> tuple[str, ...]:
    """Return the patterns of the agent's own keys, where it opted into what they encrypt."""
    return (
        tuple(p for p in subject.own if ":key/" in p) if SensitiveRead.SECRET.value in subject.sensitive_reads else ()
    )


def _workloads(subject: Subject) -> tuple[str, ...]:
    """Return the patterns of the roles that the agent's own resources may carry."""
    return tuple(pattern for pattern in subject.own if ":role/" in pattern)


def _regions(subject: Subject) -> Property:
    """Return the property that nothing happens in another Region, but for what AWS serves from one for all."""
    everywhere = ("iam:*", *GLOBAL, *(f"{service}:*" for service in sorted(GLOBAL_SERVICES)))
    step = Statement(
        "Regions",
        "Allow",
        not_actions=everywhere,
        resources=("*",),
        conditions=(
            ("StringNotEquals", "aws:RequestedRegion", subject.regions),
            ("Null", "aws:RequestedRegion", ("false",)),
        ),
    )
    title = f"acts in a Region it was not given, services without Regions and {', '.join(GLOBAL[1:])} aside"
    return Property("invariant/regions", title, (step,), kind="invariant", strict=True)


def _asks(
    name: str,
    title: str,
    actions: tuple[str, ...] = (),
    *,
    resources: tuple[str, ...] = ("*",),
    not_resources: tuple[str, ...] = (),
    conditions: Conditions = (),
    besides: tuple[str, ...] = (),
    changing: bool = False,
    strict: bool = False,
) -> Property:
    """Return a property of one step; without actions about all but these, and passing a role, which is asked apart."""
    step = Statement(
        sid="".join(word.capitalize() for word in name.split("-")),
        effect="Allow",
        actions=actions,
        not_actions=() if actions else ("iam:PassRole", *besides),
        resources=resources,
        not_resources=not_resources,
        conditions=conditions,
    )
    return Property(f"invariant/{name}", title, (step,), kind="invariant", strict=strict, changing=changing)
