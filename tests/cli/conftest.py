"""The demo's app as a cloud assembly, and copies of it in which something is wrong."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).parents[2]
TEMPLATE = "Guardrails.template.json"
ALLOW_ALL = {"Sid": "Everything", "Effect": "Allow", "Action": "*", "Resource": "*"}


@pytest.fixture(scope="session")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's app, synthesized; without the gate, which fails a synthesis where these tests want to look."""
    import aws_cdk as cdk

    import app as demo

    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    application = cdk.App(context=context, outdir=str(tmp_path_factory.mktemp("assembly")))
    demo.build(application)
    return Path(application.synth().directory)


@pytest.fixture
def changed(assembly: Path, tmp_path: Path) -> Callable[[Callable[[Mapping[str, Any]], None]], Path]:
    """Makes a copy of the assembly, with its template's resources changed."""

    def make(change: Callable[[Mapping[str, Any]], None]) -> Path:
        copy = tmp_path / "changed"
        shutil.copytree(assembly, copy)
        template = json.loads((copy / TEMPLATE).read_text(encoding="utf-8"))
        change(template["Resources"])
        (copy / TEMPLATE).write_text(json.dumps(template), encoding="utf-8")
        return copy

    return make


def allow_everything(resources: Mapping[str, Any]) -> None:
    """Replace every policy and boundary by one that allows everything."""
    for resource in resources.values():
        if resource["Type"] == "AWS::IAM::ManagedPolicy":
            resource["Properties"]["PolicyDocument"]["Statement"] = [ALLOW_ALL]


@pytest.fixture
def open_assembly(changed: Callable[[Callable[[Mapping[str, Any]], None]], Path]) -> Path:
    """The demo's app without any guardrail."""
    return changed(allow_everything)


@pytest.fixture
def unknown_assembly(changed: Callable[[Callable[[Mapping[str, Any]], None]], Path]) -> Path:
    """The demo's app, with a policy on one role that is in no template."""

    def attach(resources: Mapping[str, Any]) -> None:
        role = next(
            r
            for r in resources.values()
            if r["Type"] == "AWS::IAM::Role" and str(r["Properties"].get("RoleName", "")).endswith("release-bot-read")
        )
        role["Properties"]["ManagedPolicyArns"].append("arn:aws:iam::aws:policy/AdministratorAccess")

    return changed(attach)
