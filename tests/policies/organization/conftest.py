from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from sudo_mcp_guardrails.iam import Layers, PolicyDocument, Statement, evaluate
from sudo_mcp_guardrails.iam.request import Request
from sudo_mcp_guardrails.policies.bundle import FULL_ACCESS
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.policies.organization.guardrail import PolicyKind

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam import Decision
    from sudo_mcp_guardrails.policies.scenario import Scenario

VALUES = {"Partition": "aws", "AccountId": "111111111111", "Region": "us-east-1"}
_ANYTHING = Statement("Anything", "Allow", actions=("*",), resources=("*",), principals=(("*", "*"),))
OPEN = PolicyDocument("open", (_ANYTHING,))
"""The RCP that AWS attaches everywhere; also the resource policy of whoever shares with everybody."""


class Decide(Protocol):
    def __call__(self, asked: Scenario | Request, document: PolicyDocument, kind: PolicyKind) -> Decision: ...


@pytest.fixture(scope="session")
def decide() -> Decide:
    """Decide a request, or a scenario's, by one document, everything around it allowing everything."""

    def decide(asked: Scenario | Request, document: PolicyDocument, kind: PolicyKind) -> Decision:
        if isinstance(asked, Request):
            request = asked
        else:
            request = asked.request(agent="a", prefix="a-", names=GuardrailNames(), values=VALUES)
        document = document.resolve(VALUES)
        if kind is PolicyKind.SCP:
            trust = None if request.principal.is_root else OPEN
            layers = Layers(identity=(FULL_ACCESS,), resource=trust, scps=((FULL_ACCESS, document),))
        else:
            layers = Layers(identity=(FULL_ACCESS,), resource=OPEN, rcps=((OPEN, document),))
        return evaluate(request, layers)

    return decide
