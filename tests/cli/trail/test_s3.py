"""The same commands on a bucket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.trail.aws import AwsAccess
from sudo_mcp_guardrails.trail.errors import TrailError
from tests.trail.sources.fake_s3 import FakeS3

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.trail.conftest import Run


@pytest.fixture
def bucket(files: Path, monkeypatch: pytest.MonkeyPatch) -> FakeS3:
    """A bucket with the files, below a prefix, and what the command line asked it with."""
    paths = [path for path in files.rglob("*") if path.is_file()]
    made = FakeS3("trail-bucket", {f"org/{path.relative_to(files)}": path.read_bytes() for path in paths})

    def client(_self: AwsAccess, service: str, region: str | None = None) -> Any:
        assert (service, region) == ("s3", None)
        return made.client

    monkeypatch.setattr(AwsAccess, "client", client)
    return made


@pytest.mark.usefixtures("bucket")
def test_a_bucket_is_taken_in_compared_and_traced(tmp_path: Path, run: Run) -> None:
    store = tmp_path / "store"
    summary = run("ingest", "s3://trail-bucket/org/", "--store", store)["summary"]
    assert (summary["files"], summary["unique"]) == (4, 7)
    (row,) = run("query", "SELECT min(name) AS name FROM ledger", "--store", store)["items"]
    assert row["name"].startswith("s3://trail-bucket/org/AWSLogs/")
    assert run("reconcile", "s3://trail-bucket/org/", "--store", store)["summary"]["missing"] == 0
    assert run("trace", "call", "--from", "s3://trail-bucket/org/")["summary"]["events"] == 4


@pytest.mark.usefixtures("bucket")
def test_backfill_of_a_bucket(tmp_path: Path, run: Run) -> None:
    said = run("backfill", "s3://trail-bucket/org", "--store", tmp_path / "store", "--since", "2026-11-22")
    assert (said["summary"]["checked"], said["summary"]["repaired"]) == (2, 2)


def test_an_object_that_may_not_be_read_is_said(bucket: FakeS3, tmp_path: Path, run: Run) -> None:
    key = min(bucket.versions)
    bucket.errors[key] = (403, "AccessDenied")
    said = run("ingest", "s3://trail-bucket/org/", "--store", tmp_path / "store", code=1)
    assert (said["summary"]["unreadable"], said["summary"]["files"]) == (1, 3)
    assert key in said["items"][0]["reason"]


def test_a_bucket_that_may_not_be_listed_is_an_error(bucket: FakeS3, tmp_path: Path, run: Run) -> None:
    bucket.errors[""] = (403, "AccessDenied")
    assert "cannot be listed" in run("ingest", "s3://trail-bucket/", "--store", tmp_path / "s", code=2)["error"]


def test_aws_is_reached_as_the_options_say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    client = AwsAccess(region="eu-west-1", endpoint_url="http://127.0.0.1:9").client("s3")
    assert (client.meta.region_name, client.meta.endpoint_url) == ("eu-west-1", "http://127.0.0.1:9")
    assert AwsAccess(region="eu-west-1").client("cloudtrail", "us-east-1").meta.region_name == "us-east-1"
    assert AwsAccess().credentials().access_key == "test"
    with pytest.raises(TrailError, match="profile 'nobody' cannot be used"):
        AwsAccess(profile="nobody").client("s3")
    with pytest.raises(TrailError, match="no client of s3 can be made"):
        AwsAccess(region="eu-west-1", endpoint_url="nonsense").client("s3")


def test_without_credentials_nothing_is_signed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", raising=False)
    monkeypatch.delenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(TrailError, match="there are no credentials of AWS"):
        AwsAccess(region="eu-west-1").credentials()
