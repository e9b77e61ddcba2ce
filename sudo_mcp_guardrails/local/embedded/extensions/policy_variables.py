"""Gap: ministack compares policy variables such as `${aws:PrincipalTag/team}` as plain text.

Expands them in `Resource`, `NotResource` and condition values, with defaults (`${key, 'value'}`) and the escapes
`${*}`, `${?}` and `${$}`, in documents of version 2012-10-17 (an older version has no variables). Wildcards inside a
value stay plain characters. A variable without a value never matches: its pattern equals nothing, and a statement
that allows by a negated comparison with it does not apply, so that unknown means no.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

from __future__ import annotations

import json
import re
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from ministack.core import iam_evaluator

_VARIABLE = re.compile(r"\$\{([^}]+)\}")
_DEFAULT = re.compile(r"^(.*?)\s*,\s*'(.*)'$", re.DOTALL)
_VERSION = "2012-10-17"
# Private characters that stand for a plain "*" or "?", and for a value that equals nothing.
_STAR, _QUESTION, _NOTHING = "\ue000", "\ue001", "\ue002"
_PATTERN_OPERATORS = ("like", "arnequals", "arnnotequals")

_document_version: ContextVar[str] = ContextVar("embedded_document_version", default="")


def install() -> None:
    """Expand variables where ministack's evaluator matches statements."""
    _wrap_patterns()
    _wrap_documents()
    stock = iam_evaluator._first_match

    def first_match(ctx: Any, statements: list[Any], effect: str) -> Any:
        expanded = (_expanded(statement, ctx) for statement in statements if statement.effect == effect)
        return stock(ctx, [statement for statement in expanded if statement is not None], effect)

    iam_evaluator._first_match = first_match


def _value(variable: str, ctx: Any) -> str | None:
    if variable in ("*", "?", "$"):
        return variable
    default = _DEFAULT.match(variable)
    key = default.group(1) if default else variable
    found = iam_evaluator._resolve_condition_key(key.strip(), ctx)
    # A key with several values cannot be a variable.
    if found is None or isinstance(found, list):
        return default.group(2) if default else None
    return str(found)


def expand(text: str, ctx: Any, *, pattern: bool) -> str:
    """Return `text` with its variables replaced; a text that equals nothing when one of them has no value.

    Args:
        text: a resource or a condition value.
        ctx: ministack's EvalContext.
        pattern: whether the text is compared with wildcards.
    """
    missing = False

    def replaced(match: re.Match[str]) -> str:
        nonlocal missing
        value = _value(match.group(1), ctx)
        missing = missing or value is None
        value = value or ""
        return value.replace("*", _STAR).replace("?", _QUESTION) if pattern else value

    result = _VARIABLE.sub(replaced, text)
    return _NOTHING if missing else result


def _expanded(statement: Any, ctx: Any) -> Any:
    """Return the statement with its variables replaced, or None when it must not apply."""
    if getattr(statement, "plain", False):
        return statement
    texts = [*statement.resources, *statement.not_resources]
    if not any("${" in text for text in texts) and "${" not in json.dumps(statement.conditions):
        return statement
    not_resources = [expand(text, ctx, pattern=True) for text in statement.not_resources]
    conditions = expand_conditions(statement.conditions, ctx)
    if statement.effect == "Allow" and (_NOTHING in not_resources or _negates_nothing(conditions)):
        return None
    resources = [expand(text, ctx, pattern=True) for text in statement.resources]
    return replace(statement, resources=resources, not_resources=not_resources, conditions=conditions)


def expand_conditions(conditions: Any, ctx: Any) -> Any:
    """Return a `Condition` block with the variables in its values replaced."""
    result: dict[str, Any] = {}
    for operator, pairs in (conditions or {}).items():
        if not isinstance(pairs, dict):
            result[operator] = pairs
            continue
        pattern = any(name in operator.lower() for name in _PATTERN_OPERATORS)
        result[operator] = {
            key: [
                expand(value, ctx, pattern=pattern) if isinstance(value, str) else value
                for value in (values if isinstance(values, list) else [values])
            ]
            for key, values in pairs.items()
        }
    return result


def _negates_nothing(conditions: Any) -> bool:
    return any(
        _NOTHING in values
        for operator, pairs in conditions.items()
        if isinstance(pairs, dict) and "not" in operator.lower()
        for values in pairs.values()
    )


def _wrap_patterns() -> None:
    stock = iam_evaluator._fnmatch_compile

    def fnmatch_compile(pattern: str, ignore_case: bool) -> re.Pattern[str]:  # noqa: FBT001 - ministack's signature
        compiled: re.Pattern[str] = stock(pattern, ignore_case)
        if _STAR not in pattern and _QUESTION not in pattern:
            return compiled
        return re.compile(compiled.pattern.replace(_STAR, r"\*").replace(_QUESTION, r"\?"), compiled.flags)

    iam_evaluator._fnmatch_compile = fnmatch_compile


def _wrap_documents() -> None:
    parse = iam_evaluator.parse_policy_document
    resource_policy, trust_policy = iam_evaluator.evaluate_resource_policy, iam_evaluator.evaluate_trust_policy

    def loaded(document: Any) -> dict[str, Any]:
        try:
            value = json.loads(document) if isinstance(document, str) else document
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    def parse_policy_document(document: Any) -> Any:
        version = loaded(document).get("Version") or _document_version.get()
        statements = parse(document)
        for statement in statements:
            statement.plain = version != _VERSION
        return statements

    def evaluate_resource_policy(document: Any, *args: Any, **kw: Any) -> Any:
        # ministack hands the matching statements on without the document's version.
        token = _document_version.set(str(loaded(document).get("Version") or ""))
        try:
            return resource_policy(document, *args, **kw)
        finally:
            _document_version.reset(token)

    def evaluate_trust_policy(document: Any, caller_arn: str, ctx: Any = None) -> bool:
        # ministack reads a trust policy's conditions straight from the document.
        trust = loaded(document)
        if ctx is None or "${" not in json.dumps(trust) or trust.get("Version") != _VERSION:
            return bool(trust_policy(document, caller_arn, ctx))
        found = trust.get("Statement", [])
        statements = []
        for statement in found if isinstance(found, list) else [found]:
            conditions = expand_conditions(statement.get("Condition"), ctx)
            if statement.get("Effect") == "Deny" or not _negates_nothing(conditions):
                statements.append({**statement, "Condition": conditions})
        return bool(trust_policy({**trust, "Statement": statements}, caller_arn, ctx))

    iam_evaluator.parse_policy_document = parse_policy_document
    iam_evaluator.evaluate_resource_policy = evaluate_resource_policy
    iam_evaluator.evaluate_trust_policy = evaluate_trust_policy
