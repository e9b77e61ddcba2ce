"""Lint one policy document: what is there and does nothing, or does something else than it says.

A lint looks at one document and at its words. What the document means together with others is for the prover.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.lint_rules import actions, conditions, elements, mcp
from sudo_mcp_guardrails.iam.lint_rules.rule import Kind, Rule, Severity

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.documents import PolicyDocument

__all__ = ["RULES", "Finding", "Kind", "Rule", "Severity", "guess_kind", "lint"]

RULES: Final[dict[str, Rule]] = {
    rule.id: rule for module in (mcp, conditions, elements, actions) for rule in module.RULES
}
"""All rules by id."""


@dataclass(frozen=True)
class Finding:
    """What a rule found.

    Args:
        rule: Id of the rule.
        place: JSON path in the document, such as ``Statement[3].Condition.Bool``; empty for the whole document.
        sid: Sid of the statement; empty for the whole document.
        message: What is wrong and what is expected.
        severity: How bad it is.
    """

    rule: str
    place: str
    sid: str
    message: str
    severity: Severity


def lint(document: PolicyDocument, kind: Kind = Kind.IDENTITY) -> tuple[Finding, ...]:
    """Return all findings in a document, in the order of its statements, what concerns all of it first.

    Args:
        document: The document.
        kind: What it is attached to.

    Raises:
        PolicyError: For a condition operator that IAM does not have.
    """
    found = [
        Finding(rule.id, hit.place, hit.sid, hit.message, rule.severity)
        for rule in RULES.values()
        for hit in rule.check(document, kind)
    ]
    order = {f"Statement[{index}]": index for index in range(len(document.statements))}
    return tuple(sorted(found, key=lambda f: order.get(f.place.partition(".")[0], -1)))


def guess_kind(document: PolicyDocument) -> Kind:
    """Return the kind that a document's words fit: trust, resource or identity.

    SCPs and boundaries look like identity policies, RCPs like resource policies; who has one has to say so.
    """
    named = [s for s in document.statements if s.principals or s.not_principals]
    if not named:
        return Kind.IDENTITY
    assumed = all(a.lower().startswith("sts:") for s in document.statements for a in (*s.actions, *s.not_actions))
    return Kind.TRUST if assumed and not any(s.resources for s in named) else Kind.RESOURCE
