"""What the functions of the kill switch may do, beside what :mod:`~..policies.containment.responders` says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sudo_mcp_guardrails.approval.store.kms import ALGORITHM, MESSAGE_TYPE
from sudo_mcp_guardrails.constructs.approval.statements import allow
from sudo_mcp_guardrails.policies.containment.names import organization_response_name, response_path
from sudo_mcp_guardrails.policies.containment.responders import responder_policy
from sudo_mcp_guardrails.policies.naming import PARTITION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.constructs.response.names import ResponseNames
    from sudo_mcp_guardrails.constructs.response.stores import KillSwitchStores
    from sudo_mcp_guardrails.iam.documents import Statement


def responder(
    stores: KillSwitchStores, names: ResponseNames, accounts: Sequence[str], organization: str
) -> list[Statement]:
    """Return what the function may do that contains: become response roles, throw the switch, record, and look.

    Args:
        stores: Of the kill switch.
        names: Of the kill switch.
        accounts: Where agents work.
        organization: The account that attaches SCPs; empty for none.
    """
    found = [
        *responder_policy(names.names, accounts).statements,
        allow(
            "ContainmentEvidence",
            ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"),
            (stores.evidence.attr_arn,),
            "appends to the chains of evidence, each record where none is yet",
        ),
        allow(
            "ContainmentSign",
            ("kms:Sign",),
            (stores.signing_key.attr_arn,),
            "signs what it records",
            (
                ("StringEquals", "kms:MessageType", (MESSAGE_TYPE,)),
                ("StringEquals", "kms:SigningAlgorithm", (ALGORITHM,)),
            ),
        ),
        allow(
            "ContainmentData",
            ("kms:Decrypt", "kms:GenerateDataKey"),
            (stores.data_key.key_arn,),
            "tables and bucket are encrypted",
        ),
        *(
            ()
            if stores.decisions_key is None
            else (
                allow(
                    "ContainmentKeys",
                    ("kms:GetPublicKey",),
                    (stores.signing_key.attr_arn, stores.decisions_key.attr_arn),
                    "checks what two people stated",
                ),
            )
        ),
        allow("ContainmentLookup", ("cloudtrail:LookupEvents",), ("*",), "looks at what the contained did since"),
    ]
    if organization:
        role = organization_response_name(names.names)
        found.append(
            allow(
                "ContainmentOrganization",
                ("sts:AssumeRole",),
                (f"arn:{PARTITION}:iam::{organization}:role{response_path(names.names)}{role}",),
                "attaches SCPs",
            )
        )
    return found


def decisions(stores: KillSwitchStores, names: ResponseNames, key: str) -> list[Statement]:
    """Return what the function may do that two people ask: record what they state, and start the state machine.

    Args:
        stores: Of the kill switch.
        names: Of the kill switch.
        key: ARN of the key that signs what they state.
    """
    return [
        allow(
            "ContainmentDecisionsEvidence",
            ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query"),
            (stores.evidence.attr_arn,),
            "reads chains and appends to them, each record where none is yet",
        ),
        allow(
            "ContainmentDecisionsCopies",
            ("s3:PutObject",),
            (f"{stores.records.attr_arn}/records/containment/*",),
            "copies what it recorded, under names of targets",
        ),
        allow(
            "ContainmentDecisionsSign",
            ("kms:Sign",),
            (key,),
            "signs what people state",
            (
                ("StringEquals", "kms:MessageType", (MESSAGE_TYPE,)),
                ("StringEquals", "kms:SigningAlgorithm", (ALGORITHM,)),
            ),
        ),
        allow(
            "ContainmentDecisionsKeys",
            ("kms:GetPublicKey",),
            (stores.signing_key.attr_arn, key),
            "checks the chain before it appends",
        ),
        allow(
            "ContainmentDecisionsData",
            ("kms:Decrypt", "kms:GenerateDataKey"),
            (stores.data_key.key_arn,),
            "table and bucket are encrypted",
        ),
        allow(
            "ContainmentDecisionsStart", ("states:StartExecution",), (names.machine_arn,), "starts what two agreed on"
        ),
    ]


def intake(names: ResponseNames) -> list[Statement]:
    """Return what the function may do that people ask: start the state machine and see how far it is.

    Args:
        names: Of the kill switch.
    """
    execution = names.machine_arn.replace(":stateMachine:", ":execution:")
    return [
        allow("ContainmentStart", ("states:StartExecution",), (names.machine_arn,), "starts what people ask for"),
        allow("ContainmentSee", ("states:DescribeExecution",), (f"{execution}:*",), "tells how far it is"),
    ]
