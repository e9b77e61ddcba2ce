"""Gap: ministack compares a template's conditions without resolving the functions inside them.

`Fn::Equals` of a `Fn::Join`, `Fn::FindInMap`, `Fn::Sub`, `Fn::Split` or a pseudo parameter compares unresolved text, so
`cdk bootstrap` believes that it was given execution policies and trusted accounts, and its execution role ends up with
no policy at all (which nobody notices while stacks are made as root). Resolves them before conditions are evaluated.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-conditions.html
"""

from __future__ import annotations

from typing import Any

from ministack.services.cloudformation import changesets, engine, handlers, provisioners, stacks

_VALUE_FUNCTIONS = frozenset({"Ref", "Fn::Join", "Fn::FindInMap", "Fn::Sub", "Fn::Split", "Fn::Select"})


def install() -> None:
    """Resolve values before ministack evaluates the conditions."""
    stock = engine._evaluate_conditions

    def evaluate_conditions(template: Any, params: Any) -> Any:
        mappings = template.get("Mappings", {})

        def resolved(value: Any) -> Any:
            if isinstance(value, list):
                return [resolved(item) for item in value]
            if not isinstance(value, dict):
                return value
            if len(value) == 1 and next(iter(value)) in _VALUE_FUNCTIONS:
                return engine._resolve_refs(value, {}, params, {}, mappings, "", "")
            return {key: resolved(inner) for key, inner in value.items()}

        conditions = {name: resolved(definition) for name, definition in template.get("Conditions", {}).items()}
        return stock({**template, "Conditions": conditions}, params)

    for module in (engine, stacks, changesets, handlers, provisioners):
        if hasattr(module, "_evaluate_conditions"):
            module._evaluate_conditions = evaluate_conditions
