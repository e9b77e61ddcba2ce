"""The build that applies a saved plan: what it compares, and what its commands are."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.approval.applying import compare
from sudo_mcp_guardrails.approval.applying.buildspec import MODULE, buildspec
from sudo_mcp_guardrails.approval.plan import Form
from sudo_mcp_guardrails.approval.store.bundle import Bundle
from tests.approval.reading import samples

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SAVED = b"a saved plan"


@pytest.fixture
def files(tmp_path: Path) -> tuple[list[str], Bundle]:
    known = {"artifact": hashlib.sha256(SAVED).hexdigest(), "target": "default", "options": {"PlanKey": "k"}}
    bundle = Bundle(Form.TERRAFORM, samples.terraform(), known)
    paths = [tmp_path / name for name in ("bundle.json", "shown.json", "approved.tfplan")]
    for path, data in zip(paths, (bundle.to_json(), json.dumps(samples.terraform()).encode(), SAVED), strict=True):
        path.write_bytes(data)
    return [*map(str, paths), bundle.plan().digest], bundle


def test_the_approved_plan_passes(files: tuple[list[str], Bundle], capsys: pytest.CaptureFixture[str]) -> None:
    assert compare.main(files[0]) == 0
    assert files[0][3] in capsys.readouterr().out


def _shown(change: Callable[[dict[str, Any]], None]) -> bytes:
    plan = samples.terraform()
    change(plan)
    return json.dumps(plan).encode()


@pytest.mark.parametrize(
    ("place", "data"),
    [
        (1, _shown(lambda plan: plan["resource_changes"][0]["change"]["after"].update(name="other"))),
        (1, _shown(lambda plan: plan["resource_changes"].pop(0))),
        (1, b"{}"),
        (1, b"not JSON"),
        (2, SAVED + b"!"),
        (0, Bundle(Form.API_CALLS, [], {}).to_json()),
        (0, b"{}"),
    ],
)
def test_everything_else_does_not(
    files: tuple[list[str], Bundle], capsys: pytest.CaptureFixture[str], place: int, data: bytes
) -> None:
    from pathlib import Path

    Path(files[0][place]).write_bytes(data)
    assert compare.main(files[0]) == 1
    assert "not the approved plan" in capsys.readouterr().err


def test_another_digest_and_missing_arguments(files: tuple[list[str], Bundle]) -> None:
    arguments = files[0]
    assert compare.main([*arguments[:3], "0" * 64]) == 1
    assert compare.main(arguments[:3]) == 2
    assert compare.main(["/nowhere", *arguments[1:]]) == 1


def test_the_build_compares_before_it_applies() -> None:
    spec = json.loads(buildspec(terraform="tofu"))
    commands = spec["phases"]["build"]["commands"]
    order = [next(n for n, line in enumerate(commands) if part in line) for part in ("sha256sum", MODULE, "tofu apply")]
    assert order == sorted(order)
    assert spec["env"]["exported-variables"] == ["APPLIED_DIGEST"]
    assert "install" not in spec["phases"]
    assert spec["phases"]["build"]["finally"] == ["rm -f approved.tfplan bundle.json shown.json"]
    assert (
        json.loads(buildspec(install=("pip install x==1",)))["phases"]["install"]["commands"][-1] == "pip install x==1"
    )


@pytest.mark.parametrize(("right", "code"), [(True, 0), (False, 1)])
def test_a_build_with_another_file_applies_nothing(tmp_path: Path, *, right: bool, code: int) -> None:
    """The commands themselves, with programs of our own in the place of the AWS CLI, Terraform and Python."""
    bash = shutil.which("bash")
    assert bash
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in {
        "aws": '#!/bin/sh\nfor last; do :; done\nprintf "a saved plan" > "$last"\n',
        "terraform": f'#!/bin/sh\necho "$1" >> {tmp_path}/ran\necho "{{}}"\n',
        "python3": "#!/bin/sh\nexit 0\n",
    }.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    build = json.loads(buildspec())["phases"]["build"]
    commands = build["commands"]
    hashed = hashlib.sha256(SAVED).hexdigest() if right else "0" * 64
    names = ("PLAN_BUCKET", "PLAN_KEY", "PLAN_VERSION", "BUNDLE_BUCKET", "BUNDLE_KEY", "BUNDLE_VERSION", "PLAN_DIGEST")
    environment = {**dict.fromkeys(names, "x"), "PLAN_FILE_SHA256": hashed, "PATH": f"{programs}:/usr/bin:/bin"}
    done = subprocess.run([bash, "-c", "\n".join(commands)], env=environment, cwd=tmp_path, timeout=30, check=False)
    assert done.returncode == code
    ran = (tmp_path / "ran").read_text().split() if (tmp_path / "ran").exists() else []
    assert ran == (["init", "show", "apply"] if right else [])
    assert (tmp_path / "approved.tfplan").exists()
    subprocess.run([bash, "-c", "\n".join(build["finally"])], cwd=tmp_path, timeout=30, check=True)
    assert not any((tmp_path / name).exists() for name in ("approved.tfplan", "bundle.json", "shown.json"))
