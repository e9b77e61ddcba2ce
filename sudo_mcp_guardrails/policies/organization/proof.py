"""What the organization's policies prove by themselves: of a new agent role, and of everybody else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.classes import values
from sudo_mcp_guardrails.iam.facts import Facts
from sudo_mcp_guardrails.iam.layers import Layers
from sudo_mcp_guardrails.iam.matching import arn_glob
from sudo_mcp_guardrails.iam.properties import Subject
from sudo_mcp_guardrails.iam.prove import Prover
from sudo_mcp_guardrails.iam.request import Principal
from sudo_mcp_guardrails.iam.verdict import Verdict
from sudo_mcp_guardrails.policies.bundle import FULL_ACCESS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
    from sudo_mcp_guardrails.policies.naming import GuardrailNames

NEW_AGENT: Final = "new-agent"
"""An agent of which the guardrails know nothing but where its roles lie."""
KINDS: Final = ("read", "plan", "apply", "other")
"""Roles of an agent that nobody but the broker assumes; what CloudFormation assumes is held by its own boundary."""
_PARTITION: Final = "aws"
_KEY: Final = "aws:PrincipalArn"
_SOMEBODY: Final = f"arn:{_PARTITION}:iam::111111111111:role/somebody"
_ARN_OPERATORS: Final = ("arnequals", "arnlike", "arnnotequals", "arnnotlike")


def new_agents(
    scps: Sequence[PolicyDocument], names: GuardrailNames, *, account: str = "111111111111", partition: str = "aws"
) -> Iterator[Subject]:
    """Yield the roles of a new agent that holds AdministratorAccess, has no boundary, and is under these SCPs alone.

    Args:
        scps: The SCPs, all of one level, with pseudo parameters.
        names: Names of the guardrails' own resources.
        account: Where the roles are.
        partition: Of all ARNs.
    """
    pseudo = {"Partition": partition, "AccountId": account, "Region": "us-east-1"}
    layers = Layers(identity=(FULL_ACCESS,), scps=((FULL_ACCESS, *(scp.resolve(pseudo) for scp in scps)),))
    for kind in KINDS:
        path = f"{names.role_path(NEW_AGENT)}{names.role_name(NEW_AGENT, kind)}"
        principal = Principal(f"arn:{partition}:iam::{account}:role{path}", session="run")
        yield Subject(NEW_AGENT, kind, layers, Facts(principal, partition=partition), source="organization")


def lost_by_others(scps: Sequence[PolicyDocument], names: GuardrailNames) -> tuple[str, ...]:
    """Say what somebody who is no agent may no longer do under SCPs: nothing, where it is empty.

    Decided for one principal of each class that the SCPs tell apart, so that it holds for everybody. Service
    principals and service-linked roles are bound by no SCP.

    Args:
        scps: The SCPs, with pseudo parameters resolved.
        names: Names of the guardrails' own resources.
    """
    statements = [s for scp in scps for s in scp.statements if s.effect == "Deny"]
    somebody = Principal(_SOMEBODY, session="s")
    found = []
    for arn in _strangers(statements, names):
        facts = Facts(somebody, known={_KEY: (arn,)}, resource_policies="none")
        prover = Prover(Layers(identity=(FULL_ACCESS,)), facts)
        for statement in statements:
            # The Deny as a question: is there a request of this principal that it is about?
            proof = prover.prove((replace(statement, effect="Allow"),))
            if proof.verdict is not Verdict.PROVED:
                found.append(f"{statement.sid} may bind {arn}: {proof.reason}")
    return tuple(found)


def _strangers(statements: Sequence[Statement], names: GuardrailNames) -> Iterator[str]:
    """Yield one principal, on no agents' path, for each way in which the statements can tell principals apart."""
    agents = arn_glob(names.agent_principals)
    patterns = {
        value
        for statement in statements
        for operator, key, wanted in statement.conditions
        if key.lower() == _KEY.lower() and operator.lower() in _ARN_OPERATORS
        for value in wanted
    }
    yield _SOMEBODY
    for text in values(frozenset(("arn", pattern) for pattern in patterns)):
        if any(arn_glob(pattern)(text) for pattern in patterns) and not agents(text):
            yield text
