"""Read a policy of trust from the JSON that it is written as."""

from __future__ import annotations

from typing import Any

from sudo_mcp_guardrails.agents import RiskClass, TrustTier
from sudo_mcp_guardrails.approval.errors import TrustError
from sudo_mcp_guardrails.approval.trust_ledger.policy import Budget, Handling, Step, TrustPolicy

_OBJECTS = ("table", "steps", "budgets")


def read_trust_policy(document: object) -> TrustPolicy:
    """Return the policy that a document holds.

    Args:
        document: what :meth:`~sudo_mcp_guardrails.approval.trust_ledger.policy.TrustPolicy.document` wrote.

    Raises:
        TrustError: it is no such document, or one of a policy that is not allowed.
    """
    try:
        found = _read(document)
        same = found.document() == document
    except TrustError:
        raise
    except (ArithmeticError, AttributeError, KeyError, LookupError, TypeError, ValueError) as error:
        raise TrustError(f"the policy of trust cannot be read: {error!r}") from None
    if not same:
        raise TrustError("the policy of trust has other fields than a policy has")
    return found


def _read(document: Any) -> TrustPolicy:  # noqa: ANN401 - JSON
    numbers = {name: value for name, value in document.items() if name not in _OBJECTS}
    steps: dict[tuple[RiskClass, TrustTier], Step] = {}
    for name, (days, rate, approvers) in document["steps"].items():
        risk, tier = name.split(" ")
        steps[RiskClass(risk), TrustTier(tier)] = Step(days, rate, approvers)
    return TrustPolicy(
        table={
            TrustTier(tier): {RiskClass(risk): Handling(each) for risk, each in row.items()}
            for tier, row in document["table"].items()
        },
        steps=steps,
        budgets={
            TrustTier(tier): tuple(Budget(*numbers) for numbers in budgets)
            for tier, budgets in document["budgets"].items()
        },
        **numbers,
    )
