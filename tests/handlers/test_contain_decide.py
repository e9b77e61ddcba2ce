"""Restoring what takes two people: one asks, another agrees, or one alone by break-glass, and nothing else does."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.approval.store.evidence_store import EvidenceStore
from sudo_mcp_guardrails.approval.store.kms import KmsSigner, KmsVerifier
from sudo_mcp_guardrails.constructs.asset import handler_name, staged
from sudo_mcp_guardrails.handlers import contain, contain_decide
from sudo_mcp_guardrails.handlers.contain_decide import Desk
from sudo_mcp_guardrails.handlers.contain_tools import Tools
from sudo_mcp_guardrails.response.errors import RestoreError
from sudo_mcp_guardrails.response.ledger import chain_of, check_ledger
from sudo_mcp_guardrails.response.settings import ResponseSettings
from sudo_mcp_guardrails.response.two_people import AGREED, LIFE, WANTED
from sudo_mcp_guardrails.state.targets import Target
from tests.handlers.approval.fakes import EVIDENCE_KEY, KEY_ARN, FakeDynamo, FakeKms, FakeS3, FakeStepFunctions
from tests.handlers.test_contain import ENVIRON, NOW, FakeCloudTrail, Split
from tests.response.conftest import filled
from tests.response.estates import ANN, ESTATE, MANAGEMENT

if TYPE_CHECKING:
    from pathlib import Path

DECISIONS_KEY = f"{KEY_ARN}decisions"
ALL = Target.everyone()
BEN, CAT, DAN, CAT_TOO = (f"arn:aws:iam::{MANAGEMENT}:user/{name}" for name in ("ben", "cat", "dan", "cat-admin"))
PEOPLE = [
    {"arn": BEN, "person": BEN, "breakGlass": False},
    {"arn": CAT, "person": "cat@example.com", "breakGlass": False},
    {"arn": CAT_TOO, "person": "cat@example.com", "breakGlass": False},
    {"arn": DAN, "person": DAN, "breakGlass": True},
]
MORE = {**ENVIRON, "TWO_PEOPLE_FROM": "K3", "DECISIONS_KEY": DECISIONS_KEY, "PEOPLE": json.dumps(PEOPLE)}


class House:
    """Both functions on one set of fakes, with all agents contained at K4."""

    def __init__(self, by: str = ANN) -> None:
        self.time = float(NOW)
        self.aws, self.dynamodb = filled(), FakeDynamo()
        self.kms = FakeKms((EVIDENCE_KEY, DECISIONS_KEY))
        self.machine = FakeStepFunctions()
        s3 = Split(self.aws.client("s3", MANAGEMENT, ""), FakeS3())
        common: dict[str, Any] = {"s3": s3, "dynamodb": self.dynamodb, "kms": self.kms, "environ": MORE}
        common |= {"clock": lambda: self.time, "pause": lambda _: None}
        self.tools = Tools(
            settings=ResponseSettings(ESTATE.agents), clients=self.aws, cloudtrail=FakeCloudTrail([]), **common
        )
        self.desk = Desk(stepfunctions=self.machine, **common)
        request = {"op": "contain", "target": "all", "level": "K4", "reason": "a cause they share", "incident": "INC-7"}
        self.digest = self.do("contain", {**request, "by": by, "at": NOW})["digest"]

    def do(self, op: str, request: dict[str, Any]) -> dict[str, Any]:
        return contain.handler({"op": op, "request": request}, None, self.tools)

    def say(self, who: str, path: str, body: object) -> tuple[int, dict[str, Any]]:
        identity = {"authorizer": {"iam": {"userArn": who}}, "http": {"method": "POST"}}
        event = {"requestContext": identity, "rawPath": path, "body": json.dumps(body)}
        answer = contain_decide.handler(event, None, self.desk)
        return answer["statusCode"], json.loads(answer["body"])

    def ask(self, who: str, **changes: Any) -> tuple[int, dict[str, Any]]:
        wish = {"target": "all", "reason": "keys are rotated", "incident": "INC-7", "digest": self.digest, **changes}
        return self.say(who, "/restorations", wish)

    def agree(self, who: str, wanted: str, **changes: Any) -> tuple[int, dict[str, Any]]:
        return self.say(who, "/restorations/agree", {"target": "all", "wanted": wanted, **changes})

    def started(self, answer: dict[str, Any]) -> dict[str, Any]:
        """What the state machine was started with."""
        found: dict[str, Any] = json.loads(self.machine.executions[answer["execution"]])
        return found

    def kinds(self) -> list[str]:
        return [record.kind for record in self.tools.ledger.records(ALL)]


@pytest.fixture
def house() -> House:
    return House()


def restored(house: House, request: dict[str, Any]) -> dict[str, Any]:
    return house.do("restore", request)


def test_one_asks_another_agrees_and_it_is_restored(house: House) -> None:
    status, asked = house.ask(BEN)
    assert (status, house.machine.executions) == (202, {})
    status, agreed = house.agree(CAT, asked["wanted"])
    assert status == 202
    request = house.started(agreed)
    assert (request["by"], request["agreed"], request["breakGlass"]) == (CAT, agreed["agreed"], False)
    answer = restored(house, request)
    assert (answer["complete"], answer["state"]) == (True, "restored")
    assert house.aws.items == {}
    assert house.kinds()[-4:] == [WANTED, AGREED, "restoration-asked", "restored"]
    verifier = KmsVerifier(house.kms)
    assert check_ledger(house.tools.ledger._store, ALL, verifier, EVIDENCE_KEY, DECISIONS_KEY) == []
    wanted, agreement = house.tools.ledger.records(ALL)[-4:-2]
    assert (wanted.who, wanted.key_id, agreement.who, agreement.key_id) == (BEN, DECISIONS_KEY, CAT, DECISIONS_KEY)
    assert wanted.body["secondFactor"] == {"kind": "mfa", "atMostSeconds": 300}
    with pytest.raises(RestoreError):  # once
        restored(house, request)


def test_nobody_restores_alone(house: House) -> None:
    request = {"op": "restore", "target": "all", "reason": "r", "incident": "INC-7", "by": ANN, "at": NOW}
    with pytest.raises(RestoreError, match="contained at K4, whose restoration takes two people"):
        restored(house, request)
    assert house.kinds()[-1] == "restoration-refused"
    assert house.aws.items


def test_who_asked_does_not_agree_also_not_as_another_user(house: House) -> None:
    _, asked = house.ask(CAT)
    assert house.agree(CAT, asked["wanted"])[0] == 403
    status, answer = house.agree(CAT_TOO, asked["wanted"])
    assert (status, "asked for it himself" in answer["error"]) == (403, True)
    assert house.machine.executions == {}


def test_the_request_alone_and_what_somebody_else_signed_are_no_agreement(house: House) -> None:
    _, asked = house.ask(BEN)
    alone = {"op": "restore", "target": "all", "reason": "keys are rotated", "incident": "INC-7", "by": BEN, "at": NOW}
    alone |= {"digest": house.digest, "agreed": asked["wanted"]}
    with pytest.raises(RestoreError, match="of kind 'restoration-agreed' is not in the chain"):
        restored(house, alone)
    with pytest.raises(RestoreError, match="nobody agreed yet"):
        restored(house, {**alone, "breakGlass": True})
    # The function that contains cannot make it up with its own key.
    signer = KmsSigner(house.kms, EVIDENCE_KEY)
    store = EvidenceStore(house.dynamodb, None, "evidence", "", signer, lambda: house.time)
    body = {"wanted": asked["wanted"], "person": CAT, "digest": house.digest, "incident": "INC-7"}
    made = store.append(chain_of(ALL), AGREED, CAT, body)
    with pytest.raises(RestoreError, match="signed by the key of another kind"):
        restored(house, {**alone, "agreed": made.digest})
    assert house.ask(BEN)[0] == 400  # and nothing goes on over a chain like that


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"digest": "ab" * 32}, "another one than was asked for"),
        ({"digest": ""}, "another one than was asked for"),
        ({"incident": "INC-8"}, "another one than was asked for"),
        ({"drifted": ["switch/333333333333/eu-central-1/all"]}, "another one than was asked for"),
        ({"agreed": "ab" * 32}, "is not in the chain of this target"),
    ],
)
def test_just_this_is_restored(house: House, changes: dict[str, Any], message: str) -> None:
    _, asked = house.ask(BEN)
    _, agreed = house.agree(CAT, asked["wanted"])
    with pytest.raises(RestoreError, match=message):
        restored(house, {**house.started(agreed), **changes})


def test_a_record_that_grew_since_is_asked_for_again(house: House) -> None:
    _, asked = house.ask(BEN)
    _, agreed = house.agree(CAT, asked["wanted"])
    latest = house.tools.records.latest(ALL)
    assert latest is not None
    house.tools.records.save(latest.followed())
    with pytest.raises(RestoreError, match="ask again"):
        restored(house, house.started(agreed))


def test_what_was_asked_or_agreed_to_ends_after_an_hour(house: House) -> None:
    _, asked = house.ask(BEN)
    _, agreed = house.agree(CAT, asked["wanted"])
    house.time += LIFE + 1
    with pytest.raises(RestoreError, match=f"{LIFE + 1} seconds old"):
        restored(house, house.started(agreed))
    status, answer = house.agree(CAT, asked["wanted"])
    assert (status, "seconds old" in answer["error"]) == (403, True)


def test_break_glass_is_one_person_who_was_named_and_did_not_contain() -> None:
    house = House()
    assert house.ask(BEN, breakGlass=True)[0] == 403
    status, alone = house.ask(DAN, breakGlass=True)
    assert status == 202
    request = house.started(alone)
    assert (request["breakGlass"], request["agreed"]) == (True, alone["wanted"])
    assert restored(house, request)["complete"]
    other = House(by=DAN)
    _, alone = other.ask(DAN, breakGlass=True)
    with pytest.raises(RestoreError, match="contained it, and does not restore it alone"):
        restored(other, other.started(alone))


def test_nobody_agrees_to_break_glass_and_its_flag_cannot_be_left_out(house: House) -> None:
    _, alone = house.ask(DAN, breakGlass=True)
    assert house.agree(BEN, alone["wanted"])[0] == 403
    # Without the flag the state machine would not announce it; then it does not count either.
    with pytest.raises(RestoreError, match="of kind 'restoration-agreed' is not in the chain"):
        restored(house, {**house.started(alone), "breakGlass": False})


@pytest.mark.parametrize(
    ("who", "path", "body", "status"),
    [
        (ANN, "/restorations", {}, 403),
        (BEN.replace("ben", "ben-2"), "/restorations", {}, 403),
        (BEN, "/", {}, 404),
        (BEN, "/restorations", [], 400),
        (BEN, "/restorations", {"by": CAT}, 400),
        (BEN, "/restorations", {"agreed": "ab" * 32}, 400),
        (BEN, "/restorations", {"target": "all", "reason": "r", "incident": "I-1"}, 400),
        (BEN, "/restorations", {"target": "all", "reason": "r", "incident": "I-1", "level": "K4"}, 400),
        (BEN, "/restorations/agree", {"target": "all"}, 400),
        (BEN, "/restorations/agree", {"target": "all", "wanted": 1}, 400),
        (BEN, "/restorations/agree", {"target": "all", "wanted": "ab" * 32}, 403),
        (BEN, "/restorations/agree", {"target": "none", "wanted": "ab" * 32}, 403),
    ],
)
def test_what_is_not_taken(house: House, who: str, path: str, body: object, status: int) -> None:
    before = house.kinds()
    assert house.say(who, path, body)[0] == status
    assert house.kinds() == before
    assert house.machine.executions == {}


def test_a_level_below_is_restored_by_one(house: House) -> None:
    tools = replace(house.tools, environ={**MORE, "TWO_PEOPLE_FROM": "K3"})
    request = {"target": "agent:release-bot", "incident": "INC-9", "reason": "r", "by": ANN, "at": NOW}
    fresh = replace(tools, clients=filled())
    contain.handler({"op": "contain", "request": {**request, "op": "contain", "level": "K2"}}, None, fresh)
    answer = contain.handler({"op": "restore", "request": {**request, "op": "restore"}}, None, fresh)
    assert answer["complete"]
    two = replace(fresh, environ={**MORE, "TWO_PEOPLE_FROM": "K2"})
    contain.handler({"op": "contain", "request": {**request, "op": "contain", "level": "K2"}}, None, two)
    with pytest.raises(RestoreError, match="contained at K2, whose restoration takes two people"):
        contain.handler({"op": "restore", "request": {**request, "op": "restore"}}, None, two)


def test_the_asset_runs_alone(tmp_path: Path) -> None:
    """With boto3 and the standard library, as Lambda has it."""
    with staged("contain_decide") as directory:
        module = handler_name("contain_decide").rpartition(".")[0]
        code = f"import sys; sys.path.insert(0, {str(directory)!r}); import {module} as m; print(m.handler.__name__)"
        done = subprocess.run(
            [sys.executable, "-I", "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False, timeout=60
        )
    assert done.stdout.strip() == "handler", done.stderr
