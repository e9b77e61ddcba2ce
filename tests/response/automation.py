"""Systems Manager Automation, as far as our runbooks go: checks a document of schema 0.3, and plays it.

What a document may have is written down from the Systems Manager user guide ("Data elements and parameters", "Actions
reference"); calls are checked against botocore's models of ``ssm`` and ``stepfunctions``. Patterns are those of Java at
AWS; ours have the same meaning in Python.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.validate import ParamValidator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_TOP = {"schemaVersion", "description", "assumeRole", "parameters", "mainSteps", "outputs", "variables", "files"}
_PARAMETER = {
    *("type", "description", "default", "allowedValues", "allowedPattern", "displayType"),
    *("minChars", "maxChars", "minItems", "maxItems"),
}
_TYPES = {"String", "StringList", "Integer", "Boolean", "MapList", "StringMap"}
_STEP = {
    *("name", "action", "inputs", "timeoutSeconds", "maxAttempts", "onFailure", "onCancel", "isCritical", "isEnd"),
    *("nextStep", "description", "outputs"),
}
_INPUTS = {
    "aws:approve": ({"Approvers"}, {"Approvers", "Message", "MinRequiredApprovals", "NotificationArn"}),
    "aws:executeStateMachine": ({"stateMachineArn"}, {"stateMachineArn", "input", "name"}),
}
_REFERENCE = re.compile(r"\{\{\s*([\w.:]+)\s*\}\}")
_NAME = re.compile(r"[a-zA-Z0-9_]{3,128}")
_GLOBAL = {"global:DATE", "global:DATE_TIME", "global:REGION", "automation:EXECUTION_ID"}
MAX_BYTES = 64 * 1024


class DocumentError(Exception):
    """Systems Manager would refuse it."""


def valid(service: str, operation: str, call: Mapping[str, Any]) -> None:
    """Check a call against botocore's model; raises DocumentError."""
    shape = botocore.session.get_session().get_service_model(service).operation_model(operation).input_shape
    report = ParamValidator().validate(dict(call), shape)
    if report.has_errors():
        raise DocumentError(report.generate_report())


def check(document: Mapping[str, Any], name: str) -> None:
    """Check a document as ``CreateDocument`` does; raises DocumentError."""
    text = json.dumps(document)
    valid(
        "ssm",
        "CreateDocument",
        {"Name": name, "Content": text, "DocumentType": "Automation", "DocumentFormat": "JSON"},
    )
    _require(len(text.encode()) <= MAX_BYTES, f"document has {len(text)} characters")
    _require(document.get("schemaVersion") == "0.3", "schemaVersion is not 0.3")
    _require(set(document) <= _TOP, f"fields {set(document) - _TOP}")
    for parameter, rules in document["parameters"].items():
        _require(set(rules) <= _PARAMETER and rules.get("type") in _TYPES, f"parameter {parameter}: {rules}")
        if "allowedPattern" in rules:
            # Classes that one language has and another has not are no way to say what is allowed.
            _require("\\p" not in rules["allowedPattern"], f"pattern of {parameter}")
            re.compile(rules["allowedPattern"])
        if "default" in rules:
            _allowed(parameter, rules, rules["default"])
    names = [step["name"] for step in document["mainSteps"]]
    _require(len(set(names)) == len(names) > 0, f"steps {names}")
    for step in document["mainSteps"]:
        _check_step(step, {*document["parameters"], *_GLOBAL})


def _check_step(step: Mapping[str, Any], known: set[str]) -> None:
    _require(set(step) <= _STEP and bool(_NAME.fullmatch(step["name"])), f"step {step}")
    _require(step["action"] in _INPUTS, f"action {step['action']}")
    needed, allowed = _INPUTS[step["action"]]
    _require(needed <= set(step["inputs"]) <= allowed, f"inputs of {step['name']}: {set(step['inputs'])}")
    _require(type(step.get("timeoutSeconds", 1)) is int and step.get("timeoutSeconds", 1) > 0, "timeoutSeconds")
    _require(step.get("onFailure", "Abort") in {"Abort", "Continue"}, "onFailure")
    unknown = set(_REFERENCE.findall(json.dumps(step["inputs"]))) - known
    _require(not unknown, f"{step['name']} names {unknown}, which is nowhere")
    if step["action"] == "aws:approve":
        inputs = step["inputs"]
        _require(1 <= len(inputs["Approvers"]) <= 10, "approvers")
        _require(1 <= inputs.get("MinRequiredApprovals", 1) <= len(inputs["Approvers"]), "MinRequiredApprovals")


def _allowed(parameter: str, rules: Mapping[str, Any], value: object) -> None:
    _require(isinstance(value, str), f"{parameter} is {value!r}")
    _require(value in rules.get("allowedValues", [value]), f"{parameter} {value!r} is no allowed value")
    pattern = rules.get("allowedPattern", "(?s).*")
    _require(bool(re.fullmatch(pattern, str(value))), f"{parameter} {value!r} does not match {pattern}")


def _require(condition: object, why: str) -> None:
    if not condition:
        raise DocumentError(why)


@dataclass
class Automation:
    """Plays a document.

    Args:
        document: To play.
        name: Of it.
        start: boto3's ``start_execution``; called with what the model takes.
        approve: Whether somebody approves.
    """

    document: Mapping[str, Any]
    name: str
    start: Callable[..., Any]
    approve: bool = True
    played: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def run(self, **given: str) -> Any:
        """Run it with parameters, and return what the last call answered; None where it was aborted."""
        check(self.document, self.name)
        valid(
            "ssm",
            "StartAutomationExecution",
            {"DocumentName": self.name, "Parameters": {name: [value] for name, value in given.items()}},
        )
        rules = self.document["parameters"]
        _require(set(given) <= set(rules), f"parameters {set(given) - set(rules)} are not there")
        values = {name: given.get(name, rule.get("default")) for name, rule in rules.items()}
        for name, value in values.items():
            _allowed(name, rules[name], value)
        answer = None
        for step in self.document["mainSteps"]:
            self.played.append(step["action"])
            inputs = _filled(step["inputs"], values)
            if step["action"] == "aws:approve":
                self.asked.append(inputs["Message"])
                if not self.approve:
                    return None
                continue
            valid("stepfunctions", "StartExecution", inputs)
            answer = self.start(**inputs)
            if step.get("isEnd"):
                break
        return answer


def _filled(value: Any, values: Mapping[str, Any]) -> Any:
    """Put parameters in the place of their names, as text in text."""
    if isinstance(value, str):
        return _REFERENCE.sub(lambda found: str(values[found[1]]), value)
    if isinstance(value, list):
        return [_filled(each, values) for each in value]
    if isinstance(value, dict):
        return {name: _filled(each, values) for name, each in value.items()}
    return value
