"""The workflow's functions, from one asset, each with what it is told and what it may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import aws_cdk as cdk

from sudo_mcp_guardrails.constructs.approval import function_statements as may
from sudo_mcp_guardrails.constructs.approval.api import MFA_SECONDS
from sudo_mcp_guardrails.constructs.approval.function import ApprovalFunction, FunctionSpec
from sudo_mcp_guardrails.constructs.statements import tokens

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from constructs import Construct

    from sudo_mcp_guardrails.constructs.approval.identity import ApprovalDirectory, ApprovalIdentity
    from sudo_mcp_guardrails.constructs.approval.names import WorkflowNames
    from sudo_mcp_guardrails.constructs.approval.statements import WorkflowResources
    from sudo_mcp_guardrails.constructs.kill_switch import KillSwitch
    from sudo_mcp_guardrails.iam.documents import Statement

_MINUTE: Final = 60


@dataclass(frozen=True)
class Told:
    """What the functions are told by variables.

    Args:
        tables: Names of tables by variable.
        bucket: Name of the evidence bucket.
        resources: ARNs.
        page_url: Address of the page.
        identity: Who signs people in.
        directories: Who says which groups they are in.
        security_groups: Who speaks for security in what is trusted.
        iam_users: Whether IAM users approve.
        scanner: ARN of the scanner; empty for none.
        heads_bucket: Name, ARN and key ARN of the second account's bucket; None for none.
        store: What heads call this workflow.
        kill_switch: Whom the intake and the broker refuse; None for nobody.
    """

    tables: Mapping[str, str]
    bucket: str
    resources: WorkflowResources
    page_url: str
    identity: ApprovalIdentity
    directories: Sequence[ApprovalDirectory]
    security_groups: Sequence[str]
    iam_users: bool
    scanner: str
    heads_bucket: tuple[str, str, str | None] | None
    store: str
    kill_switch: KillSwitch | None = None


def make_functions(scope: Construct, told: Told, names: WorkflowNames, **shared: Any) -> dict[str, ApprovalFunction]:  # noqa: ANN401 - handed on
    """Make the functions.

    Args:
        scope: Where.
        told: What they are told.
        names: Of the workflow.
        **shared: Of :class:`ApprovalFunction`.

    Returns:
        The functions by the ends of their names; ``heads`` only where there is a second account's bucket.
    """
    return {spec.name: ApprovalFunction(scope, spec, names=names, **shared) for spec in specs(told, names)}


def specs(told: Told, names: WorkflowNames) -> list[FunctionSpec]:
    """Return what each function is."""
    r, t = told.resources, told.tables
    chains = {
        "EVIDENCE_TABLE": t["EVIDENCE_TABLE"],
        "EVIDENCE_BUCKET": told.bucket,
        "EVIDENCE_KEY": r.evidence_key,
        "DECISION_KEY": r.decision_key,
        **({"TRUST_TABLE": t["TRUST_TABLE"], "TRUST_KEY": r.trust_key} if r.trust else {}),
        **_filled(RESPONDER_KEY=r.responder_key),
    }
    where = {"PREFIX": names.names.prefix, "PARTITION": cdk.Aws.PARTITION, "ACCOUNT": cdk.Aws.ACCOUNT_ID}
    listed = {"APPROVALS_TABLE": t["APPROVALS_TABLE"]}
    page = {"PAGE_URL": told.page_url}
    scan = {"SCANNER": told.scanner} if told.scanner else {}
    machine = {"STATE_MACHINE": tokens(names.machine_arn)}
    switch = {"KILL_SWITCH_TABLE": told.kill_switch.table_name} if told.kill_switch else {}

    def stopped(of: str) -> tuple[Statement, ...]:
        return told.kill_switch.reading(f"Approval{of}") if told.kill_switch else ()

    found = [
        FunctionSpec(
            "intake",
            "Takes in what agents propose",
            _MINUTE,
            1024,
            [*may.intake(r), *stopped("Intake")],
            {**chains, **where, **listed, **page, **machine, **switch, "RUNS_TABLE": t["RUNS_TABLE"]},
        ),
        FunctionSpec(
            "classify", "Tells the risk of a plan", 5 * _MINUTE, 2048, may.classify(r), {**chains, **listed, **scan}
        ),
        FunctionSpec("recheck", "Looks at an approval again", 2 * _MINUTE, 1024, may.recheck(r), {**chains, **listed}),
        FunctionSpec(
            "record", "Records what came of an approval", 2 * _MINUTE, 1024, may.record(r), {**chains, **listed}
        ),
        FunctionSpec(
            "broker",
            "Carries out what was approved, and nothing else",
            15 * _MINUTE,
            2048,
            [*may.broker(r), *stopped("Broker")],
            {**chains, **where, **listed, **switch},
        ),
        FunctionSpec(
            "api",
            "The approval page and its API",
            29,
            1024,
            may.api(r, [each.statement(index) for index, each in enumerate(told.directories)]),
            {
                **chains,
                **where,
                **listed,
                **page,
                **machine,
                "TOKENS_TABLE": t["TOKENS_TABLE"],
                "CREDENTIALS_TABLE": t["CREDENTIALS_TABLE"],
                "RUNS_TABLE": t["RUNS_TABLE"],
                "ISSUER": told.identity.issuer,
                "AUDIENCE": told.identity.audience,
                "DIRECTORY": ",".join(each.text for each in told.directories),
                **_filled(
                    AUTHORIZE_URL=told.identity.authorize_url,
                    TOKEN_URL=told.identity.token_url,
                    SECURITY_GROUPS=",".join(told.security_groups),
                ),
                **({"MFA_SECONDS": str(MFA_SECONDS)} if told.iam_users else {}),
            },
        ),
    ]
    if told.heads_bucket is not None:
        name, arn, key = told.heads_bucket
        found.append(
            FunctionSpec(
                "heads",
                "Publishes the heads of all chains to a second account",
                15 * _MINUTE,
                1024,
                may.heads(r, arn, key),
                {**chains, "HEADS_BUCKET": name, "STORE": told.store},
            )
        )
    return found


def _filled(**variables: str) -> dict[str, str]:
    """Return the variables that have a value."""
    return {name: value for name, value in variables.items() if value}
