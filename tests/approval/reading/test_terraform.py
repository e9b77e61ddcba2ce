"""Terraform plans: each action, what is known later, what is sensitive, and what runs beside the resources."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sudo_mcp_guardrails.approval.errors import PlanError
from sudo_mcp_guardrails.approval.masking import masked
from sudo_mcp_guardrails.approval.plan import Operation
from tests.approval.reading import samples
from tests.approval.reading.samples import change, read, reasons

QUEUE = "aws_sqs_queue.jobs"
DATABASE = 'module.data["a"].aws_db_instance.main[0]'


def queue(**more: Any) -> dict[str, Any]:
    """The plan with the queue's row changed: names of the row, and of its change after ``change_``."""
    plan = samples.terraform()
    row = plan["resource_changes"][0]
    for name, item in more.items():
        if name.startswith("change_"):
            row["change"][name.removeprefix("change_")] = item
        else:
            row[name] = item
    plan["resource_changes"] = [row]
    return plan


def test_a_plan_as_a_whole() -> None:
    plan = read(samples.terraform(), target="prod", artifact=samples.HASH)
    assert (plan.target, plan.artifact, plan.account, plan.region) == ("prod", samples.HASH, "", "")
    assert plan.unknown == ()
    made = change(plan, QUEUE)
    assert (made.operation, made.account, made.region) == (Operation.CREATE, samples.ACCOUNT, samples.REGION)
    assert made.options["after_unknown"] == {"arn": True, "id": True, "tags_all": True}
    database = change(plan, DATABASE)
    assert database.operation is Operation.REPLACE
    assert (database.account, database.region) == ("222222222222", "eu-west-1")
    assert database.options["replace_paths"] == [["identifier"]]
    assert database.sensitive == (("password",),)
    assert [each.id for each in plan.changes] == [QUEUE, DATABASE]


@pytest.mark.parametrize(
    ("actions", "operation", "reason"),
    [
        (["create"], Operation.CREATE, ""),
        (["update"], Operation.UPDATE, ""),
        (["delete"], Operation.DELETE, ""),
        (["delete", "create"], Operation.REPLACE, ""),
        (["create", "delete"], Operation.REPLACE, ""),
        (["read"], Operation.CALL, "it is read when the plan is applied, and nobody knows what it then says"),
        (["forget"], Operation.UPDATE, "Terraform forgets what is there, and leaves it as it is"),
        (["create", "forget"], Operation.REPLACE, "Terraform forgets what is there, and leaves it as it is"),
        (["teleport"], Operation.REPLACE, "its actions are none that this reader knows"),
    ],
)
def test_each_action(actions: list[str], operation: Operation, reason: str) -> None:
    plan = read(queue(change_actions=actions))
    assert change(plan, QUEUE).operation is operation
    assert reasons(plan) == ([reason] if reason else [])


def test_what_stays_as_it_is_is_left_out() -> None:
    assert read(queue(change_actions=["no-op"])).changes == ()
    imported = read(queue(change_actions=["no-op"], change_importing={"id": "x"}))
    assert change(imported, QUEUE).operation is Operation.IMPORT
    moved = read(queue(change_actions=["no-op"], previous_address="aws_sqs_queue.old"))
    assert change(moved, QUEUE).options["previous_address"] == "aws_sqs_queue.old"


def test_a_deposed_object_is_a_change_of_its_own() -> None:
    plan = queue()
    row = {**plan["resource_changes"][0], "deposed": "abcd1234"}
    plan["resource_changes"].append({**row, "change": {**row["change"], "actions": ["delete"]}})
    assert [each.id for each in read(plan).changes] == [QUEUE, f"{QUEUE} (deposed abcd1234)"]


@pytest.mark.parametrize(
    ("unknown", "reason"),
    [
        ({"arn": True}, ""),
        ({"tags_all": {"a": True}}, ""),
        ({"name": True}, "name has a value that is known only after it is applied"),
        ({"redrive": [{"arn": True}]}, "redrive has a value that is known only after it is applied"),
        (True, "all of it has a value that is known only after it is applied"),
        (False, ""),
        ({}, ""),
    ],
)
def test_what_is_configured_and_known_later_is_not_known(unknown: Any, reason: str) -> None:
    assert reasons(read(queue(change_after_unknown=unknown))) == ([reason] if reason else [])


def test_without_a_configuration_nothing_tells_what_aws_chooses() -> None:
    plan = queue(change_after_unknown={"arn": True})
    del plan["configuration"]
    found = reasons(read(plan, account=samples.ACCOUNT))
    assert found == ["arn has a value that is known only after it is applied"]


def test_sensitive_values_are_masked_and_count() -> None:
    plan = read(samples.terraform())
    shown = {item["id"]: item for item in masked(plan)["changes"]}
    assert shown[DATABASE]["after"] == {"identifier": "new", "password": "****"}
    assert shown[DATABASE]["before"]["password"] == "****"
    parameters = masked(plan)["parameters"]["Terraform"]
    assert parameters["output_changes"]["token"]["after"] == "****"
    assert parameters["variables"] == {"db_password": "****", "stage": {"value": "live"}}
    other = samples.terraform()
    other["resource_changes"][1]["change"]["after"]["password"] = "another"
    assert read(other).digest != plan.digest


def test_a_mark_hides_no_policy() -> None:
    marked = queue(change_after={"policy": "{}", "region": samples.REGION}, change_after_sensitive={"policy": True})
    assert reasons(read(marked)) == ["policy is hidden, and is no property for a secret"]
    whole = queue(change_after_sensitive=True)
    assert reasons(read(whole)) == ["all of it is hidden, and is no property for a secret"]
    absent = queue(change_after={"policy": None, "region": samples.REGION}, change_after_sensitive={"policy": True})
    assert reasons(read(absent)) == []
    parameter = queue(type="aws_ssm_parameter", change_after_sensitive={"value": True})
    parameter["resource_changes"][0]["change"]["after"]["value"] = "hunter2"
    assert reasons(read(parameter)) == []


def test_provisioners_and_providers_that_nobody_knows() -> None:
    plan = queue()
    plan["configuration"]["root_module"]["resources"][0]["provisioners"] = [{"type": "local-exec"}]
    assert reasons(read(plan)) == ["provisioner local-exec runs commands that are in no change"]
    for name in ("registry.terraform.io/acme/aws", "registry.example.com/hashicorp/aws", "aws", None):
        assert reasons(read(queue(provider_name=name))) == [
            "its provider is none whose plans are known to say what it does"
        ]
    assert reasons(read(queue(provider_name="registry.opentofu.org/hashicorp/aws"))) == []


@pytest.mark.parametrize(
    ("kind", "after", "reason"),
    [
        ("aws_lambda_function", {"filename": "a.zip", "source_code_hash": "x"}, "file file:a.zip"),
        ("aws_s3_object", {"bucket": "b", "key": "k", "source": "a.zip"}, "file a.zip"),
        ("aws_s3_object", {"bucket": "b", "key": "k", "content": "text"}, ""),
        ("aws_lambda_function", {"s3_bucket": "b", "s3_key": "k"}, "s3-object s3://b/k"),
        ("aws_lambda_function", {"s3_bucket": "b", "s3_key": "k", "s3_object_version": "v"}, ""),
        ("aws_lambda_function", {"image_uri": "repo:latest"}, "image repo:latest"),
        ("aws_cloudformation_stack", {"template_body": "{}"}, "aws_cloudformation_stack deploys a template of its own"),
        ("aws_ecs_task_definition", {"container_definitions": '[{"image": "nginx"}]'}, "image nginx"),
    ],
)
def test_content_outside(kind: str, after: dict[str, Any], reason: str) -> None:
    found = reasons(read(queue(type=kind, change_after={**after, "region": samples.REGION})))
    assert len(found) == bool(reason)
    assert not reason or reason.removeprefix("file file:") in found[0]


def test_a_file_that_stays_is_not_read_again() -> None:
    side = {"filename": "a.zip", "source_code_hash": "x", "region": samples.REGION}
    row = {"type": "aws_lambda_function", "change_actions": ["update"], "change_before": side}
    assert reasons(read(queue(**row, change_after={**side, "timeout": 3}))) == []
    changed = queue(**row, change_after={**side, "source_code_hash": "y"})
    assert len(reasons(read(changed))) == 1
    assert reasons(read(changed, versions={"file:a.zip": "y"})) == []


def test_what_is_left_for_later_is_not_known() -> None:
    plan = samples.terraform()
    plan["complete"] = False
    plan["deferred_changes"] = [{"reason": "unknown", "resource_change": {}}]
    plan["checks"] = [
        {"address": {"to_display": "check.health"}, "status": "fail"},
        {"address": {"to_display": "check.fine"}, "status": "pass"},
    ]
    plan["action_invocations"] = [{"address": "action.aws_lambda_invoke.x", "type": "aws_lambda_invoke"}]
    found = read(plan)
    assert reasons(found) == [
        "1 of deferred_changes are put off, and nobody knows what they will be",
        "check check.health ended with fail",
        "the plan is not complete: more changes follow after it is applied",
        "an action of a provider, which the plan does not tell as a change",
    ]
    assert change(found, "action.aws_lambda_invoke.x (invocation 1)").operation is Operation.CALL


def test_what_needs_what_is_read_from_the_configuration() -> None:
    plan = samples.terraform()
    modules = plan["configuration"]["root_module"]["module_calls"]
    modules["data"]["module"]["resources"][0]["depends_on"] = ["aws_kms_key.k"]
    resource = plan["configuration"]["root_module"]["resources"][0]
    resource["expressions"]["policy"] = {"references": ["aws_kms_key.k.arn", "aws_kms_key.k"]}
    row = json.loads(json.dumps(plan["resource_changes"][0]))
    inner = {**row, "address": 'module.data["a"].aws_kms_key.k', "type": "aws_kms_key"}
    plan["resource_changes"] += [{**row, "address": "aws_kms_key.k", "type": "aws_kms_key"}, inner]
    found = read(plan)
    assert change(found, "aws_kms_key.k").dependent == (QUEUE,)
    assert change(found, 'module.data["a"].aws_kms_key.k').dependent == (DATABASE,)


def test_account_and_region_that_nothing_tells() -> None:
    plan = queue(change_after={"name": "jobs"})
    plan["configuration"]["provider_config"]["aws"]["expressions"] = {"region": {"references": ["var.region"]}}
    assert reasons(read(plan)) == ["its account is not told"]
    assert reasons(read(plan, account=samples.ACCOUNT)) == ["its Region is not told"]
    told = read(plan, account=samples.ACCOUNT, region=samples.REGION)
    assert told.unknown == ()
    assert change(told, QUEUE).region == samples.REGION


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"format_version": "2.0"}, "format_version: expected 1.x, which this reader knows"),
        ({"format_version": "0.2"}, "format_version: expected 1.x"),
        ({"format_version": 1}, "format_version: expected 1.x"),
        ({"format_version": "1.2\n"}, "format_version: expected 1.x"),
        ({"errored": True}, "errored is true"),
        ({"resource_changes": {}}, "resource_changes: expected a list, got an object"),
        ({"resource_changes": [{"type": "t"}]}, r"resource_changes\[0\].address: expected a text, got null"),
        ({"resource_changes": [{"address": "a", "type": "t"}]}, r"resource_changes\[0\].change: expected an object"),
        ({"configuration": "hunter2"}, "configuration: expected an object, got a text"),
    ],
)
def test_malformed_plans_name_the_place(wrong: dict[str, Any], reason: str) -> None:
    with pytest.raises(PlanError, match=f"the Terraform plan: {reason}|{reason}") as raised:
        read({**samples.terraform(), **wrong})
    assert "hunter2" not in str(raised.value)
