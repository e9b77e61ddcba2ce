"""Rules that hold a policy against the action catalogue: actions that do not exist, resources that never match."""

from __future__ import annotations

import difflib
import re
from functools import cache
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.iam import catalogue
from sudo_mcp_guardrails.iam.lint_rules.patterns import overlap
from sudo_mcp_guardrails.iam.lint_rules.rule import Hit, Kind, Rule, Severity, action_elements, statements
from sudo_mcp_guardrails.iam.matching import glob

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement

_ANY_ACTION: Final = frozenset({"*", "*:*"})
_DEAD_SERVICE: Final = "aws-mcp"
"""Has a rule of its own."""
_VARIABLE: Final = re.compile(r"\$\{[^}]*\}")
_PARTITION: Final = "<partition>"
_NO_RESOURCE: Final = "*"
_NAMED: Final = 3
"""How many actions a message names."""


def _unknown(document: PolicyDocument, _kind: Kind) -> Iterator[Hit]:
    for place, statement in statements(document):
        element, patterns = action_elements(statement)
        for pattern in patterns:
            service = pattern.partition(":")[0].lower()
            if pattern in _ANY_ACTION or service == _DEAD_SERVICE or _expand(pattern):
                continue
            yield Hit(
                f"{place}.{element}",
                statement.sid,
                f"{pattern!r} covers no action of the catalogue {catalogue.catalogue_version()}{_advice(pattern)}",
            )


@cache
def _expand(pattern: str) -> tuple[str, ...]:
    """Return the actions of a pattern; none for an unknown service."""
    service, _, action = pattern.partition(":")
    try:
        return catalogue.expand(f"{service.lower()}:{action}")
    except catalogue.UnknownActionError:
        return ()


def _advice(pattern: str) -> str:
    """Return what may have been meant."""
    service = pattern.partition(":")[0].lower()
    try:
        known = catalogue.service_actions(service)
    except catalogue.UnknownActionError:
        return f", which has no service {service!r}"
    names = {name.lower(): name for name in known}
    near = difflib.get_close_matches(pattern.lower().rstrip("*"), names, n=1, cutoff=0.8)
    return f": did you mean {names[near[0]]!r}?" if near else ""


def _never_matches(document: PolicyDocument, kind: Kind) -> Iterator[Hit]:
    if kind is Kind.TRUST:
        return
    for place, statement in statements(document):
        if not statement.actions or not statement.resources or _ANY_ACTION.intersection(statement.actions):
            continue
        expanded = [_expand(pattern) for pattern in statement.actions]
        if not all(expanded):
            # An action that the catalogue does not know may take any resource; it has a finding of its own.
            continue
        formats = {arn for names in expanded for name in names for arn in _arns(name)}
        patterns = [_VARIABLE.sub("*", pattern) for pattern in statement.resources]
        for given, pattern in zip(statement.resources, patterns, strict=True):
            if not any(_fits(pattern, arn) for arn in formats):
                yield Hit(
                    f"{place}.Resource",
                    statement.sid,
                    f"{given!r} is no resource of any action of the statement, so it matches nothing",
                )
        yield from _dead(place, statement, patterns)


def _dead(place: str, statement: Statement, patterns: list[str]) -> Iterator[Hit]:
    """Yield a hit for the actions that are named in full and that none of the statement's resources fits."""
    dead = [
        name
        for action in statement.actions
        if "*" not in action and "?" not in action
        for name in _expand(action)
        if not any(_fits(pattern, arn) for pattern in patterns for arn in _arns(name))
    ]
    if not dead or len(dead) == len(statement.actions):
        return  # where no action fits, every resource has its finding already
    takes = "'*' alone" if all(_arns(name) == (_NO_RESOURCE,) for name in dead) else "other resources"
    more = f" and {len(dead) - _NAMED} more" if len(dead) > _NAMED else ""
    yield Hit(
        f"{place}.Action",
        statement.sid,
        f"the {statement.effect} has no effect on {', '.join(dead[:_NAMED])}{more}: decided on {takes}, and no "
        "Resource pattern matches that",
    )


def _fits(pattern: str, arn: str) -> bool:
    """Return whether a Resource pattern matches any resource of a format."""
    if arn == _NO_RESOURCE:
        # Such a request is decided on the character `*`, and on no ARN.
        return glob(pattern)("*")
    # The format's partition is the pattern's, where it names one: a wildcard there would take in the service too.
    partition = pattern.split(":", 2)[1] if pattern.startswith("arn:") else "*"
    return overlap(pattern, arn.replace(_PARTITION, partition))


@cache
def _arns(action: str) -> tuple[str, ...]:
    """Return the ARN formats that an action is decided on, as patterns; ``*`` where it can do without a resource."""
    formats = (arn.replace("${Partition}", _PARTITION) for arn in catalogue.action_formats(action) or ("",))
    return tuple(dict.fromkeys(_VARIABLE.sub("*", arn) or _NO_RESOURCE for arn in formats))


RULES: Final = (
    Rule(
        "unknown-action",
        "an action that AWS does not have",
        "A misspelt action in an Allow grants nothing, and in a Deny blocks nothing; AWS takes both without a word.",
        "https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-"
        "contextkeys.html",
        Severity.WARNING,
        _unknown,
    ),
    Rule(
        "resource-never-matches",
        "actions and resources that do not go together",
        "Each action is decided on its own kinds of resource, and some on '*' alone. A statement that names other "
        "resources has no effect: a Deny of this kind is no guard.",
        "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html",
        Severity.WARNING,
        _never_matches,
    ),
)
