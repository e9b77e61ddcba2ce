"""The hook as a resource, and its rules at synthesis."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import Mock

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3

from sudo_mcp_guardrails import Guardrails, accept_risk
from sudo_mcp_guardrails.constructs import guard_rules
from sudo_mcp_guardrails.constructs.guard_hook import GuardHook, RuleVersion
from sudo_mcp_guardrails.constructs.guard_rules import PLUGIN, UNREAD, GuardRules
from sudo_mcp_guardrails.policies.hooks import FOR_EVERYONE, HOOK_RULES, HookRuleError, guard_text

if TYPE_CHECKING:
    from collections.abc import Callable

Template = dict[str, Any]
EXECUTION = "arn:aws:iam::111111111111:role/mcp-guardrails/agents/bot/mcp-guardrails-bot-execution"


def new_stack(region: str = "eu-central-1", **context: Any) -> cdk.Stack:
    env = cdk.Environment(account="111111111111", region=region)
    return cdk.Stack(cdk.App(context=context), "Hooks", env=env)


def resources(stack: cdk.Stack) -> dict[str, list[Template]]:
    found: dict[str, list[Template]] = {}
    for resource in assertions.Template.from_stack(stack).to_json()["Resources"].values():
        found.setdefault(resource["Type"], []).append(resource["Properties"])
    return found


def hook_of(stack: cdk.Stack) -> Template:
    [hook] = resources(stack)["AWS::CloudFormation::GuardHook"]
    return hook


def pinned(stack: cdk.Stack) -> RuleVersion:
    return RuleVersion(s3.Bucket.from_bucket_name(stack, "RuleBucket", "rules"), "hooks/all.guard", "v1")


def test_the_hook_fails_and_is_on_everywhere() -> None:
    stack = new_stack()
    hook = GuardHook(stack, "Hook")
    made = hook_of(stack)
    location = made.pop("RuleLocation")
    role = made.pop("ExecutionRole")
    assert made == {
        "Alias": "McpGuardrails::Guard::Hook",
        "FailureMode": "FAIL",
        "HookStatus": "ENABLED",
        "TargetOperations": ["RESOURCE", "STACK", "CHANGE_SET", "CLOUD_CONTROL"],
        "TargetFilters": {"Actions": ["CREATE", "UPDATE"]},
    }
    assert set(location) == {"Uri"}
    assert re.fullmatch(r"s3://cdk-hnb659fds-assets-111111111111-eu-central-1/[0-9a-f]{64}\.guard", location["Uri"])
    assert role["Fn::GetAtt"][1] == "Arn"
    assert hook.rules == FOR_EVERYONE


def test_the_asset_is_the_text_of_the_rules() -> None:
    stack = new_stack()
    GuardHook(stack, "Hook", open_ports=[8443])
    assembly = cdk.App.of(stack).synth()  # type: ignore[union-attr]
    [file] = Path(assembly.directory).glob("asset.*.guard")
    assert file.read_text(encoding="utf-8") == guard_text(FOR_EVERYONE, open_ports=[8443])
    assert file.name.removeprefix("asset.") in hook_of(stack)["RuleLocation"]["Uri"]


def test_a_version_is_pinned() -> None:
    stack = new_stack()
    GuardHook(stack, "Hook", rule_version=pinned(stack))
    assert hook_of(stack)["RuleLocation"] == {"Uri": "s3://rules/hooks/all.guard", "VersionId": "v1"}
    assert cdk.App.of(stack).synth().get_stack_by_name("Hooks").messages == []  # type: ignore[union-attr]


def test_the_role_reads_its_rules_and_nothing_else() -> None:
    stack = new_stack()
    key = kms.Key.from_key_arn(stack, "Key", "arn:aws:kms:eu-central-1:111111111111:key/k")
    bucket = s3.Bucket.from_bucket_attributes(stack, "RuleBucket", bucket_name="rules", encryption_key=key)
    GuardHook(stack, "Hook", rule_version=RuleVersion(bucket, "all.guard", "v1"))
    made = resources(stack)
    [policy] = made["AWS::IAM::ManagedPolicy"]
    arn = ["arn:", {"Ref": "AWS::Partition"}, ":s3:::rules"]
    granted = {s["Sid"]: (s["Action"], s["Resource"]) for s in policy["PolicyDocument"]["Statement"]}
    assert granted == {
        "HookReadRules": (
            ["s3:GetObject", "s3:GetObjectVersion"],
            {"Fn::Join": ["", [*arn[:2], ":s3:::rules/all.guard"]]},
        ),
        "HookListRules": ("s3:ListBucket", {"Fn::Join": ["", arn]}),
        "HookDecryptRules": ("kms:Decrypt", "arn:aws:kms:eu-central-1:111111111111:key/k"),
    }
    [role] = made["AWS::IAM::Role"]
    assert role["Path"] == "/mcp-guardrails/hooks/"
    assert role["AssumeRolePolicyDocument"]["Statement"] == [
        {
            "Sid": "TrustHooks",
            "Effect": "Allow",
            "Principal": {"Service": "hooks.cloudformation.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ]
    assert len(role["ManagedPolicyArns"]) == 1
    assert "Policies" not in role


def test_a_hook_for_agents_has_all_rules_and_no_cloud_control() -> None:
    stack = new_stack()
    role = iam.Role.from_role_arn(stack, "Role", EXECUTION)
    hook = GuardHook(stack, "Hook", stack_roles=[role, f"{EXECUTION}2"], rule_version=pinned(stack))
    made = hook_of(stack)
    assert hook.rules == tuple(HOOK_RULES)
    assert made["TargetOperations"] == ["RESOURCE", "STACK", "CHANGE_SET"]
    assert made["StackFilters"] == {
        "FilteringCriteria": "ALL",
        "StackRoles": {"Include": [EXECUTION, f"{EXECUTION}2"]},
    }


def test_suppressions_alone_need_templates_alone() -> None:
    stack = new_stack()
    GuardHook(stack, "Hook", rules=["suppressions"], stack_roles=[EXECUTION])
    assert hook_of(stack)["TargetOperations"] == ["STACK", "CHANGE_SET"]


@pytest.mark.parametrize(
    ("options", "warnings"),
    [
        ({}, ["unpinned"]),
        ({"warn_only": True}, ["unpinned", "warn-only"]),
        ({"rules": ["missing-tags"]}, ["every-stack", "unpinned"]),
        ({"rules": ["missing-tags"], "stack_roles": [EXECUTION]}, ["unpinned"]),
    ],
)
def test_what_is_weaker_is_loud(options: dict[str, Any], warnings: list[str]) -> None:
    stack = new_stack()
    GuardHook(stack, "Hook", **options)
    messages = cdk.App.of(stack).synth().get_stack_by_name("Hooks").messages  # type: ignore[union-attr]
    found = re.findall(r"@sudo-mcp-guardrails/hook:([\w-]+)", str([message.entry.data for message in messages]))
    assert sorted(found) == warnings
    assert hook_of(stack)["FailureMode"] == ("WARN" if options.get("warn_only") else "FAIL")


@pytest.mark.parametrize("region", ["us-east-1", "us-gov-west-1", "cn-north-1"])
def test_partitions_and_two_copies(region: str) -> None:
    stack = new_stack(region)
    for id_ in ("One", "Two"):
        GuardHook(stack, id_)
    made = resources(stack)
    aliases = [hook["Alias"] for hook in made["AWS::CloudFormation::GuardHook"]]
    assert aliases == ["McpGuardrails::Guard::One", "McpGuardrails::Guard::Two"]
    assert re.findall(r"arn:aws[a-z-]*:", json.dumps(made)) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rules": ["x"]}, "hook rule 'x' is not known"),
        ({"alias": "AWS::Guard::Hook"}, "hook alias 'AWS::Guard::Hook' is not allowed"),
        ({"alias": "Hook"}, "hook alias 'Hook' is not allowed"),
        ({"open_ports": ["443"]}, "port '443' of open_ports is not allowed, expected a whole number of 0 to 65535"),
        ({"open_ports": [True]}, "port True of open_ports is not allowed"),
        ({"open_ports": [65536]}, "port 65536 of open_ports is not allowed"),
        ({"open_ports": [-1], "rules": ["missing-tags"]}, "port -1 of open_ports is not allowed"),
        ({"open_ports": 443}, "open_ports 443 are not allowed, expected a list of whole numbers"),
        ({"open_ports": "443"}, "open_ports '443' are not allowed"),
        ({"required_tags": [5]}, "tag 5 of required_tags is not allowed, expected text"),
        ({"required_tags": "owner"}, "required_tags 'owner' are not allowed, expected a list of keys"),
        ({"required_tags": None}, "required_tags None are not allowed"),
        ({"stack_roles": [EXECUTION] * 51}, "hook has 51 stack roles, allowed are 50"),
    ],
)
def test_bad_input(options: dict[str, Any], message: str) -> None:
    with pytest.raises(HookRuleError, match=re.escape(message)):
        GuardHook(new_stack(), "Hook", **options)


@pytest.mark.parametrize(("key", "version"), [("all.txt", "v1"), ("all.guard", ""), ("all.guard", "null")])
def test_bad_rule_version(key: str, version: str) -> None:
    bucket = s3.Bucket.from_bucket_name(new_stack(), "RuleBucket", "rules")
    with pytest.raises(HookRuleError, match="rule file"):
        RuleVersion(bucket, key, version)


def test_an_alias_is_taken_once_in_an_account_and_region() -> None:
    app = cdk.App()

    def stack(id_: str, account: str | None, region: str | None) -> cdk.Stack:
        return cdk.Stack(app, id_, env=cdk.Environment(account=account, region=region))

    first = stack("First", "111111111111", "eu-central-1")
    GuardHook(first, "Hook")
    for other in (
        stack("Region", "111111111111", "eu-west-1"),
        stack("Account", "222222222222", "eu-central-1"),
        stack("Open", None, None),
        stack("OpenToo", None, None),
    ):
        GuardHook(other, "Hook")
    GuardHook(stack("Second", "111111111111", "eu-central-1"), "Other")
    taken = re.escape(
        "hook alias 'McpGuardrails::Guard::Hook' of 'Third/Hook' is taken by 'First/Hook' in account 111111111111 and "
        "Region eu-central-1, expected one that is unique there: give one of them another alias"
    )
    with pytest.raises(HookRuleError, match=taken):
        GuardHook(stack("Third", "111111111111", "eu-central-1"), "Hook")
    one = stack("One", None, None)
    GuardHook(one, "Hook", alias="Own::Guard::Hook")
    with pytest.raises(HookRuleError, match="'One/Another' is taken by 'One/Hook' in account and Region of 'One'"):
        GuardHook(one, "Another", alias="Own::Guard::Hook")


def open_group(stack: cdk.Stack) -> ec2.CfnSecurityGroup:
    world = {"ipProtocol": "tcp", "fromPort": 22, "toPort": 22, "cidrIp": "0.0.0.0/0"}
    return ec2.CfnSecurityGroup(stack, "Group", group_description="x", security_group_ingress=[world])


@pytest.mark.parametrize("broken", [False, True])
def test_the_packs_the_proof_and_the_rules_pass_on_a_hook(flags: dict[str, Any], *, broken: bool) -> None:
    stack = new_stack(**flags)
    hook = GuardHook(stack, "Hook", rule_version=pinned(stack))
    accept_risk(hook.role, reason="shown to be possible, Checkov finds nothing here", checkov=["CKV_AWS_60"])
    app = cdk.App.of(stack)
    assert isinstance(app, cdk.App)
    Guardrails.of(app).enforce()
    if broken:  # so that silence above is known to be one of rules that ran
        open_group(stack)
        with pytest.raises(RuntimeError, match=r"(?s)AwsSolutions-EC23.*SMG_HOOK_OPEN_SECURITY_GROUPS"):
            app.synth()
        return
    report = json.loads((Path(app.synth().directory) / "validation-report.json").read_text(encoding="utf-8"))
    assert [violation for plugin in report["pluginReports"] for violation in plugin["violations"]] == []


@pytest.mark.parametrize("with_flags", [False, True])
def test_synthesis_fails_by_the_hooks_rules(flags: dict[str, Any], *, with_flags: bool) -> None:
    stack = new_stack(**(flags if with_flags else {}))
    open_group(stack)
    app = cdk.App.of(stack)
    assert isinstance(app, cdk.App)
    cdk.Validations.of(app).add_plugins(GuardRules())
    with pytest.raises(RuntimeError, match="SMG_HOOK_OPEN_SECURITY_GROUPS"):
        app.synth()


@pytest.mark.parametrize(
    "mend",
    [
        lambda group: cdk.Validations.of(group).acknowledge(
            cdk.Acknowledgment(id=f"{PLUGIN}::SMG_HOOK_OPEN_SECURITY_GROUPS", reason="a bastion, for this week alone")
        ),
        lambda group: setattr(group, "security_group_ingress", []),
    ],
    ids=["acknowledged", "mended"],
)
def test_synthesis_passes_when_mended_or_acknowledged(mend: Callable[[Any], None]) -> None:
    stack = new_stack()
    mend(open_group(stack))
    app = cdk.App.of(stack)
    assert isinstance(app, cdk.App)
    cdk.Validations.of(app).add_plugins(GuardRules())
    app.synth()


def violations(app: cdk.App) -> list[dict[str, Any]]:
    with pytest.raises(RuntimeError):
        app.synth()
    report = json.loads((Path(app.outdir) / "validation-report.json").read_text(encoding="utf-8"))
    return [violation for plugin in report["pluginReports"] for violation in plugin["violations"]]


def test_a_finding_names_the_resource_in_the_apps_own_template() -> None:
    stack = new_stack()
    for number in range(3):  # nothing that a rule looks at, and so not shown to the engine
        iam.CfnManagedPolicy(stack, f"Other{number}", policy_document={"Statement": []})
    open_group(stack)
    app = cdk.App.of(stack)
    assert isinstance(app, cdk.App)
    cdk.Validations.of(app).add_plugins(GuardRules())
    for violation in violations(app):
        (place,) = violation["violatingConstructs"]
        assert place["constructPath"] == f"{stack.node.path}/Group"
        assert place["cloudFormationResource"]["templatePath"] == stack.template_file


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rule SMG_HOOK_OPEN_SECURITY_GROUPS { Resources.*[ } }", "were not run"),
        ("rule ANOTHER {\n  Resources exists\n}\n", "the engine has no rule SMG_HOOK_"),
        (None, "no such place"),
    ],
)
def test_rules_that_were_not_run_are_a_finding(monkeypatch: pytest.MonkeyPatch, text: str | None, message: str) -> None:
    stack = new_stack()
    open_group(stack)
    app = cdk.App.of(stack)
    assert isinstance(app, cdk.App)
    if text is not None:
        monkeypatch.setattr(guard_rules, "guard_text", lambda *_, **__: text)
    else:
        monkeypatch.setattr(guard_rules, "_read", Mock(side_effect=OSError("no such place")))
    cdk.Validations.of(app).add_plugins(GuardRules())
    (found,) = violations(app)
    assert (found["ruleName"], found["severity"]) == (UNREAD, "error")
    assert message in found["description"]


def test_bad_rules_at_synthesis() -> None:
    with pytest.raises(HookRuleError, match="hook rule 'x' is not known"):
        GuardRules(["x"])
