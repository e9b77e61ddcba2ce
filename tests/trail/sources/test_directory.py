from __future__ import annotations

import json
import os
import socket
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sudo_mcp_guardrails.trail.errors import TrailError, UnreadableFileError
from sudo_mcp_guardrails.trail.source import SourceFile
from sudo_mcp_guardrails.trail.sources.directory import DirectorySource
from sudo_mcp_guardrails.trail.sources.keys import KeyRange

NAMES = ["a/x.json", "a-b/x.json", "a.json", "a/b/c/deep.json.gz", "Z.json", "é.json", "ab.json"]


def tree(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return root


def test_files_come_in_the_order_of_their_names_and_are_read(tmp_path: Path) -> None:
    source = DirectorySource(tree(tmp_path, *NAMES))
    files = list(source.files())
    assert [file.name for file in files] == sorted(NAMES)
    for file in files:
        assert source.read(file) == file.name.encode()
        assert file.size == len(file.name.encode())
    assert source.passed_over == []


def test_directories_may_be_nested_deeper_than_calls(tmp_path: Path) -> None:
    path = str(tmp_path)
    made = []
    try:
        for _ in range(sys.getrecursionlimit() + 100):
            path += "/d"
            os.mkdir(path)  # noqa: PTH102 - a Path of so many parts costs as much each time
            made.append(path)
        deep = Path(path + "/a.json")
        deep.write_bytes(b"deep")
        source = DirectorySource(tmp_path)
        [file] = source.files()
        assert file.name == "d/" * len(made) + "a.json"
        assert source.read(file) == b"deep"
        deep.unlink()
    finally:
        for each in reversed(made):  # what removes the directory later calls itself for each level
            os.rmdir(each)  # noqa: PTH106


def test_one_file_is_a_source_too(tmp_path: Path) -> None:
    source = DirectorySource(tree(tmp_path, "a.json", "b.json") / "a.json")
    [file] = source.files()
    assert file == SourceFile("a.json", 6)
    assert source.read(file) == b"a.json"
    assert source.covers("a.json")
    assert not source.covers("b.json")


def test_a_root_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrailError, match="absent' is not there, expected a directory or a file"):
        DirectorySource(tmp_path / "absent")


def test_a_file_that_is_gone_since_it_was_listed_is_none(tmp_path: Path) -> None:
    source = DirectorySource(tree(tmp_path, "a/x.json", "b.json"))
    files = list(source.files())
    (tmp_path / "a/x.json").unlink()
    (tmp_path / "a").rmdir()
    assert [source.read(file) for file in files] == [None, b"b.json"]


def test_links_are_not_followed_and_those_that_lead_outside_are_told(tmp_path: Path) -> None:
    root = tree(tmp_path / "in", "a.json", "d/b.json")
    tree(tmp_path / "out", "secret.json")
    (root / "inside.json").symlink_to("a.json")
    (root / "loop").symlink_to(".")
    (root / "outside").symlink_to(tmp_path / "out")
    (root / "secret.json").symlink_to(tmp_path / "out/secret.json")
    (root / "nowhere").symlink_to("absent")
    (root / "self").symlink_to("self")
    source = DirectorySource(root)
    assert [file.name for file in source.files()] == ["a.json", "d/b.json"]
    assert sorted(source.passed_over) == [
        ("nowhere", "a link to nothing"),
        ("outside", "a link that leads outside"),
        ("secret.json", "a link that leads outside"),
        ("self", "a link to nothing"),
    ]
    for name in ("secret.json", "inside.json"):
        with pytest.raises(UnreadableFileError, match=f"file '{name}' cannot be read"):
            source.read(SourceFile(name, 1))
    for name in ("outside/secret.json", "../out/secret.json", "d/../../out/secret.json", "/etc/passwd", "a\0b"):
        with pytest.raises(TrailError, match="leads outside"):
            source.read(SourceFile(name, 1))


def test_what_is_no_file_is_told_and_never_waited_for(tmp_path: Path) -> None:
    root = tree(tmp_path, "a.json", "b.json")
    os.mkfifo(root / "pipe.json")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(root / "sock"))
        source = DirectorySource(root)
        files = list(source.files())
    assert [file.name for file in files] == ["a.json", "b.json"]
    assert source.passed_over == [("pipe.json", "not a regular file"), ("sock", "not a regular file")]
    (root / "b.json").unlink()
    os.mkfifo(root / "b.json")
    with pytest.raises(UnreadableFileError, match=r"file 'b.json' cannot be read: not a regular file"):
        source.read(files[1])


def test_a_file_or_directory_that_may_not_be_read_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = DirectorySource(tree(tmp_path, "a.json", "d/b.json"))
    scandir = os.scandir

    def refuse(path: Any, *_: object) -> Any:
        if Path(path).name in {"a.json", "d"}:
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(UnreadableFileError, match=r"file 'a.json' cannot be read: Permission denied"):
        source.read(SourceFile("a.json", 6))
    with pytest.raises(UnreadableFileError, match=r"directory '.*/d' cannot be listed: Permission denied"):
        list(source.files())


def test_a_file_larger_than_allowed_is_refused_whatever_was_listed(tmp_path: Path) -> None:
    source = DirectorySource(tree(tmp_path, "12345"), max_bytes=5)
    assert source.read(SourceFile("12345", 0)) == b"12345"
    (tmp_path / "12345").write_bytes(b"123456")
    with pytest.raises(UnreadableFileError, match="is larger than 5 bytes"):
        source.read(SourceFile("12345", 5))


def test_a_name_that_is_no_text_can_be_stored_and_read(tmp_path: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.json")).write_bytes(b"odd")
    except OSError:
        pytest.skip("this file system has no such names")
    source = DirectorySource(tmp_path)
    [file] = source.files()
    assert file.name.encode() == rb"\xff.json"
    assert source.read(file) == b"odd"


def test_a_range_is_what_is_listed(tmp_path: Path) -> None:
    old, new = (f"AWSLogs/111122223333_CloudTrail_eu-central-1_2026112{day}T0000Z_A.json.gz" for day in (0, 1))
    tree(tmp_path, old, new, "other.json")
    source = DirectorySource(tmp_path, KeyRange(since=date(2026, 11, 21)))
    assert [file.name for file in source.files()] == [new]
    assert source.covers(new)
    assert not source.covers(old)
    assert not source.covers("s3://bucket/" + new)
    assert [file.name for file in DirectorySource(tmp_path, KeyRange(first=new)).files()] == [new, "other.json"]


SIGNED = {"signature": "aa", "signature-algorithm": "SHA256withRSA"}


@pytest.mark.parametrize(
    ("beside", "expected"),
    [
        ({}, {}),
        ({".metadata.json": json.dumps(SIGNED)}, SIGNED),
        ({".metadata.json": json.dumps({"ETag": "x", "Metadata": {"Signature": "aa", "n": 1}})}, {"signature": "aa"}),
        ({".signature": " aa\n"}, SIGNED),
        ({".signature": "bb", ".metadata.json": json.dumps(SIGNED)}, SIGNED),
    ],
)
def test_metadata_stands_beside_the_file(tmp_path: Path, beside: dict[str, str], expected: dict[str, str]) -> None:
    source = DirectorySource(tree(tmp_path, "d/digest"))
    for suffix, text in beside.items():
        (tmp_path / f"d/digest{suffix}").write_text(text)
    assert source.read_with_metadata(SourceFile("d/digest", 8)) == (b"d/digest", expected)
    assert source.read_with_metadata(SourceFile("d/absent", 8)) is None


@pytest.mark.parametrize(
    ("text", "reason"), [("{", "is not JSON"), ("[]", "is not an object"), ("x" * 70_000, "larger")]
)
def test_metadata_of_another_form_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    source = DirectorySource(tree(tmp_path, "digest"))
    (tmp_path / "digest.metadata.json").write_text(text)
    with pytest.raises(UnreadableFileError, match=reason):
        source.read_with_metadata(SourceFile("digest", 6))
