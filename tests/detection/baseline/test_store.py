from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.detection.baseline import DirectoryStore, MemoryStore
from sudo_mcp_guardrails.detection.errors import DetectionError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(params=["memory", "directory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> MemoryStore | DirectoryStore:
    return MemoryStore() if request.param == "memory" else DirectoryStore(tmp_path / "deep" / "er")


def test_what_was_saved_last_is_loaded(store: MemoryStore | DirectoryStore) -> None:
    assert store.load("agent/a") is None
    store.save("agent/a", b"one\nuntil 3\n", 20)
    store.save("agent/b", b"other", 20)
    assert store.load("agent/a") == b"one\nuntil 3\n"
    store.save("agent/a", b"two", 20)
    assert store.load("agent/a") == b"two"
    store.delete("agent/a")
    store.delete("agent/a")
    assert store.load("agent/a") is None
    assert store.load("agent/b") == b"other"


def test_keys_may_be_any_text(store: MemoryStore | DirectoryStore) -> None:
    for key in ("../../etc/passwd", "a\x00b", "\ud800", "k" * 5_000, ""):
        store.save(key, key.encode("utf-8", "surrogatepass"), 1)
    for key in ("../../etc/passwd", "a\x00b", "\ud800", "k" * 5_000, ""):
        assert store.load(key) == key.encode("utf-8", "surrogatepass")


def test_a_sweep_takes_what_nobody_asks_for(store: MemoryStore | DirectoryStore) -> None:
    for until in (10, 11, 12):
        store.save(str(until), b"x", until)
    assert store.sweep(12) == 2
    assert [store.load(str(until)) for until in (10, 11, 12)] == [None, None, b"x"]


def test_files_are_the_owners_alone_and_none_is_left_over(tmp_path: Path) -> None:
    store = DirectoryStore(tmp_path / "d")
    store.save("a", b"x", 1)
    store.save("a", b"y", 1)
    assert (tmp_path / "d").stat().st_mode & 0o077 == 0
    (file,) = (tmp_path / "d").iterdir()
    assert file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("damage", [b"", b"until x\nz", b"else 3\nz", b"until 3"])
def test_a_damaged_file_is_refused(tmp_path: Path, damage: bytes) -> None:
    store = DirectoryStore(tmp_path)
    store.save("a", b"x", 1)
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage)
    with pytest.raises(DetectionError, match="begins with"):
        store.load("a")
    with pytest.raises(DetectionError, match="begins with"):
        store.sweep(3)


def test_a_directory_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DetectionError, match="cannot be made"):
        DirectoryStore(tmp_path / "file" / "d")
    store = DirectoryStore(tmp_path / "d")
    store.save("a", b"x", 1)
    (file,) = (tmp_path / "d").iterdir()
    file.unlink()
    file.mkdir()
    with pytest.raises(DetectionError, match="cannot be read"):
        store.load("a")
    with pytest.raises(DetectionError, match="cannot be written"):
        store.save("a", b"x", 1)
    assert [one.name for one in (tmp_path / "d").iterdir()] == [file.name]
