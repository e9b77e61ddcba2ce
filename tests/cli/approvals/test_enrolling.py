"""A code by which somebody enrols a passkey: offered once, for one person, for a while."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails import cli
from sudo_mcp_guardrails.approval.moments import moment
from sudo_mcp_guardrails.approval.store.credentials import CredentialStore, StoredCredential
from sudo_mcp_guardrails.trail.aws import AwsAccess
from tests.approval import signing
from tests.handlers.approval import fakes
from tests.handlers.approval.works import SETTINGS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.approvals.conftest import Run

ADMIN = f"arn:aws:sts::{fakes.ACCOUNT}:assumed-role/administrators/ada"


class Sts:
    """Says who asks."""

    @staticmethod
    def get_caller_identity() -> dict[str, str]:
        return {"Arn": ADMIN}


class Denying(fakes.FakeDynamo):
    """A table that the caller may not write."""

    def put_item(self, **call: Any) -> dict[str, Any]:
        assert call["TableName"] == "credentials"
        raise fakes.aws_error("AccessDeniedException", "PutItem")


def reach(monkeypatch: pytest.MonkeyPatch, dynamodb: fakes.FakeDynamo) -> CredentialStore:
    monkeypatch.setattr(AwsAccess, "client", lambda _, service: {"sts": Sts(), "dynamodb": dynamodb}[service])
    return CredentialStore(dynamodb, "credentials")


@pytest.fixture
def dynamodb() -> fakes.FakeDynamo:
    return fakes.FakeDynamo()


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, dynamodb: fakes.FakeDynamo) -> CredentialStore:
    return reach(monkeypatch, dynamodb)


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    file = tmp_path / "approval_settings.json"
    file.write_text(SETTINGS.write())
    return file


def test_a_code_is_used_once_by_the_person_whom_the_policy_knows(
    store: CredentialStore, run: Run, policy: Path
) -> None:
    found = run("enrol-code", "Alice@Example.com", "--table", "credentials", "--policy", policy)["summary"]
    assert (found["person"], found["by"], found["known"], found["keys"]) == ("alice", ADMIN, True, 0)
    now = moment(found["ends"]) - 1
    assert not store.use_code("bob", found["code"], now)
    assert not store.use_code("alice", found["code"], now + 1)
    assert store.use_code("alice", found["code"], now)
    assert not store.use_code("alice", found["code"], now)


def test_nobody_guesses_a_code_and_the_table_has_only_its_hash(
    store: CredentialStore, dynamodb: fakes.FakeDynamo, run: Run
) -> None:
    codes = {
        run("enrol-code", "alice", "--table", "credentials", "--minutes", "5")["summary"]["code"] for _ in range(20)
    }
    assert len(codes) == 20
    assert all(len(code.replace("-", "")) == 25 for code in codes)
    held = json.dumps(list(dynamodb.tables["credentials"].values()))
    assert not [code for code in codes if code in held]
    assert store.of("alice") == []
    lives = [int(item["ends"]["N"]) - int(item["created"]["N"]) for item in dynamodb.tables["credentials"].values()]
    assert set(lives) == {300}
    loud = run("enrol-code", "ALICE", "--table", "credentials")["summary"]
    assert (loud["person"], loud["known"]) == ("alice", None)


def test_it_is_printed_once_with_how_long_it_lives(store: CredentialStore, capsys: pytest.CaptureFixture[str]) -> None:
    key = signing.make_key(7).public.der()
    store.add(StoredCredential("alice", "a2V5", key, 0, 1, "alice", "mine"))
    assert cli.main(["approvals", "enrol-code", "alice", "--table", "credentials"]) == 0
    printed = capsys.readouterr()
    code, told = printed.out.splitlines()
    assert (code.count("-"), printed.err.count(code), printed.out.count(code)) == (4, 0, 1)
    assert "(60 minutes)" in told
    assert "1 keys already" in printed.err
    assert "was not checked" in printed.err


def test_who_is_nobody_or_may_not_gets_no_code(
    monkeypatch: pytest.MonkeyPatch, dynamodb: fakes.FakeDynamo, run: Run, policy: Path
) -> None:
    reach(monkeypatch, dynamodb)
    table = ("--table", "credentials")
    assert "is nobody that" in run("enrol-code", "mallory", *table, "--policy", policy, code=2)["error"]
    assert "person" in run("enrol-code", " ", *table, code=2)["error"]
    assert "minutes" in run("enrol-code", "alice", *table, "--minutes", "1441", code=2)["error"]
    assert dynamodb.tables["credentials"] == {}
    reach(monkeypatch, Denying())
    refused = run("enrol-code", "alice", *table, code=2)
    assert "table 'credentials' cannot be used" in refused["error"]
    assert refused["summary"] == {}
