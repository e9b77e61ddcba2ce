"""Rules on elements that grant by exception, or that AWS does not take in a kind of policy; and on size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam.documents import MANAGED_POLICY_LIMIT, SCP_LIMIT, TRUST_POLICY_LIMIT, minified
from sudo_mcp_guardrails.iam.lint_rules.rule import GRANTS, Hit, Kind, Rule, Severity, statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.iam.documents import PolicyDocument

INLINE_LIMIT: Final = 10_240
"""Characters of all inline policies of a role together, white space not counted (IAM quotas page)."""
RCP_LIMIT: Final = 5_120
"""Characters of an RCP, all counted (Organizations quotas page)."""
SESSION_LIMIT: Final = 2_048
"""Characters of a session policy (STS API reference, AssumeRole)."""

LIMITS: Final = {
    Kind.IDENTITY: MANAGED_POLICY_LIMIT,
    Kind.BOUNDARY: MANAGED_POLICY_LIMIT,
    Kind.INLINE: INLINE_LIMIT,
    Kind.SESSION: SESSION_LIMIT,
    Kind.SCP: SCP_LIMIT,
    Kind.RCP: RCP_LIMIT,
    Kind.TRUST: TRUST_POLICY_LIMIT,
}
"""The most characters of a kind of document; the limit of a resource's policy differs from service to service."""

_NAMES_PRINCIPALS: Final = frozenset({Kind.RESOURCE, Kind.TRUST, Kind.RCP})


def _not_action(document: PolicyDocument, kind: Kind) -> Iterator[Hit]:
    for place, statement in statements(document):
        # In a boundary or an SCP, an Allow with NotAction leaves room and grants nothing: the usual form of a ceiling.
        if kind in GRANTS and statement.effect == "Allow" and statement.not_actions:
            yield Hit(
                f"{place}.NotAction",
                statement.sid,
                f"Allow with NotAction grants every action but {len(statement.not_actions)} patterns, those that AWS "
                "adds later included: expected Action",
            )


def _not_principal(document: PolicyDocument, _kind: Kind) -> Iterator[Hit]:
    for place, statement in statements(document):
        if not statement.not_principals:
            continue
        why = (
            "grants to everybody else, the anonymous included, and AWS does not support it: expected Principal"
            if statement.effect == "Allow"
            else "always denies a principal that has a permissions boundary: expected Principal '*' and a condition on "
            "aws:PrincipalArn"
        )
        yield Hit(f"{place}.NotPrincipal", statement.sid, f"{statement.effect} with NotPrincipal {why}")


def _unsupported(document: PolicyDocument, kind: Kind) -> Iterator[Hit]:
    for place, statement in statements(document):
        names = statement.principals or statement.not_principals
        if names and kind not in _NAMES_PRINCIPALS:
            yield Hit(f"{place}.Principal", statement.sid, f"a policy of kind {kind.value} takes no principal")
        if not names and kind in _NAMES_PRINCIPALS:
            yield Hit(place, statement.sid, f"a policy of kind {kind.value} needs a Principal in every statement")


def _rcp(document: PolicyDocument, kind: Kind) -> Iterator[Hit]:
    for place, statement in statements(document):
        if kind is not Kind.RCP:
            return
        # RCPFullAWSAccess, which AWS attaches itself, is the one RCP that allows.
        if statement.effect == "Allow" and not (statement.actions == ("*",) and statement.resources == ("*",)):
            yield Hit(f"{place}.Effect", statement.sid, "an RCP cannot Allow, expected Deny")
        if statement.not_actions:
            yield Hit(f"{place}.NotAction", statement.sid, "an RCP takes no NotAction, expected Action")
        if any(value != "*" for _, value in statement.principals):
            yield Hit(
                f"{place}.Principal",
                statement.sid,
                "an RCP takes no principal but '*', expected a condition on aws:PrincipalArn",
            )


def _oversize(document: PolicyDocument, kind: Kind) -> Iterator[Hit]:
    limit = LIMITS.get(kind)
    size = len(document.to_json())
    if limit is not None and size > limit:
        largest = sorted(((len(minified(s.to_dict())), s.sid) for s in document.statements), reverse=True)[:3]
        named = ", ".join(f"{sid} {length}" for length, sid in largest)
        yield Hit(
            "",
            "",
            f"{size} characters without white space, {size - limit} over the {limit} of kind {kind.value}; the largest "
            f"statements are {named}",
        )


_ELEMENTS_PAGES: Final = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements"

RULES: Final = (
    Rule(
        "allow-not-action",
        "Allow with NotAction grants by exception",
        "NotAction with Allow grants all services and all actions but those named, also the ones that AWS adds later.",
        f"{_ELEMENTS_PAGES}_notaction.html",
        Severity.WARNING,
        _not_action,
    ),
    Rule(
        "not-principal",
        "NotPrincipal names who is left out",
        "Allow with NotPrincipal is not supported and grants to everybody else. Deny with NotPrincipal always denies "
        "principals with a permissions boundary; AWS advises a condition on aws:PrincipalArn.",
        f"{_ELEMENTS_PAGES}_notprincipal.html",
        Severity.WARNING,
        _not_principal,
    ),
    Rule(
        "unsupported-element",
        "a Principal where none is taken, or none where one is needed",
        "AWS refuses the document, or attaches it without the meaning that it seems to have.",
        f"{_ELEMENTS_PAGES}_principal.html",
        Severity.ERROR,
        _unsupported,
    ),
    Rule(
        "rcp-syntax",
        "what an RCP does not take",
        "An RCP of one's own can only Deny, names actions and not exceptions to them, and has '*' as its Principal.",
        "https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html",
        Severity.ERROR,
        _rcp,
    ),
    Rule(
        "oversize",
        "the document is longer than AWS takes",
        "AWS refuses it at deployment, often when part of a stack is already changed.",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html",
        Severity.ERROR,
        _oversize,
    ),
)
