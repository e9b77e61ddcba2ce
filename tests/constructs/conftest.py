from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest

import app as demo
from sudo_mcp_guardrails import Agent, AgentEnvironment, Guardrails

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
ACCOUNT = "111111111111"
Template = dict[str, Any]


@pytest.fixture(scope="session")
def flags() -> dict[str, Any]:
    """The recommended feature flags of this project's cdk.json."""
    context: dict[str, Any] = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    return context


@pytest.fixture
def agent() -> Agent:
    return make_agent()


def make_agent(
    name: str = "release-bot", services: tuple[str, ...] = ("dynamodb", "lambda", "s3"), **more: Any
) -> Agent:
    return Agent(
        name,
        owner="platform@example.com",
        services=services,
        environments=[AgentEnvironment.sandbox(ACCOUNT)],
        **more,
    )


@pytest.fixture(scope="session")
def make() -> Callable[..., Agent]:
    return make_agent


@pytest.fixture(scope="session")
def demo_assembly(flags: dict[str, Any]) -> Path:
    """The demo's app, synthesized under all rule packs."""
    application = cdk.App(context=flags)
    demo.build(application)
    Guardrails.of(application).enforce()
    return Path(application.synth().directory)


@pytest.fixture(scope="session")
def demo_template(demo_assembly: Path) -> Template:
    template: Template = json.loads((demo_assembly / "Guardrails.template.json").read_text(encoding="utf-8"))
    return template


@pytest.fixture(scope="session")
def demo_report(demo_assembly: Path) -> list[dict[str, Any]]:
    report = json.loads((demo_assembly / "validation-report.json").read_text(encoding="utf-8"))
    plugins: list[dict[str, Any]] = report["pluginReports"]
    return plugins
