"""The approval workflow's functions against DynamoDB, S3 and KMS as the embedded AWS has them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.approval.deciding.decision import Verdict
from sudo_mcp_guardrails.approval.store.credentials import CredentialStore, StoredCredential
from sudo_mcp_guardrails.approval.store.tokens import TokenStore
from sudo_mcp_guardrails.handlers import approval_heads, approval_intake
from sudo_mcp_guardrails.handlers.approval_settings import Clients
from sudo_mcp_guardrails.state.runs import Run, RunRegistry
from tests.approval import signing
from tests.approval.made import START
from tests.handlers.approval import fakes
from tests.handlers.approval.works import ENVIRON, RITA, RUN, Works

if TYPE_CHECKING:
    from pathlib import Path

    from tests.local.embedded.conftest import Account

DAY = 86_400
TYPES = {"number": "N", "created": "N"}


def _table(dynamodb: Any, name: str, *keys: str, index: tuple[str, str] | None = None) -> None:
    wanted = dict.fromkeys((*keys, *(index or ())))
    more: dict[str, Any] = {}
    if index:
        schema = [{"AttributeName": index[0], "KeyType": "HASH"}, {"AttributeName": index[1], "KeyType": "RANGE"}]
        projection = {"ProjectionType": "ALL"}
        more["GlobalSecondaryIndexes"] = [{"IndexName": index[0], "KeySchema": schema, "Projection": projection}]
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": TYPES.get(key, "S")} for key in wanted],
        BillingMode="PAY_PER_REQUEST",
        **more,
    )


class Deployed(Works):
    """The functions with real clients."""

    def __init__(self, directory: Path, account: Account) -> None:
        kms = account.client("kms")
        keys = {
            name: kms.create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
            for name in ("EVIDENCE_KEY", "DECISION_KEY", "TRUST_KEY")
        }
        dynamodb, s3 = account.client("dynamodb"), account.client("s3")
        for name, key in fakes.TABLES.items():
            _table(dynamodb, name, *key, index=("open", "created") if name == "requests" else None)
        environ = {**ENVIRON, **keys, "ACCOUNT": account.id}
        for variable in ("EVIDENCE_BUCKET", "HEADS_BUCKET"):
            environ[variable] = f"{variable.lower().replace('_', '-')}-{account.id}"
            s3.create_bucket(Bucket=environ[variable], ObjectLockEnabledForBucket=True)
        states = fakes.FakeStepFunctions()  # what starts is not what is tested here
        self.real = Clients(dynamodb, s3, kms, states)
        super().__init__(directory, environ=environ)
        self.dynamodb, self.s3, self.kms, self.stepfunctions = dynamodb, s3, kms, states

    def begin_run(self, run: str, **_: Any) -> None:
        ends = int(self.time) + 3600
        RunRegistry(self.real.dynamodb, "runs").begin(
            Run(run, "release-bot", "plan", RITA, "OPS-1", int(self.time), ends)
        )

    def request(self, method: str, path: str, body: object = None, *, run: str = RUN, role: str = "") -> dict[str, Any]:
        import json

        arn = f"arn:aws:sts::{self.environ['ACCOUNT']}:assumed-role/{role or 'mcp-guardrails-release-bot-plan'}/{run}"
        context = {"authorizer": {"iam": {"userArn": arn}}, "http": {"method": method}}
        event = {"requestContext": context, "rawPath": path, "body": json.dumps(body)}
        return approval_intake.handler(event, None, self.place)


@pytest.fixture
def works(tmp_path: Path, account: Account) -> Deployed:
    return Deployed(tmp_path, account)


def test_one_approval_from_its_proposal_to_its_end(works: Deployed) -> None:
    approval = works.submitted()
    assert [row.approval for row in works.place.index.listed()] == [approval]
    assert works.record("scanned", approval, scan={"scan": "none"})["passed"]
    assert works.recheck(approval, {"approved": True}, told=("requested-0",))["forged"]
    assert works.recheck(approval, works.decide(approval, "alice"), round_=1)["next"] == "apply"
    execution = works.start(approval)
    said = works.record("ended", approval, execution=execution, outcome="executed", detail="", deviations=[])
    assert said["state"] == "executed"
    assert works.place.index.listed() == []
    assert [row.state for row in works.place.index.listed(only_open=False)] == ["executed"]
    kinds = [record.kind for record in works.case(approval).records]
    assert kinds == ["request", "scan", "notified", "forged-callback", "view", "decision", "execution", "outcome"]
    copies = works.s3.list_objects_v2(Bucket=works.environ["EVIDENCE_BUCKET"], Prefix=f"records/{approval}/")
    assert len(copies["Contents"]) == len(kinds)
    works.time = START + DAY
    assert len(approval_heads.handler({}, None, works.place)["published"]) == 1
    assert approval_heads.handler({}, None, works.place)["published"] == []


def test_refusals_withdrawals_and_races(works: Deployed) -> None:
    refused, taken_back = works.submitted(), works.submitted()
    works.decide(refused, "alice", Verdict.REFUSE)
    assert works.recheck(refused)["next"] == "ended"
    answer = works.request("POST", f"/approvals/{taken_back}/withdraw", {"reason": "wrong"})
    assert answer["statusCode"] == 200
    assert works.recheck(taken_back)["state"] == "withdrawn"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: works.place.evidence.append("race", "note", f"w-{number}", {}), range(24)))
    records = works.place.evidence.checked("race", works.place.verifier, works.place.keys)
    assert sorted(record.who for record in records) == sorted(f"w-{number}" for number in range(24))


def test_keys_and_tokens_of_people(works: Deployed) -> None:
    store = CredentialStore(works.dynamodb, "credentials")
    key = StoredCredential("alice", "key-1", signing.make_key(7).public.der(), 0, 1, "alice@example.com")
    assert store.add(key)
    assert not store.add(key)
    assert store.of("alice") == [key]
    assert [store.count("alice", "key-1", counter) for counter in (0, 3, 3, 4)] == [True, True, False, True]
    store.offer_code("alice", "code", by="admin", created=1, ends=9)
    assert [store.use_code("alice", "code", now) for now in (9, 5, 5)] == [False, True, False]
    tokens = TokenStore(works.dynamodb, "tokens")
    item = {"approval": {"S": "apr-1"}, "token": {"S": "t"}, "round": {"N": "1"}, "ends": {"N": "9"}}
    works.dynamodb.put_item(TableName="tokens", Item=item)
    found = tokens.get("apr-1")
    assert found is not None
    tokens.delete("apr-1", found)
    tokens.delete("apr-1", found)
    assert tokens.get("apr-1") is None
