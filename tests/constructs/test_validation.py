"""The gate: what fails synthesis, what cannot be silenced, and what is on record."""

from __future__ import annotations

import hashlib
import inspect
import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam

from sudo_mcp_guardrails import AgentGuardrails, DirectAssumption, Guardrails
from sudo_mcp_guardrails.constructs.acknowledgements import PACKS
from sudo_mcp_guardrails.constructs.evidence import EVIDENCE_FILE
from sudo_mcp_guardrails.constructs.guardrails import OpenFindingsError
from sudo_mcp_guardrails.constructs.validation import PLUGIN, GuardrailProof, today
from sudo_mcp_guardrails.iam import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.exemptions import Exemption, ExemptionError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails import Agent

ACCOUNT = "111111111111"
PROPERTY = "escalation/iam-create-policy-version"
ACTION = "iam:CreatePolicyVersion"
Json = dict[str, Any]
PASSES: Json = {"@aws-cdk/core:failSynthOnValidationErrors": False}


class Gate:
    """An app with one agent, and what its synthesis says."""

    def __init__(self, agent: Agent, out: Path, *, account: str | None = ACCOUNT, context: Json | None = None) -> None:
        self.app = cdk.App(outdir=str(out), analytics_reporting=False, context=context)
        env = None if account is None else cdk.Environment(account=account, region="us-east-1")
        self.stack = cdk.Stack(self.app, "Guardrails", env=env)
        self.guardrails = AgentGuardrails(self.stack, "Agents", agents=[agent])
        self.out = out

    def open(self) -> None:
        """Let the read role do anything: no boundary, and a policy that allows all."""
        role = self.guardrails.roles("release-bot").resources["read"]
        role.permissions_boundary = None
        statement = iam.PolicyStatement(sid="Oops", actions=["*"], resources=["*"])
        role.policies = [
            iam.CfnRole.PolicyProperty(policy_name="oops", policy_document=iam.PolicyDocument(statements=[statement]))
        ]

    def synth(self, **options: Any) -> str:
        """Synthesize, and return what went wrong; empty where nothing did."""
        Guardrails.of(self.app).enforce([], **{"guard_rules": [], **options})
        try:
            self.app.synth()
        except (RuntimeError, OpenFindingsError) as error:
            return str(error)
        return ""

    def evidence(self) -> Json:
        found: Json = json.loads((self.out / EVIDENCE_FILE).read_text(encoding="utf-8"))
        return found

    def report(self) -> Json:
        reports = json.loads((self.out / "validation-report.json").read_text(encoding="utf-8"))["pluginReports"]
        [found] = [r for r in reports if r["pluginName"] == PLUGIN]
        return dict(found)


@pytest.fixture
def gate(agent: Agent, tmp_path: Path) -> Gate:
    return Gate(agent, tmp_path / "out")


def exemption(days: int = 10, property_id: str = PROPERTY, agent: str = "release-bot") -> Exemption:
    return Exemption(property_id, agent, "ann@example.com", today() + timedelta(days=days), "until the migration ends")


def every_exemption(gate: Gate, days: int = 10) -> list[Exemption]:
    """Exemptions from all that is open; the evidence of a failed synthesis says what."""
    assert gate.synth()
    ids = {o["property"] for subject in gate.evidence()["subjects"] for o in subject["open"]}
    return [exemption(days, id_) for id_ in sorted(ids)]


def test_the_projects_own_agents_pass(gate: Gate) -> None:
    assert gate.synth() == ""
    summary = gate.evidence()["summary"]
    assert summary["witnesses"] == summary["not_proved"] == 0
    # Four roles, in three contexts.
    assert summary["proved"] >= 4 * 3 * 80


def test_a_witness_fails_with_the_request_the_sid_and_the_line(gate: Gate) -> None:
    gate.open()
    said = gate.synth()
    assert f"Rule {PLUGIN}::proof/{PROPERTY}" in said
    assert f"WITNESS: {ACTION} on " in said
    assert "identity:Oops" in said
    assert "Guardrails/Agents/release-bot/Roles/ReadRole" in said
    line = next(
        number
        for number, text in enumerate(Path(__file__).read_text(encoding="utf-8").splitlines(), start=1)
        if 'AgentGuardrails(self.stack, "Agents"' in text
    )
    assert f"test_validation.py:{line}" in said
    assert {v["severity"] for v in gate.report()["violations"]} == {"fatal"}


def test_all_three_contexts_are_proved(gate: Gate) -> None:
    gate.open()
    assert "(context aws-mcp, other-mcp, direct)" in gate.synth()


def test_what_a_grant_adds_is_seen(gate: Gate) -> None:
    role = gate.guardrails.roles("release-bot").execution_role
    iam.ManagedPolicy(
        gate.stack,
        "More",
        roles=[role],
        statements=[iam.PolicyStatement(sid="More", actions=["iam:*"], resources=["*"])],
    )
    boundary = gate.stack.node.find_child("Agents").node.find_child("ExecutionBoundary")
    assert isinstance(boundary, iam.CfnManagedPolicy)
    boundary.policy_document = {
        "Version": "2012-10-17",
        "Statement": [{"Sid": "Any", "Effect": "Allow", "Action": "*", "Resource": "*"}],
    }
    said = gate.synth()
    assert "identity:More" in said
    assert "release-bot (execution)" in said


class TestNothingPasses:
    """Neither the CDK's settings nor the choice of a stack let a finding pass."""

    def other(self, gate: Gate) -> None:
        """Weaken the apply role from another stack, as ``cdk deploy Other`` alone would."""
        stack = cdk.Stack(gate.app, "Other", env=cdk.Environment(account=ACCOUNT, region="us-east-1"))
        statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        policy = {"Version": "2012-10-17", "Statement": [statement]}
        properties = {"PolicyDocument": policy, "Roles": ["mcp-guardrails-release-bot-apply"]}
        cdk.CfnResource(stack, "P", type="AWS::IAM::ManagedPolicy", properties=properties)

    def test_every_stack_is_stopped(self, gate: Gate) -> None:
        self.other(gate)
        said = gate.synth()
        assert "findings stop every stack of this app" in said
        bare = [v for v in gate.report()["violations"] if v["ruleName"] == "proof/app"]
        # The CLI keeps a finding that names no construct, whichever stacks are selected.
        assert sorted(len(v["violatingConstructs"]) for v in bare) == [0, 2]

    @pytest.mark.parametrize("version", [None, "2.1148.1"])
    def test_python_fails_where_the_cdk_does_not(
        self, agent: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str | None
    ) -> None:
        gate = Gate(agent, tmp_path / "out", context=PASSES)
        gate.open()
        monkeypatch.delenv("CDK_CLI_VERSION", raising=False)
        if version is not None:  # but no output folder, as the CLI gives one
            monkeypatch.setenv("CDK_CLI_VERSION", version)
        Guardrails.of(gate.app).enforce([], guard_rules=[])
        with pytest.raises(OpenFindingsError, match="synthesis passed with open findings: proof/"):
            gate.app.synth()

    def test_the_cli_fails_by_the_report_itself(
        self, agent: Agent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        gate = Gate(agent, tmp_path / "out", context=PASSES)
        gate.open()
        Guardrails.of(gate.app).enforce([], guard_rules=[])
        monkeypatch.setenv("CDK_CLI_VERSION", "2.1148.1")
        monkeypatch.setenv("CDK_OUTDIR", str(gate.out))
        gate.app.synth()
        assert gate.report()["conclusion"] == "failure"

    def test_a_template_that_is_not_understood_is_a_finding(self, gate: Gate) -> None:
        # An exception would leave a report without violations, which the CLI takes for a success.
        stack = cdk.Stack(gate.app, "Other")
        cdk.CfnResource(stack, "R", type="AWS::IAM::Role", properties={"Path": ["x"]})
        assert "Resources.R.Properties.Path: expected a string" in gate.synth()
        assert {v["ruleName"] for v in gate.report()["violations"]} == {"proof/error", "proof/app"}

    @pytest.mark.parametrize("text", ['{"Resources": [{}]}', "[" * 200_000])
    def test_one_in_which_no_resource_can_be_named_is_a_finding(self, tmp_path: Path, text: str) -> None:
        template = tmp_path / "x.template.json"
        template.write_text(text, encoding="utf-8")
        proof = GuardrailProof(cdk.App(outdir=str(tmp_path / "out"), analytics_reporting=False))
        context: Any = SimpleNamespace(template_paths=[str(template)])
        report = proof.validate(context)
        assert not report.success
        assert {violation.rule_name for violation in report.violations} == {"proof/error", "proof/app"}
        assert any(stop.startswith("proof/error: ") for stop in proof.stops)


class TestAcknowledgement:
    def test_a_witness_cannot_be_acknowledged(self, gate: Gate) -> None:
        gate.open()
        for place in (gate.app, gate.stack, gate.guardrails):
            acknowledgement = cdk.Acknowledgment(id=f"{PLUGIN}::proof/{PROPERTY}", reason="we know")
            cdk.Validations.of(place).acknowledge(acknowledgement)
        said = gate.synth()
        assert f"'proof/{PROPERTY}' on the app: a proof cannot be acknowledged, expected an Exemption" in said
        assert f"'proof/{PROPERTY}' on 'Guardrails/Agents'" in said
        assert gate.report()["conclusion"] == "failure"

    def test_not_even_by_metadata_from_an_aspect(self, gate: Gate) -> None:
        gate.open()
        gate.stack.node.add_metadata("aws:cdk:acknowledged-rules", {f"{PLUGIN}::proof/{PROPERTY}": "hush"})
        assert "a proof cannot be acknowledged" in gate.synth()

    @pytest.mark.parametrize(
        "finding", ["AwsSolutions-S1", "awssolutions-IAM5[Resource::*]", "PCI.DSS.321-IAMNoInlinePolicy"]
    )
    def test_a_packs_finding_needs_its_pack(self, gate: Gate, finding: str) -> None:
        cdk.Validations.of(gate.stack).acknowledge(cdk.Acknowledgment(id=finding, reason="we know"))
        assert f"'{finding}' on 'Guardrails': has no pack, expected PACK::{finding}" in gate.synth()

    def test_on_a_stage_too(self, gate: Gate) -> None:
        stage = cdk.Stage(gate.app, "Prod")
        cdk.Stack(stage, "Other")
        cdk.Validations.of(stage).acknowledge(cdk.Acknowledgment(id="AwsSolutions-S1", reason="we know"))
        assert "'AwsSolutions-S1' on 'Prod': has no pack" in gate.synth()

    def test_others_stay_allowed_and_are_evidence(self, gate: Gate) -> None:
        for finding in ("AwsSolutions::AwsSolutions-S1", "@aws-cdk/core:something"):
            cdk.Validations.of(gate.app).acknowledge(cdk.Acknowledgment(id=finding, reason="we know"))
        assert gate.synth() == ""
        assert {"construct": "", "finding": "AwsSolutions::AwsSolutions-S1"} in gate.evidence()["acknowledged"]


class TestExemptions:
    def test_one_counts_for_its_property_alone(self, gate: Gate) -> None:
        gate.open()
        said = gate.synth(exemptions=[exemption()])
        severities = {v["ruleName"]: v["severity"] for v in gate.report()["violations"]}
        assert severities.pop(f"proof/{PROPERTY}") == "warning"
        assert set(severities.values()) == {"fatal"}
        assert "ann@example.com answers for it: until the migration ends" in said

    def test_with_all_exempted_synthesis_passes_loudly(self, agent: Agent, tmp_path: Path) -> None:
        first = Gate(agent, tmp_path / "first")
        first.open()
        exemptions = every_exemption(first)
        second = Gate(agent, tmp_path / "second")
        second.open()
        assert second.synth(exemptions=exemptions) == ""
        assert {v["severity"] for v in second.report()["violations"]} == {"warning"}
        assert second.evidence()["summary"]["witnesses"] > 0
        assert [e["expired"] for e in second.evidence()["exemptions"]] == [False] * len(exemptions)

    def test_an_expired_one_does_not_count(self, gate: Gate) -> None:
        gate.open()
        assert f"Rule {PLUGIN}::proof/{PROPERTY}" in gate.synth(exemptions=[exemption(days=-1)])
        assert gate.evidence()["exemptions"][0]["expired"] is True

    def test_one_that_lasts_too_long_is_refused_at_once(self, gate: Gate) -> None:
        with pytest.raises(ExemptionError, match="90 days from today"):
            gate.synth(exemptions=[exemption(days=91)])

    def test_one_from_nothing_fails_synthesis(self, gate: Gate) -> None:
        assert "property 'nope' of an exemption is not known" in gate.synth(exemptions=[exemption(property_id="nope")])

    def test_one_for_nobody_fails_synthesis(self, gate: Gate) -> None:
        assert "agent 'nobody' of an exemption is not known" in gate.synth(exemptions=[exemption(agent="nobody")])


class TestNotProved:
    def test_a_stray_role_and_a_free_workload(self, gate: Gate) -> None:
        for id_, path in (("Stray", "nobody/"), ("Workload", "release-bot/workloads/")):
            iam.Role(
                gate.stack,
                id_,
                path=f"/mcp-guardrails/agents/{path}",
                assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
            )
        said = gate.synth()
        assert "no template of its account declares agent 'nobody'" in said
        assert "its boundary is None, expected the agent's" in said
        assert gate.evidence()["summary"]["not_proved"] == 2

    def test_a_managed_policy_from_elsewhere(self, agent: Agent, tmp_path: Path) -> None:
        arn = "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"
        viewing = PolicyDocument("ViewOnly", (Statement("View", "Allow", ("s3:ListAllMyBuckets",), resources=("*",)),))
        for name, known, expected in (
            ("unknown", {}, "is in no template and was not given"),
            ("known", {arn: viewing}, ""),
        ):
            gate = Gate(agent, tmp_path / name)
            resource = gate.guardrails.roles("release-bot").resources["read"]
            resource.managed_policy_arns = [*(resource.managed_policy_arns or []), arn]
            said = gate.synth(known_policies=known)
            assert expected in said
            assert bool(said) is bool(expected)

    def test_roles_in_a_nested_stack_are_read(self, gate: Gate) -> None:
        nested = cdk.NestedStack(gate.stack, "Nested")
        principal = iam.ServicePrincipal("lambda.amazonaws.com")
        iam.Role(nested, "Stray", path="/mcp-guardrails/agents/release-bot/workloads/", assumed_by=principal)
        assert "its boundary is None, expected the agent's" in gate.synth()

    def test_a_role_that_trusts_others_than_declared(self, gate: Gate) -> None:
        role = gate.guardrails.roles("release-bot").resources["apply"]
        statement = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
        role.add_property_override("AssumeRolePolicyDocument", {"Version": "2012-10-17", "Statement": [statement]})
        assert "of its trust policy lets '*' do 'sts:assumerole'" in gate.synth()
        assert "proof/trust" in {v["ruleName"] for v in gate.report()["violations"]}

    def test_a_role_off_its_path(self, gate: Gate) -> None:
        role = gate.guardrails.roles("release-bot").resources["apply"]
        role.add_property_override("Path", "/")
        said = gate.synth()
        assert "no template has its role '/mcp-guardrails/agents/release-bot/mcp-guardrails-release-bot-apply'" in said
        assert "it has the name of an agent's role, at '/'" in said

    @pytest.mark.parametrize("value", [None, {}])
    def test_a_declaration_that_was_changed_or_removed(self, gate: Gate, value: Json | None) -> None:
        metadata = gate.stack.template_options.metadata
        assert metadata is not None
        [(key, declared)] = metadata.items()
        gate.stack.add_metadata(key, value if value is None else {**declared, "services": ["iam"]})
        assert "does not declare agent 'release-bot' as it was made" in gate.synth()

    def test_a_nested_stack_that_cannot_be_read(self, gate: Gate) -> None:
        cdk.CfnStack(gate.stack, "Nested", template_url="https://bucket.s3.amazonaws.com/t.json")
        assert "the template of nested stack 'Guardrails/Nested' is not among the files" in gate.synth()
        assert gate.evidence()["summary"]["not_proved"] == 1

    def test_a_macro(self, gate: Gate) -> None:
        gate.stack.template_options.transforms = ["Mine"]
        said = gate.synth()
        assert "macro 'Mine' rewrites template 'Guardrails' at deployment" in said
        # Its four roles, and the app.
        assert gate.evidence()["summary"] == {"agents": 1, "proved": 0, "witnesses": 0, "not_proved": 5}

    def test_brokers_and_people_who_were_declared_are_trusted(self, agent: Agent, tmp_path: Path) -> None:
        app = cdk.App(outdir=str(tmp_path))
        env = cdk.Environment(account=ACCOUNT, region="us-east-1")
        other = cdk.Stack(app, "Approval", env=env)
        AgentGuardrails(
            cdk.Stack(app, "Guardrails", env=env),
            "Agents",
            agents=[agent],
            apply_broker=iam.Role(other, "Role", assumed_by=iam.AccountRootPrincipal()),
            direct_assumption=DirectAssumption((f"arn:aws:iam::{ACCOUNT}:user/ann",)),
        )
        Guardrails.of(app).enforce([], guard_rules=[])
        app.synth()


class TestEvidence:
    def test_what_it_holds(self, gate: Gate) -> None:
        assert gate.synth() == ""
        found = gate.evidence()
        template = (gate.out / "Guardrails.template.json").read_bytes()
        assert found["templates"] == {"Guardrails.template.json": hashlib.sha256(template).hexdigest()}
        assert set(found["versions"]) == {
            *("action-catalogue", "aws-cdk-lib", "cdk-nag", "escalation-catalogue", "sudo-mcp-guardrails"),
        }
        assert found["packs"] == []
        assert found["contexts"] == ["aws-mcp", "direct", "other-mcp"]
        assert [(s["agent"], s["capability"], s["open"]) for s in found["subjects"]] == [
            ("release-bot", kind, []) for kind in ("apply", "execution", "plan", "read", "workload")
        ]
        assert PROPERTY in found["properties"]
        for subject in found["subjects"]:
            assert subject["proved"] == len(found["properties"]) - len(subject["not_asked"]) > 80

    def test_packs_are_on_record_also_without_findings(self, demo_assembly: Path) -> None:
        found = json.loads((demo_assembly / EVIDENCE_FILE).read_text(encoding="utf-8"))
        assert found["packs"] == sorted(PACKS)
        assert found["summary"]["agents"] == 2
        assert found["summary"]["witnesses"] == found["summary"]["not_proved"] == 0
        assert found["acknowledged"]

    def test_the_witness_is_in_it(self, gate: Gate) -> None:
        gate.open()
        assert gate.synth()
        [read] = [s for s in gate.evidence()["subjects"] if s["capability"] == "read"]
        found = [o for o in read["open"] if o["property"] == PROPERTY]
        assert sorted(o["context"] for o in found) == ["aws-mcp", "direct", "other-mcp"]
        for witness in found:
            assert witness["verdict"] == "WITNESS"
            assert witness["requests"][0]["action"] == ACTION
            assert ["identity", "Oops"] in witness["sids"]

    def test_the_same_bytes_each_time(self, agent: Agent, tmp_path: Path) -> None:
        written = []
        for name in ("one", "two"):
            gate = Gate(agent, tmp_path / name)
            gate.open()
            gate.synth()
            written.append((gate.out / EVIDENCE_FILE).read_bytes())
        assert written[0] == written[1]
        assert str(tmp_path).encode() not in written[0]

    def test_it_can_be_left_out_and_an_earlier_one_never_stays(self, gate: Gate) -> None:
        (gate.out / EVIDENCE_FILE).write_text("of yesterday", encoding="utf-8")
        assert gate.synth(evidence=False) == ""
        assert not (gate.out / EVIDENCE_FILE).exists()

    def test_the_cdk_takes_it_for_no_change_of_the_assembly(self, agent: Agent, tmp_path: Path) -> None:
        # Older releases always check, and have no such prop.
        prop = "confirm_validation_plugins_do_not_mutate"
        checked: dict[str, Any] = {prop: True} if prop in inspect.signature(cdk.App.__init__).parameters else {}
        for _ in range(2):  # the second time the file is there already
            app = cdk.App(outdir=str(tmp_path), **checked)
            AgentGuardrails(
                cdk.Stack(app, "S", env=cdk.Environment(account=ACCOUNT, region="us-east-1")), "A", agents=[agent]
            )
            Guardrails.of(app).enforce([], guard_rules=[])
            app.synth()
        assert (tmp_path / EVIDENCE_FILE).exists()


def test_an_account_that_is_not_known_yet(make: Callable[..., Agent], tmp_path: Path) -> None:
    gate = Gate(make(), tmp_path, account=None)
    assert gate.synth() == ""
    assert {s["account"] for s in gate.evidence()["subjects"]} == {ACCOUNT}


def test_an_app_without_agents_has_nothing_to_prove(tmp_path: Path) -> None:
    app = cdk.App(outdir=str(tmp_path))
    cdk.Stack(app, "Empty")
    Guardrails.of(app).enforce([], guard_rules=[])
    app.synth()
    found = json.loads((tmp_path / EVIDENCE_FILE).read_text(encoding="utf-8"))
    assert found["summary"] == {"agents": 0, "proved": 0, "witnesses": 0, "not_proved": 0}
