"""Why the outside simulator differs from our evaluator, each cause settled by AWS's documentation.

A cause is more than a name: its ``neutral`` says the same thing to the simulator in words that it reads as AWS does.
A difference counts as explained only where the two agree once its causes are neutral.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

from benchmarks.iam.rewriting import changed
from sudo_mcp_guardrails.iam.conditions import substitute
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.iam.evaluate import evaluate
from sudo_mcp_guardrails.iam.operators import like
from sudo_mcp_guardrails.iam.principals import names_directly

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.iam.generate import Case

_USER_GUIDE: Final = "https://docs.aws.amazon.com/IAM/latest/UserGuide"
_EVERYTHING: Final = Statement("Neutral", "Allow", actions=("*",), resources=("*",))
_ROOT: Final = "arn:aws:iam::{}:root"
_COLONS: Final = 5
_ANY_ARN: Final = "arn:*:*:*:*:*"
_NO_ARN: Final = "arn:aws:none:::none"
_NOBODY: Final = "333333333333"
_SECONDS: Final = re.compile(r"\d{9,10}")


@dataclass(frozen=True)
class Cause:
    """One cause.

    Args:
        id: A short name.
        simulator: What the simulator does.
        settled: What AWS's documentation says, or that it leaves it open and which way our evaluator errs.
        source: The page that says so.
        neutral: The case in words that the simulator reads as AWS does; None where the cause is not in it.
    """

    id: str
    simulator: str
    settled: str
    source: str
    neutral: Callable[[Case], Case | None]


def _in_conditions(names: tuple[str, ...], change: Callable[[str], tuple[str, ...]]) -> Callable[[Case], Case | None]:
    """Return a rewriting of the values of conditions whose operator has one of some names in it."""

    def statement(old: Statement) -> Statement:
        conditions = tuple(
            (
                operator,
                key,
                tuple(n for v in values for n in change(v)) if any(n in operator for n in names) else values,
            )
            for operator, key, values in old.conditions
        )
        return replace(old, conditions=conditions)

    return lambda case: changed(case, statement)


def _every_address(value: str) -> tuple[str, ...]:
    return ("0.0.0.0/1", "128.0.0.0/1") if value == "0.0.0.0/0" else (value,)


def _with_prefix(value: str) -> tuple[str, ...]:
    return (value if "/" in value else f"{value}/{128 if ':' in value else 32}",)


def _iso(value: str) -> tuple[str, ...]:
    if not _SECONDS.fullmatch(value):
        return (value,)
    return (datetime.fromtimestamp(int(value), tz=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),)


def _any_arn(case: Case) -> Case | None:
    """Say ``*`` for an ARN as every ARN where that lets more through, and as none elsewhere."""

    def statement(old: Statement) -> Statement:
        def value(operator: str, wanted: str) -> str:
            if "Arn" not in operator or wanted != "*":
                return wanted
            return _ANY_ARN if (old.effect == "Deny") is ("Not" in operator) else _NO_ARN

        return replace(
            old, conditions=tuple((o, key, tuple(value(o, w) for w in values)) for o, key, values in old.conditions)
        )

    return changed(case, statement)


def _all_actions(case: Case) -> Case | None:
    def names(values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple("*" if value == "*:*" else value for value in values)

    return changed(case, lambda s: replace(s, actions=names(s.actions), not_actions=names(s.not_actions)))


def _plain_types(case: Case) -> Case | None:
    """Say a pattern with a wildcard or a variable in the resource's type as the resource itself, where it covers it."""
    request = case.request

    def plain(pattern: str) -> str:
        parts = pattern.split(":", 5)
        if len(parts) < 6 or not re.search(r"[*?$]", re.split(r"[/:]", parts[5])[0]):  # noqa: PLR2004 - an ARN's parts
            return pattern
        resolved = substitute(pattern, request.keys)
        covers = resolved is not None and like((resolved,))(request.resource)
        return request.resource if covers else ":".join((*parts[:5], "none"))

    def patterns(values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(plain(value) for value in values))

    return changed(case, lambda s: replace(s, resources=patterns(s.resources), not_resources=patterns(s.not_resources)))


def _full_arns(case: Case) -> Case | None:
    def full(values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(v + ":*" * (_COLONS - v.count(":")) if v.startswith("arn:") else v for v in values)

    return changed(case, lambda s: replace(s, resources=full(s.resources), not_resources=full(s.not_resources)))


def _trust(case: Case) -> Case | None:
    """Give the role a trust policy that trusts somebody else."""
    if case.request.action != "sts:AssumeRole" or case.layers.resource is not None:
        return None
    other = replace(_EVERYTHING, principals=(("AWS", _ROOT.format(_NOBODY)),))
    return replace(case, layers=replace(case.layers, resource=PolicyDocument("trust", (other,))))


def _key_policy(case: Case) -> Case | None:
    """Give the key the policy that leaves decisions to its account."""
    if not case.request.action.startswith("kms:") or case.layers.resource is not None:
        return None
    account = replace(_EVERYTHING, principals=(("AWS", _ROOT.format(case.request.owner)),))
    return replace(case, layers=replace(case.layers, resource=PolicyDocument("key", (account,))))


def _session(case: Case) -> Case | None:
    """Let the session policy allow, where a resource policy grants to the session itself."""
    layers, request = case.layers, case.request
    if layers.session is None or layers.resource is None or request.owner != request.principal.account:
        return None
    granting = {sid for layer, sid in evaluate(request, layers).statements if layer == "resource"}
    if not any(s.sid in granting and names_directly(s, request.principal) for s in layers.resource.statements):
        return None
    (policy,) = layers.session
    widened = PolicyDocument(policy.name, (*policy.statements, _EVERYTHING))
    return replace(case, layers=replace(layers, session=(widened,)))


CAUSES: Final = (
    Cause(
        "every address",
        "`IpAddress` with `0.0.0.0/0` matches nothing",
        "a CIDR range of prefix 0 is every IPv4 address",
        f"{_USER_GUIDE}/reference_policies_elements_condition_operators.html#Conditions_IPAddress",
        _in_conditions(("IpAddress",), _every_address),
    ),
    Cause(
        "address without prefix",
        "`NotIpAddress` with a bare address does not hold for an address of the other family",
        "a bare address is the range of that one address, and every other address is outside it",
        f"{_USER_GUIDE}/reference_policies_elements_condition_operators.html#Conditions_IPAddress",
        _in_conditions(("IpAddress",), _with_prefix),
    ),
    Cause(
        "epoch seconds",
        "a Date operator misreads a value in seconds since 1970",
        "a date may be in ISO 8601 or in epoch (UNIX) time",
        f"{_USER_GUIDE}/reference_policies_elements_condition_operators.html#Conditions_Date",
        _in_conditions(("Date",), _iso),
    ),
    Cause(
        "bare * as an ARN",
        "`ArnLike` and its kin with the value `*` match nothing",
        "each of six components may hold a wildcard; of a lone `*` AWS says nothing, and our evaluator takes the worse "
        "case: every ARN in an Allow, none in a Deny",
        f"{_USER_GUIDE}/reference_policies_elements_condition_operators.html#Conditions_ARN",
        _any_arn,
    ),
    Cause(
        "all actions",
        "refuses the action `*:*`",
        "an action is a service's name, a colon and a pattern; of a wildcard for the service AWS says nothing, and our "
        "evaluator takes `*:*` for everything",
        f"{_USER_GUIDE}/reference_policies_elements_action.html",
        _all_actions,
    ),
    Cause(
        "pattern in the type",
        "a wildcard or a variable in a resource's type, or in the name of one without a type, matches nothing",
        "wildcards may be in every segment but the service; another page calls them not valid in the type. Variables "
        "may be anywhere in the last segment",
        f"{_USER_GUIDE}/reference_policies_elements_resource.html",
        _plain_types,
    ),
    Cause(
        "shortened ARN",
        "a resource pattern that is an ARN of fewer than six parts matches nothing",
        "the parts that are missing are taken for `*`",
        f"{_USER_GUIDE}/reference-arns.html",
        _full_arns,
    ),
    Cause(
        "role without trust policy",
        "lets a principal of the same account assume a role whose trust policy is not given",
        "the trust policy must allow, in the same account too; each role has one",
        f"{_USER_GUIDE}/reference_policies_evaluation-logic_policy-eval-denyallow.html",
        _trust,
    ),
    Cause(
        "key without key policy",
        "denies where the key's policy is not given",
        "each key has one; the default leaves the decision to IAM policies, which is the worse case and our assumption",
        "https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html",
        _key_policy,
    ),
    Cause(
        "grant to the session",
        "limits what a resource policy grants to the session itself, or to everybody, by the session policy",
        "what a resource policy grants to the session is not limited by the session policy; of a grant to everybody "
        "AWS says nothing, and our evaluator takes the worse case",
        f"{_USER_GUIDE}/access_policies.html#policies_session",
        _session,
    ),
)
