"""How the embedded AWS starts and ends, and what it says when it cannot."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.local.embedded import launcher, process
from sudo_mcp_guardrails.local.embedded.detached import start_mark
from sudo_mcp_guardrails.local.embedded.errors import EmbeddedAwsError
from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.embedded.conftest import Account

ROOT = Path(__file__).parents[3]


def fake_python(folder: Path, script: str) -> Path:
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    return path


def alive(pid: int) -> bool:
    return start_mark(pid) != ""


def wait_for(condition: Callable[[], bool], seconds: float = 8.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return condition()


def test_a_busy_port_is_refused_by_name() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(EmbeddedAwsError, match=f"port {port} on 127.0.0.1 is in use; stop what"):
            EmbeddedAws(port=port, self_test=False).start()


@pytest.mark.parametrize("port", [-1, 65536])
def test_a_port_that_is_none_is_refused(port: int) -> None:
    with pytest.raises(EmbeddedAwsError, match=rf"port {port} on 127.0.0.1 cannot be used .* 1024 to 65535"):
        EmbeddedAws(port=port, self_test=False).start()


def test_another_version_of_ministack_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "MINISTACK_VERSION", "9.9.9")
    with pytest.raises(EmbeddedAwsError, match=r"ministack 1\.5\.33 is installed in .*, only version 9\.9\.9"):
        EmbeddedAws(self_test=False).start()


def test_an_unknown_extension_is_refused() -> None:
    with pytest.raises(EmbeddedAwsError, match="unknown extension no-such, known are organizations_api"):
        EmbeddedAws(without=["no-such"]).start()


def test_a_server_that_dies_is_reported_with_the_end_of_its_log(tmp_path: Path) -> None:
    python = fake_python(tmp_path, "echo first; echo 'the disk is on fire' >&2; exit 7")
    with pytest.raises(EmbeddedAwsError, match=r"exit code 7; its log ends with: first / the disk is on fire"):
        EmbeddedAws(python=python, self_test=False).start()


def test_an_interpreter_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedAwsError, match=r"cannot start .*/gone"):
        EmbeddedAws(python=tmp_path / "gone", self_test=False).start()


def test_a_server_that_hangs_at_start_and_ignores_sigterm_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "START_SECONDS", 0.4)
    pid_file = tmp_path / "pid"
    python = fake_python(tmp_path, f"trap '' TERM; echo $$ > {pid_file}; sleep 60 & wait; sleep 60")
    started = time.monotonic()
    with pytest.raises(EmbeddedAwsError, match=r"gave no answer on port \d+ within 0.4 s"):
        EmbeddedAws(python=python, self_test=False).start()
    assert time.monotonic() - started < 5
    assert not alive(int(pid_file.read_text()))


def test_a_server_that_died_later_is_noticed() -> None:
    with EmbeddedAws(self_test=False) as aws:
        aws.check_alive()
        assert aws._process is not None
        os.kill(aws._process.pid, signal.SIGKILL)
        aws._process.wait(timeout=5)
        with pytest.raises(EmbeddedAwsError, match="ended with signal 9"):
            aws.check_alive()


def test_stop_leaves_neither_lambda_workers_nor_files() -> None:
    with EmbeddedAws(self_test=False) as aws:
        invoke_function(aws)
        assert aws._process is not None
        assert aws._state is not None
        pid, state = aws._process.pid, aws._state
        assert len(group(pid)) > 1, "the Lambda worker should be in the server's group"
        started = time.monotonic()
    assert time.monotonic() - started < 3
    assert wait_for(lambda: group(pid) == [])
    assert not state.exists()


def test_a_named_state_folder_stays(tmp_path: Path) -> None:
    with EmbeddedAws(self_test=False, state_dir=tmp_path / "state") as aws:
        log = aws.log
    assert log.exists()
    with pytest.raises(EmbeddedAwsError, match="not running"):
        _ = aws.endpoint_url


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_is_left_when_the_launching_process_is_ended(how: signal.Signals) -> None:
    code = (
        "import time\n"
        "from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws\n"
        "with EmbeddedAws(self_test=False) as aws:\n"
        "    print(aws._process.pid, aws._state, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        assert child.stdout is not None
        pid_text, _, state = child.stdout.readline().strip().partition(" ")
        assert alive(int(pid_text))
        child.send_signal(how)
        child.wait(timeout=10)
    assert wait_for(lambda: not alive(int(pid_text)))
    assert wait_for(lambda: not Path(state).exists())


def test_the_environment_has_nothing_of_the_users(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    environment = aws.environment("111111111111", "eu-west-1")
    assert environment["AWS_ENDPOINT_URL"] == aws.endpoint_url
    assert environment["AWS_ACCESS_KEY_ID"] == "111111111111"
    assert environment["AWS_REGION"] == environment["AWS_DEFAULT_REGION"] == "eu-west-1"
    assert environment["HOME"] != os.environ["HOME"]
    assert environment["PATH"] == os.environ["PATH"]
    assert not {"AWS_PROFILE", "AWS_SESSION_TOKEN", "HTTPS_PROXY"} & set(environment)


def test_clients_are_deaf_to_the_users_settings(aws: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9")
    answer = aws.client("sts", account="111111111111").get_caller_identity()
    assert answer["Arn"].endswith(":111111111111:root")


@pytest.mark.parametrize("account", ["", "1234", "1111111111111", "11111111111a", "\u0661" * 12])
def test_what_is_no_account_id_is_refused(aws: EmbeddedAws, account: str) -> None:
    with pytest.raises(EmbeddedAwsError, match="is not an account id; give 12 digits"):
        aws.credentials(account)


def test_a_second_start_is_refused(aws: EmbeddedAws) -> None:
    with pytest.raises(EmbeddedAwsError, match="is running already, on port"):
        aws.start()


def test_loopback_counts_as_tls_unless_the_caller_says_otherwise(account: Account, refusal: Any) -> None:
    s3 = account.client("s3")
    s3.create_bucket(Bucket=f"tls-{account.id}")
    role = account.role(
        "reader",
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"Bool": {"aws:SecureTransport": "true"}}},
    )
    reader = account.client("s3", account.assume(role))
    assert refusal(lambda: reader.list_objects_v2(Bucket=f"tls-{account.id}")) == ""

    def over_http(request: Any, **_: Any) -> None:
        request.headers["x-forwarded-proto"] = "http"

    reader.meta.events.register("before-sign.s3", over_http)
    assert refusal(lambda: reader.list_objects_v2(Bucket=f"tls-{account.id}")) == "AccessDenied"


def group(leader: int) -> list[int]:
    """The living processes of a process group."""
    members = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and start_mark(int(entry.name)):
            try:
                if os.getpgid(int(entry.name)) == leader:
                    members.append(int(entry.name))
            except ProcessLookupError:
                continue
    return members


def invoke_function(aws: EmbeddedAws) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.py", "def handler(event, context):\n    return 'ok'\n")
    role = aws.client("iam", account="111111111111").create_role(RoleName="fn", AssumeRolePolicyDocument=TRUST)
    lambda_ = aws.client("lambda", account="111111111111")
    lambda_.create_function(
        FunctionName="f",
        Runtime="python3.12",
        Handler="index.handler",
        Role=role["Role"]["Arn"],
        Code={"ZipFile": archive.getvalue()},
    )
    assert lambda_.invoke(FunctionName="f")["Payload"].read() == b'"ok"'


TRUST = (
    '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", '
    '"Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}'
)


def test_waits_of_state_machines_can_be_shortened() -> None:
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    with EmbeddedAws(wait_scale=0, self_test=False) as aws:
        iam, states = aws.client("iam"), aws.client("stepfunctions")
        policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        role = iam.create_role(RoleName="m", AssumeRolePolicyDocument=policy)["Role"]["Arn"]
        definition = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 86_400, "End": True}}}
        made = states.create_state_machine(name="m", definition=json.dumps(definition), roleArn=role)
        execution = states.start_execution(stateMachineArn=made["stateMachineArn"])["executionArn"]
        for _ in range(200):
            status = states.describe_execution(executionArn=execution)["status"]
            if status != "RUNNING":
                break
            time.sleep(0.05)
        assert status == "SUCCEEDED"


@pytest.mark.parametrize("scale", [-0.1, 1.1, float("nan")])
def test_a_wait_scale_is_a_part(scale: float) -> None:
    with pytest.raises(EmbeddedAwsError, match="wait scale"):
        EmbeddedAws(wait_scale=scale)
