"""CloudFormation's YAML: the short forms of its functions, and what it leaves out of YAML.

Dates stay texts, numbers keep their digits, and neither a number in base 8 or 60 nor an alias is taken for something
else than it looks like.
Source: CloudFormation user guide, "Template formats": no aliases, no hash merges, no tags for binary, omap, pairs,
set and timestamp.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Final, cast

import yaml

from sudo_mcp_guardrails.cli.errors import InputError

_SHORT: Final = ("Ref", "Condition")
_MAX_DEPTH: Final = 90
_RESOLVED: Final = {
    "tag:yaml.org,2002:null": (re.compile(r"~|null|Null|NULL|"), ["~", "n", "N", ""]),
    "tag:yaml.org,2002:bool": (
        re.compile(r"true|True|TRUE|false|False|FALSE|yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF"),
        list("tTfFyYnNoO"),
    ),
    "tag:yaml.org,2002:int": (re.compile(r"[-+]?(0|[1-9][0-9]*)"), list("-+0123456789")),
    "tag:yaml.org,2002:float": (
        re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]+([eE][-+]?[0-9]{1,4})?|[eE][-+]?[0-9]{1,4})"),
        list("-+0123456789"),
    ),
}
_TRUE: Final = frozenset({"true", "yes", "on"})


class _Loader(yaml.SafeLoader):
    """Reads the subset; everything else is an error."""

    def compose_node(self, parent: Any, index: Any) -> Any:  # noqa: ANN401 - yaml has no types here
        """Refuse aliases, and what is nested too deep."""
        if self.check_event(yaml.AliasEvent):
            raise yaml.constructor.ConstructorError(
                None,
                None,
                "CloudFormation has no aliases",
                self.peek_event().start_mark,  # type: ignore[no-untyped-call]
            )
        self.depth = getattr(self, "depth", 0) + 1
        if self.depth > _MAX_DEPTH:
            raise yaml.constructor.ConstructorError(
                None,
                None,
                f"it is nested more than {_MAX_DEPTH} deep",
                self.peek_event().start_mark,  # type: ignore[no-untyped-call]
            )
        try:
            return super().compose_node(parent, index)
        finally:
            self.depth -= 1


def parsed_yaml(data: bytes, name: str) -> Any:  # noqa: ANN401 - JSON
    """Parse a template.

    Args:
        data: UTF-8.
        name: of the file, for errors.

    Raises:
        InputError: It is no YAML, or has what CloudFormation's has not; with the line, and without a value.
    """
    try:
        return yaml.load(data.decode("utf-8-sig"), Loader=_Loader)  # noqa: S506 - a subclass of the safe one
    except UnicodeDecodeError as error:
        raise InputError(f"{name!r} is not UTF-8 at byte {error.start}") from None
    except yaml.MarkedYAMLError as error:
        line = f" at line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise InputError(f"{name!r} is no template in YAML{line}: {_problem(error)}") from None
    except yaml.YAMLError:
        raise InputError(f"{name!r} is no template in YAML: it has characters that YAML does not allow") from None


def _problem(error: yaml.MarkedYAMLError) -> str:
    """Return what is wrong, without the quotes that yaml takes from the text."""
    return re.sub(r"'[^']*'|\"[^\"]*\"", "…", error.problem or "unreadable")


def _map(loader: _Loader, node: yaml.MappingNode) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if not isinstance(key_node, yaml.ScalarNode):
            raise yaml.constructor.ConstructorError(None, None, "a name is no text", key_node.start_mark)
        if key_node.tag == "tag:yaml.org,2002:merge":
            raise yaml.constructor.ConstructorError(None, None, "CloudFormation has no merges", key_node.start_mark)
        # Names are texts, also those that look like a number, such as an account in a mapping.
        name = str(key_node.value)
        if name in found:
            raise yaml.constructor.ConstructorError(None, None, "a name is there twice", key_node.start_mark)
        found[name] = loader.construct_object(value_node, deep=True)
    return found


def _function(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    """``!Sub x`` as ``{"Fn::Sub": "x"}``; a dotted ``!GetAtt`` as its list."""
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
        if suffix == "GetAtt":
            value = value.split(".", 1)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = _map(loader, cast("yaml.MappingNode", node))
    return {suffix if suffix in _SHORT else f"Fn::{suffix}": value}


def _prepare() -> None:
    _Loader.yaml_implicit_resolvers = {}
    for tag, (pattern, first) in _RESOLVED.items():
        _Loader.add_implicit_resolver(tag, re.compile(f"^(?:{pattern.pattern})$"), first)
    _Loader.add_implicit_resolver("tag:yaml.org,2002:merge", re.compile(r"^<<$"), ["<"])
    _Loader.yaml_constructors = {
        tag: constructor
        for tag, constructor in yaml.SafeLoader.yaml_constructors.items()
        if tag in {"tag:yaml.org,2002:null", "tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", None}
    }
    _Loader.add_constructor("tag:yaml.org,2002:map", _map)
    _Loader.add_constructor("tag:yaml.org,2002:bool", lambda _, node: node.value.lower() in _TRUE)
    _Loader.add_constructor("tag:yaml.org,2002:int", lambda _, node: int(node.value))
    _Loader.add_constructor("tag:yaml.org,2002:float", lambda _, node: Decimal(node.value))
    _Loader.add_multi_constructor("!", _function)


_prepare()
