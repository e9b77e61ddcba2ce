"""Sessions: what STS is asked for, and what can be got out of one."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import pytest

from sudo_mcp_guardrails.approval.applying.refusal import ApplyRefused
from sudo_mcp_guardrails.approval.applying.sessions import READING_DIGEST, READS, Asker, Sessions
from sudo_mcp_guardrails.approval.deciding.request import Requester
from sudo_mcp_guardrails.iam.matching import glob
from sudo_mcp_guardrails.policies.trust import SESSION_TAGS, minted
from tests.handlers.approval.fakes import _check

RUN = "run-01HZZZZZZZZZZZZZZZZZZZZZZZ"
CREDENTIALS = {"AccessKeyId": "ASIA", "SecretAccessKey": "very-secret", "SessionToken": "very-long"}


class Sts:
    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def assume_role(self, **call: Any) -> dict[str, Any]:
        _check("sts", "AssumeRole", call)
        self.calls.append(call)
        return {"Credentials": {**CREDENTIALS, "Expiration": "never"}}


def asker(**changes: str) -> Asker:
    requester = Requester("release-bot", changes.get("run", RUN), changes.get("person", "arn:x"), "owen")
    return Asker(requester, changes.get("ticket", "OPS-1"), changes.get("account", "222222222222"), "eu-central-1")


def made(sts: Sts) -> Sessions:
    def make(service: str, region: str, credentials: Any, *, once: bool) -> Any:
        assert credentials == CREDENTIALS
        return service, region, once

    return Sessions(sts, make, partition="aws-cn", prefix="gr")


def test_a_session_fits_the_trust_policy_of_the_apply_role() -> None:
    sts = Sts()
    made(sts).reading(asker(person="arn:aws:sts::1:assumed-role/Ops/rita,x", ticket="OPS 1"))
    [call] = sts.calls
    tags = {each["Key"]: each["Value"] for each in call["Tags"]}
    assert call["RoleArn"] == "arn:aws-cn:iam::222222222222:role/gr/agents/release-bot/gr-release-bot-apply"
    assert tuple(tags) == SESSION_TAGS
    assert (tags["caller"], tags["ticket"]) == ("arn:aws:sts::1:assumed-role/Ops/rita_x", "OPS_1")
    context = {f"aws:RequestTag/{name}": value for name, value in tags.items()}
    context["sts:SourceIdentity"] = call["SourceIdentity"]
    for statement in minted("release-bot", "apply", "arn:broker"):
        for operator, key, values in statement.conditions:
            if key != "aws:TagKeys":
                assert operator in {"StringEquals", "StringLike"}
                assert any(glob(value)(context[key]) for value in values), (key, context[key])


def test_a_reading_session_reads_and_its_digest_is_none() -> None:
    sts = Sts()
    made(sts).reading(asker())
    [call] = sts.calls
    [statement] = json.loads(call["Policy"])["Statement"]
    assert (statement["Effect"], tuple(statement["Action"])) == ("Allow", READS)
    assert len(call["Policy"]) <= 2048
    assert READING_DIGEST in {each["Value"] for each in call["Tags"]}
    assert not {"ssm:GetParameter", "secretsmanager:GetSecretValue", "kms:Decrypt"}.intersection(READS)


def test_a_session_cannot_be_written_or_shown() -> None:
    session = made(Sts()).reading(asker())
    assert "secret" not in repr(session)
    assert "secret" not in str({"session": session})
    for way in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            way(session)


def test_clients_are_made_once_for_each_use() -> None:
    session = made(Sts()).reading(asker())
    assert session.client("s3") == ("s3", "eu-central-1", False)
    assert session.client("s3") is session.client("s3")
    assert session.client("sqs", "eu-west-1", once=True) == ("sqs", "eu-west-1", True)


@pytest.mark.parametrize("changes", [{"account": ""}, {"run": "run-1"}, {"run": "direct-rita"}])
def test_whom_nobody_knows_gets_no_session(changes: dict[str, str]) -> None:
    sts = Sts()
    with pytest.raises(ApplyRefused):
        made(sts).reading(asker(**changes))
    assert sts.calls == []
