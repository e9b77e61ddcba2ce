"""What is masked, or hidden by its author, where no secret belongs.

A mark, a ``NoEcho`` parameter or a name can take any value out of a person's sight: a principal, a policy, a network
range. What is hidden in a property that holds no secret is therefore an unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.approval.reading.inputs import mentions
from sudo_mcp_guardrails.approval.secret_names import MASK, is_secret_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from sudo_mcp_guardrails.approval.reading.outside import Outside

    Path = tuple[str, ...]

_HOLD_SECRETS: Final = frozenset(
    {
        *("AWS::SSM::Parameter Value", "aws_ssm_parameter value", "aws_ssm_parameter value_wo"),
        *("aws_ssm_parameter insecure_value", "AWS::SecretsManager::Secret SecretString"),
    }
)
_SHOWN: Final = 5


def note_hidden(outside: Outside, where: str, kind: str, paths: Iterable[Path]) -> None:
    """Note the values that nobody is shown, though no secret belongs where they are.

    Args:
        outside: Where to.
        where: Id of the change.
        kind: Type of its resource.
        paths: Of the values within the properties.
    """
    names = sorted({path[0] if path else "all of it" for path in paths if not _belongs(kind, path)})
    for name in names[:_SHOWN]:
        outside.say(where, f"{name} is hidden, and is no property for a secret")
    if len(names) > _SHOWN:
        outside.say(where, f"{len(names) - _SHOWN} more of its properties are hidden, which are none for a secret")


def masks(value: object) -> Iterator[Path]:
    """Yield the paths of what CloudFormation has masked in a change set: values of ``NoEcho`` parameters."""
    return _paths(value, (), lambda item: item == MASK)


def uses(value: object, hidden: Collection[str]) -> Iterator[Path]:
    """Yield the paths of the functions that take in a hidden parameter.

    Args:
        value: Properties of a template's resource.
        hidden: Names of parameters.
    """
    if not hidden:
        return
    for path in _paths(value, (), lambda item: isinstance(item, dict) and any(n in item for n in ("Ref", "Fn::Sub"))):
        item = value
        for name in path:
            item = item[int(name)] if isinstance(item, list) else item[name]  # type: ignore[index]
        if any(name in hidden for name in mentions(item)):
            yield path


def _belongs(kind: str, path: Path) -> bool:
    return any(is_secret_name(name) for name in path) or (bool(path) and f"{kind} {path[0]}" in _HOLD_SECRETS)


def _paths(value: object, path: Path, wanted: object) -> Iterator[Path]:
    if wanted(value):  # type: ignore[operator]
        yield path
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _paths(item, (*path, name), wanted)
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _paths(item, (*path, str(number)), wanted)
