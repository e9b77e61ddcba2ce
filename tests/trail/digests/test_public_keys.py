from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.trail.digests.public_keys import CloudTrailKeys, KeyFile
from sudo_mcp_guardrails.trail.errors import TrailError
from tests.trail.digests.signing import make_key

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2026, 11, 20, tzinfo=timezone.utc)
KEY = make_key()


@pytest.mark.parametrize("joined", [True, False])
def test_a_file_as_the_cli_prints_it_is_read(tmp_path: Path, joined: bool) -> None:  # noqa: FBT001
    path = tmp_path / "keys.json"
    records = [make_key(2).record(), KEY.record(Fingerprint=KEY.fingerprint.upper())]
    path.write_text(json.dumps(records if joined else {"PublicKeyList": records}))
    found = KeyFile.read(path).find(KEY.fingerprint.upper(), AT, ())
    assert found is not None
    assert found.modulus == KEY.modulus
    assert KeyFile.read(path).find("0" * 32, AT, ()) is None


@pytest.mark.parametrize(
    ("start", "end", "valid"),
    [
        (AT, AT, True),
        (AT + timedelta(hours=3), None, False),
        (None, AT - timedelta(hours=3), False),
        ((AT - timedelta(days=1)).timestamp(), (AT + timedelta(days=1)).timestamp(), True),
        ("2026-11-20T01:00:00Z", "2026-11-21T00:00:00", True),
    ],
)
def test_a_key_counts_while_it_is_valid_and_two_hours_more(start: Any, end: Any, valid: bool) -> None:  # noqa: FBT001
    keys = KeyFile([KEY.record(ValidityStartTime=start, ValidityEndTime=end)])
    assert (keys.find(KEY.fingerprint, AT, ()) is not None) is valid


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "cannot be read"),
        ("{}", "hold no PublicKeyList"),
        ('{"PublicKeyList": []}', "hold no PublicKeyList"),
        ('[{"Value": "AAAA"}]', "without a Fingerprint"),
        ('[{"Fingerprint": "aa", "Value": "!"}]', "'aa' cannot be used"),
        ('[{"Fingerprint": "aa"}]', "'aa' cannot be used: no Value"),
        (json.dumps([KEY.record(ValidityEndTime="soon")]), "ValidityEndTime 'soon', expected a time"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "keys.json"
    path.write_text(text)
    with pytest.raises(TrailError, match=reason):
        KeyFile.read(path)
    with pytest.raises(TrailError, match="cannot be read"):
        KeyFile.read(tmp_path / "absent.json")


class FakeCloudTrail:
    """Answers as boto3 does: `Value` in bytes, times as datetimes, and two pages."""

    def __init__(self, region: str, keys: dict[str, Any]) -> None:
        self.region = region
        self.keys = keys
        self.asked: list[dict[str, Any]] = []

    def list_public_keys(self, **request: Any) -> dict[str, Any]:
        self.asked.append(dict(request))
        if "NextToken" not in request:
            return {"PublicKeyList": [], "NextToken": "more"}
        records = [{"Value": key.der, "Fingerprint": key.fingerprint} for key in self.keys.get(self.region, ())]
        return {"PublicKeyList": records}


def test_the_region_of_the_digest_is_asked_once_and_then_the_others() -> None:
    clients: dict[str, FakeCloudTrail] = {}

    def client(region: str) -> FakeCloudTrail:
        assert region not in clients
        return clients.setdefault(region, FakeCloudTrail(region, {"eu-west-1": [KEY]}))

    keys = CloudTrailKeys(client)
    for _ in range(2):
        found = keys.find(KEY.fingerprint, AT, ("eu-central-1", "eu-west-1"))
        assert found is not None
        assert found.modulus == KEY.modulus
    assert len(clients["eu-west-1"].asked) == 2
    assert clients["eu-west-1"].asked[0]["StartTime"] < AT < clients["eu-west-1"].asked[0]["EndTime"]
    for _ in range(2):
        assert keys.find("0" * 32, AT, ("eu-central-1", "eu-central-1")) is None
    assert [len(client.asked) for client in clients.values()] == [4, 2]
    assert keys.find("0" * 32, AT + timedelta(days=1), ("eu-central-1",)) is None
    assert len(clients["eu-central-1"].asked) == 6


def test_cloudtrail_that_cannot_be_asked_is_an_error() -> None:
    from botocore.exceptions import ClientError

    class Refusing:
        def list_public_keys(self, **_: Any) -> None:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "ListPublicKeys")

    with pytest.raises(TrailError, match=r"public keys of CloudTrail in eu-west-1 cannot be listed: .*AccessDenied"):
        CloudTrailKeys(lambda _: Refusing()).find("aa", AT, ("eu-west-1",))
