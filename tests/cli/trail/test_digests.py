"""CloudTrail's own digests, by ``verify --digests`` and ``reconcile --digests``."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import pytest

from tests.trail.digests.signing import delivery

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.trail.conftest import Run
    from tests.trail.digests.signing import Delivery


@pytest.fixture
def made() -> Delivery:
    return delivery(3)


@pytest.fixture
def keys(made: Delivery, tmp_path: Path) -> Path:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"PublicKeyList": [made.key.record()]}), encoding="utf-8")
    return path


def test_what_cloudtrail_delivered_is_proved(made: Delivery, keys: Path, tmp_path: Path, run: Run) -> None:
    root = made.save(tmp_path / "bucket")
    summary = run("verify", "--digests", root, "--public-keys", keys)["summary"]
    assert summary == {
        "checked": 6,
        "missing": 0,
        "repaired": 0,
        "broken": 0,
        "events": 0,
        "segments": 0,
        "published": 0,
        "digests": 3,
        "proved": 3,
    }


def test_store_and_digests_at_once(made: Delivery, keys: Path, tmp_path: Path, run: Run) -> None:
    root = made.save(tmp_path / "bucket")
    run("ingest", root, "--store", tmp_path / "store")
    summary = run("verify", "--store", tmp_path / "store", "--digests", root, "--public-keys", keys)["summary"]
    assert (summary["events"], summary["digests"], summary["proved"]) == (6, 3, 3)
    assert summary["checked"] == summary["segments"] + 6


def test_a_file_of_other_content_and_one_that_is_gone(made: Delivery, keys: Path, tmp_path: Path, run: Run) -> None:
    made.objects[made.logs[0]] = gzip.compress(b'{"Records":[]}')
    made.drop(made.logs[1])
    said = run("verify", "--digests", made.save(tmp_path / "bucket"), "--public-keys", keys, code=1)
    assert (said["summary"]["broken"], said["summary"]["missing"], said["summary"]["proved"]) == (1, 1, 1)
    assert {(item["where"], item["status"]) for item in said["items"]} == {("log", "changed"), ("log", "missing")}


def test_a_file_that_was_changed_is_not_taken_in(made: Delivery, keys: Path, tmp_path: Path, run: Run) -> None:
    made.objects[made.logs[0]] = gzip.compress(b'{"Records":[]}')
    root = made.save(tmp_path / "bucket")
    store = tmp_path / "store"
    said = run("reconcile", root, "--store", store, "--repair", "--digests", "--public-keys", keys, code=1)
    assert said["summary"]["repaired"] == 2
    assert [item["gap"] for item in said["items"] if not item["repaired"]] == ["changed"]
    assert (said["summary"]["digests"], said["summary"]["proved"]) == (3, 2)


def test_digests_that_end_early_are_missed_where_a_day_is_named(
    made: Delivery, keys: Path, tmp_path: Path, run: Run
) -> None:
    root = made.save(tmp_path / "bucket")
    said = run("verify", "--digests", root, "--public-keys", keys, "--until", "2026-11-20", code=1)
    assert said["summary"]["missing"] == 1
    assert "no digest comes after it" in said["items"][0]["reason"]
