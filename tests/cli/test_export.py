"""``mcp-guardrails export``, on the demo's app; what it writes for Terraform goes through the real one."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails import __version__, cli
from sudo_mcp_guardrails.iam.catalogue import catalogue_version
from sudo_mcp_guardrails.iam.documents import parse_document
from sudo_mcp_guardrails.local.demo.agents import ACCOUNT, AGENTS

if TYPE_CHECKING:
    from collections.abc import Callable

FORMATS = ("scp-json", "iam-json", "cloudformation", "terraform", "guard")
OF_AN_APP = ("iam-json", "cloudformation", "terraform")
KINDS = ("read", "plan", "apply", "execution")
SUMMARY = {"format", "files", "bytes", "folder", "left_out"}
BUCKET = "code"
ATTEMPTS = 3
MIRRORS = (
    Path("/opt/tf-plugins"),
    Path.home() / ".terraform.d/plugins",
    Path("/usr/local/share/terraform/plugins"),
    Path("/usr/share/terraform/plugins"),
)
"""Where a machine without a network may have providers."""


def said(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def arguments(form: str, out: Path, assembly: Path, *more: str) -> list[str]:
    app = ["-a", str(assembly)] if form in OF_AN_APP else []
    return ["export", "--format", form, "-o", str(out), *app, *more]


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("form", FORMATS)
def test_files_stand_under_a_manifest_and_are_the_same_each_time(
    form: str, assembly: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments(form, tmp_path / "one", assembly, "--json")) == 0
    answer = said(capsys)
    written = files(tmp_path / "one")
    assert set(answer["summary"]) == SUMMARY
    assert answer["summary"]["format"] == form
    assert answer["summary"]["files"] == len(written) == len(answer["items"])
    assert answer["summary"]["bytes"] == sum(map(len, written.values()))
    assert {item["file"]: (item["bytes"], item["sha256"]) for item in answer["items"]} == {
        path: (len(data), hashlib.sha256(data).hexdigest()) for path, data in written.items()
    }
    manifest = json.loads(written["manifest.json"])
    assert manifest["files"] == [item for item in answer["items"] if item["file"] != "manifest.json"]
    assert manifest["versions"] == {"sudo-mcp-guardrails": __version__, "actionCatalogue": catalogue_version()}
    assert cli.main(arguments(form, tmp_path / "two", assembly)) == 0
    assert files(tmp_path / "two") == written


def test_iam_json_has_every_role_of_every_agent(assembly: Path, tmp_path: Path) -> None:
    assert cli.main(arguments("iam-json", tmp_path / "out", assembly)) == 0
    for agent in AGENTS:
        for kind in KINDS:
            place = tmp_path / "out" / "Guardrails" / "roles" / f"mcp-guardrails-{agent.name}-{kind}"
            role = json.loads((place / "role.json").read_bytes())
            trust = parse_document(json.loads((place / "trust.json").read_bytes()))
            assert "sts:AssumeRole" in {action for statement in trust.statements for action in statement.actions}
            assert role["arn"].startswith(f"arn:aws:iam::{ACCOUNT}:role/mcp-guardrails/agents/{agent.name}/")
            for policy in (*role["attach"], role["boundary"]):
                text = (tmp_path / "out" / "Guardrails" / policy["file"]).read_text(encoding="utf-8")
                assert parse_document(json.loads(text)).statements


def test_cloudformation_writes_the_templates_as_they_are(assembly: Path, tmp_path: Path) -> None:
    assert cli.main(arguments("cloudformation", tmp_path / "out", assembly)) == 0
    written = files(tmp_path / "out")
    assert written["Guardrails.template.json"] == (assembly / "Guardrails.template.json").read_bytes()
    manifest = json.loads(written["manifest.json"])
    (asset,) = [entry for entry in manifest["files"] if "upload" in entry]
    for place in asset["upload"]:
        assert place["key"] in written["Guardrails.template.json"].decode()
        assert place["bucket"] in written["Guardrails.template.json"].decode()


def test_the_text_has_a_meter_for_policies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["export", "--format", "scp-json", "-o", str(tmp_path / "out")]) == 0
    text = capsys.readouterr().out
    for path in sorted((tmp_path / "out" / "scp").iterdir()):
        characters = len(path.read_text(encoding="utf-8"))
        assert f"{path}: {path.stat().st_size} bytes, {characters} of 10240 characters\n" in text


def test_settings_go_into_the_policies(tmp_path: Path) -> None:
    given = ["--prefix", "acme", "--regions", "us-gov-west-1", "--pack", "perimeter", "--pack", "regions"]
    given += ["--organization-id", "o-a1b2c3d4e5", "--partition", "aws-us-gov"]
    assert cli.main(["export", "--format", "scp-json", "-o", str(tmp_path / "out"), *given]) == 0
    written = files(tmp_path / "out")
    assert set(written) == {"manifest.json", "rcp/acme-perimeter-1.json", "scp/acme-regions-1.json"}
    assert b"o-a1b2c3d4e5" in written["rcp/acme-perimeter-1.json"]
    assert b"us-gov-west-1" in written["scp/acme-regions-1.json"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--format", "guard", "--synth"], "--app-dir and --synth do not go with --format guard"),
        (["--format", "iam-json", "--pack", "agents"], "do not go with --format iam-json"),
        (["--format", "scp-json", "--pack", "x"], "pack 'x' is not known, allowed are agents"),
        (["--format", "scp-json", "--pack", "regions"], "pack 'regions' has no statement"),
        (["--format", "scp-json", "--regions", "eu-nowhere-1"], "Region 'eu-nowhere-1'"),
        (["--format", "scp-json", "--organization-id", "r-abcd"], "organization 'r-abcd' is not allowed"),
        (["--format", "scp-json", "--prefix", "A"], "name prefix"),
        (["--format", "scp-json", "--partition", "aws-moon"], "--partition 'aws-moon' is not known"),
        (["--format", "scp-json", "--partition", "aws-cn", "--region", "eu-west-1"], "is in partition aws"),
        (["--format", "scp-json", "--account", "1"], "--account '1' is not allowed, expected 12 digits"),
        (["--format", "pdf"], "pdf"),
    ],
)
def test_bad_input_is_named_and_nothing_is_written(
    given: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["export", "-o", str(tmp_path / "out"), *given, "--json"]) == 2
    assert message in said(capsys)["error"]
    assert not (tmp_path / "out").exists()


def test_other_files_are_not_written_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine").write_text("mine", encoding="utf-8")
    command = ["export", "--format", "guard", "-o", str(tmp_path)]
    assert cli.main([*command, "--json"]) == 2
    assert "'mine'; give an empty folder, or --force" in said(capsys)["error"]
    assert set(files(tmp_path)) == {"mine"}
    assert cli.main([*command, "--force"]) == 0
    assert {"mine", "manifest.json"} < set(files(tmp_path))


@pytest.mark.parametrize("form", ["iam-json", "terraform"])
def test_roles_that_are_not_known_whole_are_not_exported(
    form: str, unknown_assembly: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(arguments(form, tmp_path / "out", unknown_assembly, "--json")) == 2
    assert "AdministratorAccess" in said(capsys)["error"]
    assert not (tmp_path / "out").exists()


@pytest.fixture(scope="module")
def anywhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An app whose account and Region are known at deployment alone."""
    import aws_cdk as cdk

    from sudo_mcp_guardrails import Agent, AgentEnvironment, AgentGuardrails

    app = cdk.App(outdir=str(tmp_path_factory.mktemp("anywhere")))
    agent = Agent("bot", owner="team@example.com", services=["s3"], environments=[AgentEnvironment.sandbox(ACCOUNT)])
    AgentGuardrails(cdk.Stack(app, "Anywhere"), "Agents", agents=[agent])
    return Path(app.synth().directory)


def test_iam_json_asks_for_the_account(anywhere: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(arguments("iam-json", tmp_path / "out", anywhere, "--json")) == 2
    assert "give --account" in said(capsys)["error"]
    more = ["--account", ACCOUNT, "--region", "cn-north-1"]
    assert cli.main(arguments("iam-json", tmp_path / "out", anywhere, *more)) == 0
    text = b"".join(files(tmp_path / "out").values()).decode()
    assert "${AWS::" not in text
    assert f"arn:aws-cn:iam::{ACCOUNT}:role/" in text


def test_policies_that_the_app_has_itself_are_not_made_twice(
    changed: Callable[[Callable[[Any], None]], Path], tmp_path: Path
) -> None:
    policy = {"Type": "AWS::Organizations::Policy", "Properties": {"Name": "p", "Type": "S3_POLICY", "Content": {}}}
    app = changed(lambda resources: resources.update(Scp=policy))
    assert cli.main(arguments("terraform", tmp_path / "out", app)) == 0
    assert not (tmp_path / "out" / "organization").exists()
    rest = json.loads((tmp_path / "out" / "Guardrails" / "rest.template.json").read_bytes())
    assert rest["Resources"]["Scp"] == policy
    assert cli.main(arguments("terraform", tmp_path / "out", app, "--pack", "agents")) == 0
    assert (tmp_path / "out" / "organization").exists()


@pytest.fixture(scope="module")
def terraform(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs Terraform in a folder, with the AWS provider of this machine."""
    binary = shutil.which("terraform")
    if binary is None:
        pytest.skip("this machine has no terraform")
    mirror = next((path for path in MIRRORS if (path / "registry.terraform.io/hashicorp/aws").is_dir()), None)
    if mirror is None:
        pytest.skip(f"this machine has no AWS provider for Terraform in {', '.join(map(str, MIRRORS))}")
    settings = tmp_path_factory.mktemp("terraform") / "terraformrc"
    settings.write_text(
        f'disable_checkpoint = true\nprovider_installation {{\n  filesystem_mirror {{ path = "{mirror}" }}\n}}\n',
        encoding="utf-8",
    )

    def run(folder: Path, *command: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        environment = {**(env or os.environ), "TF_CLI_CONFIG_FILE": str(settings), "TF_IN_AUTOMATION": "1"}
        done = subprocess.run(
            [binary, *command, "-no-color"],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-4000:]}"
        return done

    return run


def root(folder: Path, module: Path, **inputs: Any) -> Path:
    """Write a root module that uses an exported one."""
    folder.mkdir()
    main = {
        "provider": {
            "aws": [{"region": "us-east-1", "skip_credentials_validation": True, "s3_use_path_style": True}],
        },
        "module": {"it": {"source": str(module), **inputs}},
    }
    (folder / "main.tf.json").write_text(json.dumps(main), encoding="utf-8")
    return folder


def apply(run: Callable[..., Any], folder: Path, env: dict[str, str]) -> None:
    """Apply a root module; a second plan must find nothing to do, which is what its exit code then says."""
    run(folder, "init", env=env)
    # One resource at a time: in parallel, on a busy machine, the embedded AWS once in a while answers that a policy
    # exists already which this very apply has just asked for.
    run(folder, "apply", "-auto-approve", "-input=false", "-parallelism=1", env=env)
    run(folder, "plan", "-detailed-exitcode", "-input=false", env=env)


@pytest.mark.integration
def test_terraform_takes_every_module(
    assembly: Path, anywhere: Path, terraform: Callable[..., Any], tmp_path: Path
) -> None:
    packs = ["--pack", "agents", "--pack", "perimeter", "--pack", "management", "--organization-id", "o-a1b2c3d4e5"]
    for name, app in (("demo", assembly), ("anywhere", anywhere)):
        assert cli.main(arguments("terraform", tmp_path / name, app, *packs)) == 0
    for place in (tmp_path / "demo/Guardrails", tmp_path / "demo/organization", tmp_path / "anywhere/Anywhere"):
        terraform(place, "init", "-backend=false")
        found = json.loads(terraform(place, "validate", "-json").stdout)
        assert (found["valid"], found["diagnostics"]) == (True, [])


def on_embedded_aws(play: Callable[[Any, Path], None], folder: Path) -> None:
    """Play on an embedded AWS of its own; once more, on a new one, where a request was answered twice.

    On a busy machine the provider now and then asks again for what the embedded AWS has made already, and is told that
    it exists. Anything else that goes wrong is a failure at once.
    """
    from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws

    for attempt in range(ATTEMPTS):
        place = folder / f"attempt-{attempt}"
        place.mkdir()
        with EmbeddedAws() as running:
            try:
                play(running, place)
            except AssertionError as error:
                if attempt + 1 == ATTEMPTS or not re.search("already (exists|attached)", str(error)):
                    raise
            else:
                return


@pytest.mark.integration
def test_terraform_applies_the_agents_and_then_has_nothing_to_do(
    anywhere: Path, assembly: Path, terraform: Callable[..., Any], tmp_path: Path
) -> None:
    def play(aws: Any, folder: Path) -> None:
        _apply_agents(anywhere, assembly, terraform, aws, folder)

    on_embedded_aws(play, tmp_path)


def _apply_agents(anywhere: Path, assembly: Path, terraform: Callable[..., Any], aws: Any, tmp_path: Path) -> None:
    for name, app, account in (("Guardrails", assembly, ACCOUNT), ("Anywhere", anywhere, "333333333333")):
        assert cli.main(arguments("terraform", tmp_path / f"tf-{name}", app)) == 0
        aws.client("s3", account=account).create_bucket(Bucket=f"{BUCKET}-{account}")
        place = root(tmp_path / name, tmp_path / f"tf-{name}" / name, assets_bucket=f"{BUCKET}-{account}")
        apply(terraform, place, aws.environment(account))
        iam = aws.client("iam", account=account)
        arn = f"arn:aws:iam::{account}"
        agent = "release-bot" if app is assembly else "bot"
        role = iam.get_role(RoleName=f"mcp-guardrails-{agent}-read")["Role"]
        boundary = f"{arn}:policy/mcp-guardrails/boundary/mcp-guardrails-agent-{agent}"
        assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == boundary
        document = iam.get_policy_version(PolicyArn=boundary, VersionId="v1")["PolicyVersion"]["Document"]
        assert f"arn:aws:iam::{account}:" in json.dumps(document)
        assert "${AWS::" not in json.dumps(document)
        attached = iam.list_attached_role_policies(RoleName=role["RoleName"])["AttachedPolicies"]
        assert len(attached) == 6
        function = aws.client("lambda", account=account).get_function(FunctionName="mcp-guardrails-session-broker")
        assert function["Configuration"]["Role"] == f"{arn}:role/mcp-guardrails/mcp-guardrails-session-broker"
        stacks = aws.client("cloudformation", account=account).describe_stacks()["Stacks"]
        assert [stack["StackName"] for stack in stacks] == [name]


@pytest.mark.integration
def test_terraform_refuses_the_account_that_the_policies_do_not_name(
    assembly: Path, terraform: Callable[..., Any], tmp_path: Path
) -> None:
    def play(aws: Any, folder: Path) -> None:
        assert cli.main(arguments("terraform", folder / "tf", assembly)) == 0
        place = root(folder / "root", folder / "tf" / "Guardrails")
        terraform(place, "init")
        with pytest.raises(AssertionError, match=f"these policies are made for AccountId {ACCOUNT}"):
            terraform(place, "plan", "-input=false", env=aws.environment("444444444444"))

    on_embedded_aws(play, tmp_path)


@pytest.mark.integration
def test_terraform_attaches_the_organizations_policies(
    assembly: Path, terraform: Callable[..., Any], tmp_path: Path
) -> None:
    def play(aws: Any, folder: Path) -> None:
        _apply_organization(assembly, terraform, aws, folder)

    on_embedded_aws(play, tmp_path)


def _apply_organization(assembly: Path, terraform: Callable[..., Any], aws: Any, tmp_path: Path) -> None:
    assert cli.main(arguments("terraform", tmp_path / "tf", assembly)) == 0
    organizations = aws.client("organizations")
    organizations.create_organization(FeatureSet="ALL")
    target = organizations.list_roots()["Roots"][0]["Id"]
    place = root(tmp_path / "root", tmp_path / "tf" / "organization", scp_targets=[target])
    apply(terraform, place, aws.environment(aws.management_account))
    found = organizations.list_policies_for_target(TargetId=target, Filter="SERVICE_CONTROL_POLICY")["Policies"]
    assert {policy["Name"] for policy in found} >= {"mcp-guardrails-agents-1", "mcp-guardrails-agents-2"}
