"""From CloudFormation's intrinsic functions to plain values.

What only a deployment can tell becomes a policy variable ``${cfn:...}`` in the string: a free unknown, which an
Allow may match with anything and a Deny with nothing. Pseudo parameters that are not known stay as
``${AWS::AccountId}`` and the like, as in the library's own policies.
Source: CloudFormation user guide, "Intrinsic function reference" and "Pseudo parameters reference".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.iam.assembly import UNKNOWN, TemplateError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sudo_mcp_guardrails.iam.assembly import Template

_MAX_DEPTH: Final = 100
_MAX_STEPS: Final = 5_000_000
"""For all templates of an app: outputs that refer to outputs can double at each step."""
_NOTHING: Final = object()
"""``AWS::NoValue``: the property or item is not there."""
_PSEUDO: Final = re.compile(r"\$\{AWS::\w+\}")
_SUB: Final = re.compile(r"\$\{([^{}]*)\}")
_PRIVATE_USE: Final = 0xE000
_NAMES: Final = {
    "AWS::IAM::Role": ("RoleName", "role"),
    "AWS::IAM::User": ("UserName", "user"),
    "AWS::IAM::Group": ("GroupName", "group"),
    "AWS::IAM::ManagedPolicy": ("ManagedPolicyName", "policy"),
}
"""Resource types whose names and ARNs are known from the template: the name's property, and the kind in the ARN."""


class Resolver:
    """Resolves values of an app's templates.

    Args:
        templates: All templates of the app, so that a reference from one to another can be followed.
    """

    def __init__(self, templates: Iterable[Template]) -> None:
        self._templates = tuple(templates)
        self._nested = {(id(t.parent), t.name.rsplit("/", 1)[1]): t for t in self._templates if t.parent is not None}
        self._steps = 0
        self._known: dict[tuple[int, str, str], str] = {}
        self._exported: dict[str, tuple[Template, Any]] | None = None
        self._functions: dict[str, Callable[[Template, Any, str, int], Any]] = {
            "Ref": self._ref,
            "Fn::GetAtt": self._get_att,
            "Fn::Join": self._join,
            "Fn::Sub": self._sub,
            "Fn::Select": self._select,
            "Fn::Split": self._split,
            "Fn::ImportValue": self._import_value,
            "Fn::GetStackOutput": self._stack_output,
        }

    def value(self, template: Template, raw: Any, place: str) -> Any:  # noqa: ANN401 - any JSON value
        """Resolve a JSON value.

        Args:
            template: The template it stands in.
            raw: The value.
            place: Its JSON path, for errors.

        Returns:
            The value without intrinsic functions; None for ``AWS::NoValue``.

        Raises:
            TemplateError: For a malformed function, a reference to nothing, or a value over a limit.
        """
        try:
            found = self._value(template, raw, f"template {template.name!r}: {place}", 0)
        except RecursionError:
            raise TemplateError(f"template {template.name!r}: {place}: nested too deep") from None
        return None if found is _NOTHING else _static(template, found)

    def name(self, template: Template, logical_id: str, depth: int = 0) -> str:
        """Return the name of an IAM resource; a free unknown where CloudFormation makes one."""
        key = (id(template), logical_id, "name")
        if key not in self._known:
            self._known[key] = template.unknown(logical_id)  # what a name that refers to itself comes to
            prop = _NAMES[template.resources[logical_id]["Type"]][0]
            place = f"Resources.{logical_id}.Properties.{prop}"
            given = self._value(template, template.properties(logical_id).get(prop), place, depth)
            if isinstance(given, str):
                self._known[key] = _static(template, given)
        return self._known[key]

    def arn(self, template: Template, logical_id: str, depth: int = 0) -> str:
        """Return the ARN of an IAM resource, with its path and name as far as they are known."""
        key = (id(template), logical_id, "arn")
        if key not in self._known:
            self._known[key] = template.unknown(f"{logical_id}.Arn")
            kind = _NAMES[template.resources[logical_id]["Type"]][1]
            path = self.path(template, logical_id, depth)
            partition, account = template.pseudo("Partition"), template.pseudo("AccountId")
            name = self.name(template, logical_id, depth)
            self._known[key] = f"arn:{partition}:iam::{account}:{kind}{path}{name}"
        return self._known[key]

    def path(self, template: Template, logical_id: str, depth: int = 0) -> str:
        """Return the path of an IAM resource; ``/`` where none is given."""
        place = f"Resources.{logical_id}.Properties.Path"
        found = self._value(template, template.properties(logical_id).get("Path", "/"), place, depth)
        if found is not _NOTHING and not isinstance(found, str):
            raise TemplateError(f"template {template.name!r}: {place}: expected a string, got {str(found)[:60]}")
        return str(_static(template, found)) if isinstance(found, str) else "/"

    def _value(self, template: Template, raw: Any, place: str, depth: int) -> Any:  # noqa: ANN401
        self._steps += 1
        if depth > _MAX_DEPTH or self._steps > _MAX_STEPS:
            raise TemplateError(
                f"{place}: over the limit of {_MAX_DEPTH} levels of nesting or {_MAX_STEPS} values in all templates"
            )
        if isinstance(raw, str):
            # In a plain string CloudFormation replaces nothing, and IAM then finds a variable that it does not know.
            return raw.replace("${AWS::", "${cfn:literal-AWS::") if "${AWS::" in raw else raw
        if isinstance(raw, list):
            items = (self._value(template, item, f"{place}[{i}]", depth + 1) for i, item in enumerate(raw))
            return [item for item in items if item is not _NOTHING]
        if not isinstance(raw, dict):
            return raw
        function = next((key for key in raw if key == "Ref" or key.startswith("Fn::")), None)
        if function is None:
            found = {key: self._value(template, item, f"{place}.{key}", depth + 1) for key, item in raw.items()}
            return {key: item for key, item in found.items() if item is not _NOTHING}
        if len(raw) != 1:
            raise TemplateError(f"{place}: expected {function} alone, got {', '.join(map(str, raw))}")
        if function not in self._functions:
            return template.unknown(raw)
        return self._functions[function](template, raw[function], f"{place}.{function}", depth + 1)

    def _ref(self, template: Template, name: Any, place: str, depth: int) -> Any:  # noqa: ANN401
        if not isinstance(name, str):
            raise TemplateError(f"{place}: expected a name, got {str(name)[:60]}")
        if name == "AWS::NoValue":
            return _NOTHING
        if name.startswith("AWS::"):
            return template.pseudo(name[5:])
        if name in template.parameters and template.parent is not None:
            return self._value(template.parent, template.parameters[name], place, depth)
        if name in template.body.get("Parameters", {}):
            return template.unknown(name)  # its default can be overridden
        if name not in template.resources:
            raise TemplateError(f"{place}: {name!r} is no resource or parameter of the template")
        kind = template.resources[name]["Type"]
        if kind not in _NAMES:
            return template.unknown(name)
        of = self.arn if kind == "AWS::IAM::ManagedPolicy" else self.name
        return of(template, name, depth)

    def _get_att(self, template: Template, raw: Any, place: str, depth: int) -> Any:  # noqa: ANN401
        name, attribute = _pair(raw.split(".", 1) if isinstance(raw, str) else raw, place)
        if not isinstance(name, str) or name not in template.resources:
            raise TemplateError(f"{place}: {name!r} is no resource of the template")
        kind = template.resources[name]["Type"]
        if kind in _NAMES and attribute == ("PolicyArn" if kind == "AWS::IAM::ManagedPolicy" else "Arn"):
            return self.arn(template, name, depth)
        nested = self._nested.get((id(template), name))
        if nested is not None and isinstance(attribute, str) and attribute.startswith("Outputs."):
            return self._output(nested, attribute[len("Outputs.") :], place, depth)
        return template.unknown(f"{name}.{attribute}")

    def _join(self, template: Template, raw: Any, place: str, depth: int) -> Any:  # noqa: ANN401
        separator, parts = _pair(raw, place)
        resolved = self._value(template, parts, place, depth)
        if not isinstance(resolved, list) or not all(type(part) in {str, int} for part in resolved):
            return template.unknown({"Fn::Join": raw})
        return str(separator).join(map(str, resolved))

    def _sub(self, template: Template, raw: Any, place: str, depth: int) -> Any:  # noqa: ANN401
        text, own = (raw, {}) if isinstance(raw, str) else _pair(raw, place)
        if not isinstance(text, str) or not isinstance(own, dict):
            raise TemplateError(f"{place}: expected a string, or a string and an object, got {str(raw)[:60]}")

        def fill(match: re.Match[str]) -> str:
            name = match[1].strip()
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in own:
                found = self._value(template, own[name], place, depth)
            elif "." in name:
                found = self._get_att(template, name, place, depth)
            else:
                found = self._ref(template, name, place, depth)
            return found if isinstance(found, str) else template.unknown({"Fn::Sub": name})

        return _SUB.sub(fill, text)

    def _select(self, template: Template, raw: Any, place: str, depth: int) -> Any:  # noqa: ANN401
        index, items = _pair(raw, place)
        resolved = self._value(template, items, place, depth)
        place_in_list = int(index) if str(index).isdigit() else None
        if not isinstance(resolved, list) or place_in_list is None or place_in_list >= len(resolved):
            return template.unknown({"Fn::Select": raw})
        return resolved[place_in_list]

    def _split(self, template: Template, raw: Any, place: str, depth: int) -> Any:  # noqa: ANN401
        separator, text = _pair(raw, place)
        resolved = self._value(template, text, place, depth)
        if (
            not isinstance(resolved, str)
            or UNKNOWN in resolved
            or "{{" in resolved
            or not isinstance(separator, str)
            or not separator
        ):
            return template.unknown({"Fn::Split": raw})
        # A pseudo parameter's own colons are no separators, and its value has none.
        placeholders = list(dict.fromkeys(_PSEUDO.findall(resolved)))
        table = dict(enumerate(placeholders, start=_PRIVATE_USE))
        for code, placeholder in table.items():
            resolved = resolved.replace(placeholder, chr(code))
        return [part.translate(table) for part in resolved.split(separator)]

    def _import_value(self, template: Template, raw: Any, place: str, depth: int) -> Any:  # noqa: ANN401
        if self._exported is None:
            self._exported = {}
            for other in self._templates:
                for output in other.body.get("Outputs", {}).values():
                    name = output.get("Export", {}).get("Name") if isinstance(output, dict) else None
                    if name is not None:
                        exported = str(self._value(other, name, place, depth))
                        # The same name in two accounts: which of the two is meant is not known here.
                        self._exported[exported] = (other, {} if exported in self._exported else output)
        name = self._value(template, raw, place, depth)
        source, output = self._exported.get(str(name), (template, {}))
        if "Value" not in output:
            return template.unknown({"Fn::ImportValue": raw})
        return self._value(source, output["Value"], place, depth)

    def _stack_output(self, template: Template, raw: Any, place: str, depth: int) -> Any:  # noqa: ANN401
        if not isinstance(raw, dict):
            raise TemplateError(f"{place}: expected an object, got {str(raw)[:60]}")
        name, region = (self._value(template, raw.get(key), place, depth) for key in ("StackName", "Region"))
        stacks = [t for t in self._templates if t.name == name and region in {None, t.pseudo("Region")}]
        if len(stacks) != 1:
            return template.unknown({"Fn::GetStackOutput": raw})
        return self._output(stacks[0], str(raw.get("OutputName")), place, depth)

    def _output(self, template: Template, name: str, place: str, depth: int) -> Any:  # noqa: ANN401
        output = template.body.get("Outputs", {}).get(name)
        if not isinstance(output, dict) or "Value" not in output:
            return template.unknown(f"Outputs.{name}")
        return self._value(template, output["Value"], place, depth)


def _static(template: Template, found: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a resolved value with each string that holds a dynamic reference as one unknown.

    ``{{resolve:ssm:/name}}`` is replaced by CloudFormation at deployment. It is looked for when all else is resolved,
    since it may be put together from pieces, one of which may itself be unknown.
    """
    if isinstance(found, str):
        dynamic = "{{" in found and ("resolve:" in found or UNKNOWN in found)
        return template.unknown({"resolve": found}) if dynamic else found
    if isinstance(found, list):
        return [_static(template, item) for item in found]
    if isinstance(found, dict):
        return {_static(template, key): _static(template, item) for key, item in found.items()}
    return found


def _pair(raw: Any, place: str) -> tuple[Any, Any]:  # noqa: ANN401 - any JSON value
    """Return the two arguments of a function."""
    if not isinstance(raw, list) or len(raw) != 2:  # noqa: PLR2004 - a pair
        raise TemplateError(f"{place}: expected a list of two, got {str(raw)[:60]}")
    return raw[0], raw[1]
