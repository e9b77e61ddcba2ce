"""A state machine that writes and reads objects, as its own role."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.local.embedded.conftest import Account

STATES = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}


class Machine:
    def __init__(self, account: Account, *actions: str) -> None:
        self.states, self.s3 = account.client("stepfunctions"), account.client("s3")
        self.bucket = f"objects-{account.id}"
        self.s3.create_bucket(Bucket=self.bucket, ObjectLockEnabledForBucket=True)
        allow = {"Effect": "Allow", "Action": list(actions), "Resource": f"arn:aws:s3:::{self.bucket}/records/*"}
        self.role = account.role("m", *([allow] if actions else []), trust=STATES)

    def run(self, operation: str, **arguments: Any) -> tuple[str, Any]:
        """The error's name, or SUCCEEDED; and the output."""
        task = {
            "Type": "Task",
            "Resource": f"arn:aws:states:::aws-sdk:s3:{operation}",
            "Arguments": {"Bucket": self.bucket, "Key": "records/a b.json", **arguments},
            "End": True,
        }
        definition = {"QueryLanguage": "JSONata", "StartAt": "T", "States": {"T": task}}
        made = self.states.create_state_machine(
            name=f"m{time.monotonic_ns()}", definition=json.dumps(definition), roleArn=self.role
        )
        execution = self.states.start_execution(stateMachineArn=made["stateMachineArn"], input="{}")["executionArn"]
        for _ in range(500):
            found = self.states.describe_execution(executionArn=execution)
            if found["status"] != "RUNNING":
                return str(found.get("error", found["status"])), json.loads(found.get("output") or "null")
            time.sleep(0.01)
        raise AssertionError("the execution never ended")


def test_stock_has_neither(stock_account: Account) -> None:
    machine = Machine(stock_account, "s3:*")
    assert machine.run("putObject", Body="x")[0] == "States.Runtime"
    assert machine.run("getObject")[0] == "States.Runtime"


def test_what_is_put_is_there_and_is_got_by_its_version(account: Account) -> None:
    machine = Machine(account, "s3:PutObject", "s3:GetObject", "s3:GetObjectVersion")
    status, put = machine.run("putObject", Body={"approval": "apr-1"}, ContentType="application/json")
    assert status == "SUCCEEDED"
    there = machine.s3.get_object(Bucket=machine.bucket, Key="records/a b.json")
    assert (json.loads(there["Body"].read()), there["ContentType"]) == ({"approval": "apr-1"}, "application/json")
    assert (put["VersionId"], put["ETag"]) == (there["VersionId"], there["ETag"])
    machine.run("putObject", Body="second")
    assert machine.run("getObject")[1]["Body"] == "second"
    first = machine.run("getObject", VersionId=put["VersionId"])[1]
    assert (json.loads(first["Body"]), first["ContentLength"]) == ({"approval": "apr-1"}, 21)


def test_it_is_put_once_and_locked_where_the_task_says_so(account: Account) -> None:
    machine = Machine(account, "s3:PutObject", "s3:PutObjectRetention")
    locked = {"ObjectLockMode": "COMPLIANCE", "ObjectLockRetainUntilDate": "2099-01-01T00:00:00Z"}
    assert machine.run("putObject", Body="one", IfNoneMatch="*", **locked)[0] == "SUCCEEDED"
    kept = machine.s3.get_object_retention(Bucket=machine.bucket, Key="records/a b.json")["Retention"]
    assert (kept["Mode"], kept["RetainUntilDate"].year) == ("COMPLIANCE", 2099)
    assert machine.run("putObject", Body="two", IfNoneMatch="*")[0] == "S3.PreconditionFailedException"


def test_the_machines_role_decides(account: Account) -> None:
    machine = Machine(account, "s3:PutObject", "s3:GetObject")
    status, put = machine.run("putObject", Body="x")
    assert status == "SUCCEEDED"
    assert machine.run("putObject", Body="x", Key="plans/other.json")[0].endswith("AccessDeniedException")
    assert machine.run("getObject", Key="plans/other.json")[0].endswith("AccessDeniedException")
    assert machine.run("getObject", VersionId=put["VersionId"])[0].endswith("AccessDeniedException")


def test_what_is_missing_or_not_known_fails(account: Account) -> None:
    machine = Machine(account, "s3:*")
    assert machine.run("getObject")[0] == "S3.NoSuchKeyException"
    assert machine.run("putObject", Body="x", Unheard="of")[0] == "States.Runtime"
    assert machine.run("putObject", Body="x", Metadata={"a": "b"}, ACL="public-read")[0] == "States.Runtime"


def test_a_result_has_its_limit(account: Account) -> None:
    machine = Machine(account, "s3:*")
    machine.s3.put_object(Bucket=machine.bucket, Key="records/a b.json", Body=b"x" * 262_145)
    assert machine.run("getObject")[0] == "States.DataLimitExceeded"
