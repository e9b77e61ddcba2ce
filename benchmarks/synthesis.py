"""One stack of fifty agents, synthesized through the library or written by hand; run as a process of its own.

``python -m benchmarks.synthesis guardrails OUT`` writes the stack with ``AgentGuardrails``.
``python -m benchmarks.synthesis hand OUT TEMPLATE`` writes the resources of that template as typed L1 constructs,
each property as somebody would have typed it, without the library.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.toolchain.node import use_node

if TYPE_CHECKING:
    import aws_cdk as cdk

AGENTS: Final = 50
STACK: Final = "Guardrails"
TEMPLATE: Final = f"{STACK}.template.json"


def guardrails(stack: cdk.Stack) -> None:
    """Add fifty agents, three services each, and their broker."""
    from sudo_mcp_guardrails import Agent, AgentEnvironment, AgentGuardrails  # noqa: PLC0415 - is measured

    environment = AgentEnvironment.sandbox("111111111111", regions=["eu-central-1"])
    AgentGuardrails(
        stack,
        "Agents",
        agents=[
            Agent(
                f"agent{number:02}",
                owner="platform@example.com",
                services=["s3", "lambda", "dynamodb"],
                environments=[environment],
            )
            for number in range(AGENTS)
        ],
    )


def hand(stack: cdk.Stack, template: Path) -> None:
    """Add the resources of a template as typed L1 constructs.

    A construct right under the stack has its id for a logical id, so that references need no translation.

    Args:
        stack: The stack.
        template: A template that :func:`guardrails` made.

    Raises:
        KeyError: For a resource type that is not among those that the library makes.
    """
    from aws_cdk import aws_iam, aws_lambda, aws_logs  # noqa: PLC0415 - is measured

    makers: dict[str, Any] = {
        "AWS::IAM::ManagedPolicy": aws_iam.CfnManagedPolicy,
        "AWS::IAM::Role": aws_iam.CfnRole,
        "AWS::Lambda::Function": aws_lambda.CfnFunction,
        "AWS::Lambda::Permission": aws_lambda.CfnPermission,
        "AWS::Lambda::Url": aws_lambda.CfnUrl,
        "AWS::Logs::LogGroup": aws_logs.CfnLogGroup,
    }
    structures: dict[tuple[str, str], Any] = {
        ("AWS::Lambda::Function", "Code"): aws_lambda.CfnFunction.CodeProperty,
        ("AWS::Lambda::Function", "Environment"): aws_lambda.CfnFunction.EnvironmentProperty,
        ("AWS::Lambda::Function", "LoggingConfig"): aws_lambda.CfnFunction.LoggingConfigProperty,
    }
    for logical_id, resource in json.loads(template.read_text(encoding="utf-8"))["Resources"].items():
        kind = resource["Type"]
        properties = {}
        for name, value in resource["Properties"].items():
            if name.endswith("Document"):  # JSON of any form: plain values are the quickest way across to Node
                properties[_snake(name)] = value
                continue
            typed = _typed(value)
            structure = structures.get((kind, name))
            properties[_snake(name)] = (
                structure(**{_snake(key): item for key, item in typed.items()}) if structure else typed
            )
        made = makers[kind](stack, logical_id, **properties)
        for name in ("DeletionPolicy", "UpdateReplacePolicy", "DependsOn"):
            if name in resource:
                made.add_override(name, resource[name])


def _typed(value: Any) -> Any:  # noqa: ANN401 - walks any JSON value
    """Return a property with its references as somebody would write them: ``Fn::Join`` and ``Ref`` as tokens."""
    import aws_cdk as cdk  # noqa: PLC0415 - is measured

    if isinstance(value, list):
        return [_typed(item) for item in value]
    if not isinstance(value, dict):
        return value
    match value:
        case {"Ref": name}:
            return cdk.Fn.ref(name)
        case {"Fn::GetAtt": [name, attribute]}:
            return cdk.Fn.get_att(name, attribute).to_string()
        case {"Fn::Join": [separator, parts]}:
            return cdk.Fn.join(separator, _typed(parts))
        case _:
            return {key: _typed(item) for key, item in value.items()}


def _snake(name: str) -> str:
    """Return CloudFormation's name of a property as Python's: ``S3Bucket`` is ``s3_bucket``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def main(arguments: list[str]) -> None:
    """Synthesize one of the two."""
    use_node()
    import aws_cdk as cdk  # noqa: PLC0415 - starts Node, which has to be found first

    kind, out, *template = arguments
    app = cdk.App(outdir=out, analytics_reporting=False)
    stack = cdk.Stack(app, STACK, env=cdk.Environment(account="111111111111", region="eu-central-1"))
    if kind == "guardrails":
        guardrails(stack)
    else:
        hand(stack, Path(template[0]))
    app.synth()


if __name__ == "__main__":
    main(sys.argv[1:])
