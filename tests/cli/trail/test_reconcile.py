"""``reconcile``, ``backfill``, ``verify`` and ``publish``."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.cli.trail.conftest import put
from tests.trail.made import event

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.trail.conftest import Run

CONTRACT = ("checked", "missing", "repaired", "broken")


def numbers(said: Any) -> tuple[int, ...]:
    return tuple(said["summary"][name] for name in CONTRACT)


def test_a_store_that_has_everything(files: Path, store: Path, run: Run) -> None:
    said = run("reconcile", files, "--store", store)
    assert numbers(said) == (4, 0, 0, 0)
    assert (said["ok"], said["items"]) == (True, [])


def test_what_is_missing_is_found_and_then_taken_in(files: Path, store: Path, run: Run) -> None:
    put(files, "20261123T1000Z", event("new"))
    said = run("reconcile", files, "--store", store, code=1)
    assert numbers(said) == (5, 1, 0, 0)
    (item,) = said["items"]
    assert (item["gap"], item["repaired"]) == ("not-taken-in", False)
    said = run("reconcile", files, "--store", store, "--repair")
    assert numbers(said) == (5, 1, 1, 0)
    assert run("query", "SELECT count(*) AS n FROM trail", "--store", store)["items"] == [{"n": 8}]
    assert numbers(run("reconcile", files, "--store", store)) == (5, 0, 0, 0)


def test_what_is_broken_is_not_mended(files: Path, store: Path, run: Run) -> None:
    put(files, "20261122T1000Z", event("exchanged"))
    next(files.rglob("*20261120T*")).unlink()
    said = run("reconcile", files, "--store", store, "--repair", code=1)
    assert numbers(said) == (3, 0, 0, 2)
    assert {item["gap"] for item in said["items"]} == {"changed", "gone"}


def test_a_range_of_days_bounds_what_is_compared(files: Path, store: Path, run: Run) -> None:
    put(files, "20261123T1000Z", event("new"))
    assert numbers(run("reconcile", files, "--store", store, "--until", "2026-11-22")) == (4, 0, 0, 0)
    assert numbers(run("reconcile", files, "--store", store, "--since", "2026-11-23", code=1)) == (1, 1, 0, 0)


def test_backfill_takes_in_the_days_that_are_named(files: Path, tmp_path: Path, run: Run) -> None:
    store = tmp_path / "empty"
    said = run("backfill", files, "--store", store, "--since", "2026-11-21", "--until", "2026-11-21")
    assert numbers(said) == (1, 1, 1, 0)
    said = run("backfill", files, "--store", store, "--since", "2026-11-20")
    assert numbers(said) == (4, 3, 3, 0)
    assert numbers(run("reconcile", files, "--store", store)) == (4, 0, 0, 0)


def test_a_comparison_makes_no_store(files: Path, tmp_path: Path, run: Run) -> None:
    assert "is not there" in run("reconcile", files, "--store", tmp_path / "none", code=2)["error"]
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["reconcile", "FILES"], "--sink duckdb needs --store"),
        (["reconcile", "FILES", "--store", "STORE", "--since", "today"], "--since 'today' is no day"),
        (["reconcile", "FILES", "--store", "STORE", "--since", "2026-02-30"], "--since '2026-02-30' is no day"),
        (
            ["reconcile", "FILES", "--store", "STORE", "--since", "2026-11-22", "--until", "2026-11-20"],
            "is after until",
        ),
        (["reconcile", "FILES", "--store", "STORE", "--public-keys", "/none"], "public keys '/none' cannot be read"),
        (["backfill", "FILES", "--store", "STORE"], "backfill needs --since, --until or both"),
        (["verify"], "verify needs --store, --digests or both"),
        (["verify", "--store", "FILES"], "expected a directory that 'trail ingest' made"),
        (["verify", "--digests", "FILES", "--public-keys", "KEYS"], "there is no digest in"),
        (["verify", "--digests", "FILES", "--published", "x"], "--published goes with --store"),
        (["verify", "--store", "STORE", "--since", "2026-11-20"], "go with --digests"),
        (["verify", "--store", "STORE", "--published", "/none"], "--published '/none' cannot be read"),
        (["verify", "--store", "STORE", "--published", "FILES"], "holds no head"),
        (["verify", "--store", "STORE", "--published", "KEYS"], "keys.json': b'{\"PublicKeyList"),
        (["publish", "PLACE", "--store", "FILES"], "expected a directory that 'trail ingest' made"),
        (["publish", "PLACE", "--store", "STORE", "--day", "x"], "--day 'x' is no day"),
        (["publish", "PLACE", "--store", "STORE", "--name", "../up"], "--name '../up' is not allowed"),
        (["publish", "s3://", "--store", "STORE"], "names no bucket"),
    ],
)
def test_bad_options(arguments: list[str], error: str, *, files: Path, store: Path, tmp_path: Path, run: Run) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({"PublicKeyList": [{"Fingerprint": "ab", "Value": _KEY}]}), encoding="utf-8")
    named = {"FILES": files, "STORE": store, "KEYS": keys, "PLACE": tmp_path / "heads"}
    assert error in run(*(named.get(each, each) for each in arguments), code=2)["error"]


def _integer(value: int) -> bytes:
    body = value.to_bytes(value.bit_length() // 8 + 1, "big")
    return b"\x02\x82" + len(body).to_bytes(2, "big") + body


# A key of the right form that belongs to nobody: 2,048 bits, odd.
_BODY = _integer((1 << 2047) + 1) + b"\x02\x03\x01\x00\x01"
_KEY = base64.b64encode(b"\x30\x82" + len(_BODY).to_bytes(2, "big") + _BODY).decode()


def test_a_sound_store(store: Path, run: Run) -> None:
    said = run("verify", "--store", store)
    assert numbers(said)[1:] == (0, 0, 0)
    assert said["summary"]["checked"] == said["summary"]["segments"] > 0
    assert said["summary"]["events"] == 7


def test_a_changed_segment_is_named(store: Path, run: Run) -> None:
    path = min((store / "segments").glob("*.gz"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    said = run("verify", "--store", store, code=1)
    assert said["summary"]["broken"] >= 1
    assert any("segment 1" in item["name"] for item in said["items"])


def test_a_tail_that_was_cut_shows_against_a_published_head(files: Path, store: Path, tmp_path: Path, run: Run) -> None:
    put(files, "20261123T1000Z", event("new"))
    run("ingest", files, "--store", store)
    heads = tmp_path / "elsewhere"
    said = run("publish", heads, "--store", store)["summary"]
    assert (said["events"], said["store"]) == (8, "trail")
    assert run("publish", heads, "--store", store)["summary"]["place"] == said["place"]  # the same head again
    assert run("verify", "--store", store, "--published", heads)["summary"]["published"] == 1
    last = max((store / "segments").glob("*.gz"))
    last.unlink()
    chain = store / "heads.jsonl"
    chain.write_bytes(b"".join(chain.read_bytes().splitlines(keepends=True)[:-1]))
    (store / "index.duckdb").unlink()
    said = run("verify", "--store", store, "--published", said["place"], code=1)
    assert said["summary"]["missing"] == 1
    assert any("cut off" in item["reason"] for item in said["items"])
