from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.gateway.pins.changed import changes_between
from sudo_mcp_guardrails.gateway.pins.errors import PinError
from sudo_mcp_guardrails.gateway.pins.files import read_lock, write_lock
from sudo_mcp_guardrails.gateway.pins.labels import Effect, Labels
from sudo_mcp_guardrails.gateway.pins.lock import Lock, Pin, ServerPin, lock_of, server_pin
from sudo_mcp_guardrails.gateway.pins.snapshot import ERAS, Snapshot
from tests.gateway.pins.samples import LISTS, TOOL, lock, snapshots

if TYPE_CHECKING:
    from pathlib import Path

MINE = Labels(Effect.READ, ("path",), (), "anna@example.com")


def reviewed() -> ServerPin:
    pin = lock().servers["files"]
    tools = {**pin.lists["tools"], "read_file": Pin(pin.lists["tools"]["read_file"].definitions, MINE)}
    return ServerPin(pin.launch, pin.eras, {**pin.lists, "tools": tools}, ("name.look-alike tools/x",))


def test_reads_back_and_is_the_same_each_time(tmp_path: Path) -> None:
    mine = Lock({"files": reviewed(), "b": reviewed(), "a": reviewed()})
    assert lock_of(mine.text()) == mine
    assert lock_of(mine.text()).text() == mine.text()
    assert Lock({name: mine.servers[name] for name in ("b", "files", "a")}).text() == mine.text()
    write_lock(tmp_path / "lock.json", mine)
    assert read_lock(tmp_path / "lock.json") == mine
    assert [file.name for file in tmp_path.iterdir()] == ["lock.json"]


def test_a_missing_file(tmp_path: Path) -> None:
    assert read_lock(tmp_path / "none", missing=True) == Lock()
    with pytest.raises(PinError, match="there is no lock file"):
        read_lock(tmp_path / "none")
    with pytest.raises(PinError, match="cannot be read"):
        read_lock(tmp_path)


def test_each_era_is_pinned() -> None:
    tool = lock().servers["files"].lists["tools"]["read_file"]
    assert len(tool.definitions) == 2
    assert len(lock().servers["files"].lists["tools"]["list_files"].definitions) == 1


def test_labels_stay_with_what_was_reviewed() -> None:
    again = server_pin({}, snapshots(), before=reviewed())
    assert again.lists["tools"]["read_file"].labels == MINE
    changed = server_pin({}, snapshots(LISTS | {"tools": [TOOL | {"title": "x"}]}), before=reviewed())
    assert changed.lists["tools"]["read_file"].labels == Labels()


def test_what_is_dynamic_is_not_pinned() -> None:
    before = ServerPin({}, {ERAS[0]: {}}, dynamic=("resources",))
    again = server_pin({}, snapshots(), before=before)
    assert again.lists["resources"] == {}
    assert again.dynamic == ("resources",)
    assert again.lists["prompts"]


def edited(change: Any) -> str:
    document = json.loads(Lock({"files": reviewed()}).text())
    change(document)
    return json.dumps(document)


def first_tool(document: Any) -> Any:
    return document["servers"]["files"]["tools"]["read_file"]


def edit_description(document: Any) -> None:
    for definition in first_tool(document)["definitions"].values():
        definition["description"] = "Send everything."


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not JSON"),
        ("[]", "expected an object"),
        ("{}", "version None"),
        ('{"version": 2}', "version 2"),
        ('{"version": 1, "version": 1}', "twice"),
        ('{"version": 1, "servers": []}', "expected an object"),
        ('{"version": 1, "other": 1}', "no fields but"),
        ("[" * 100_000, "nested too deep"),
        (edited(lambda d: d["servers"]["files"].update(x=1)), "no fields but"),
        (edited(lambda d: d["servers"]["files"].update(eras={})), "one or more of"),
        (edited(lambda d: d["servers"]["files"].update(eras={"1": {}})), "one or more of"),
        (edited(lambda d: d["servers"]["files"].update(dynamic=["tools"])), "expected of prompts"),
        (edited(lambda d: d["servers"]["files"].update(accepted="x")), "list of texts"),
        (edited(lambda d: first_tool(d).update(definitions={})), "is empty"),
        (edited(edit_description), "not the digest"),
        (edited(lambda d: first_tool(d)["labels"].update(effect="none")), "'read' or 'write'"),
        (edited(lambda d: first_tool(d)["labels"].update(reviewedBy="")), "nobody reviewed"),
        (edited(lambda d: first_tool(d)["labels"].update(authority="path")), "list of texts"),
        (edited(lambda d: first_tool(d)["labels"].update(reviewedBy=1)), "expected a text"),
        (edited(lambda d: first_tool(d)["labels"].update(x=1)), "no fields but"),
        (edited(lambda d: first_tool(d).update(labels=None)), "expected an object"),
    ],
    ids=range(21),
)
def test_what_is_no_lock_file(text: str, why: str) -> None:
    with pytest.raises(PinError, match=why):
        lock_of(text)


@pytest.mark.parametrize("tools", [[{}], [{"name": 1}], [{"name": "a"}, {"name": "a"}], ["x"]])
def test_lists_that_cannot_be_pinned(tools: Any) -> None:
    with pytest.raises(PinError):
        server_pin({}, [Snapshot(ERAS[0], {}, {"tools": tools})])


def test_changes() -> None:
    before = lock().servers["files"].document()
    assert changes_between("files", before, before) == ()
    lists = LISTS | {"tools": [TOOL | {"description": "Sends.\u200b"}, {"name": "new"}], "prompts": []}
    after = server_pin({"command": ["other"]}, snapshots(lists)).document()
    found = changes_between("files", before, after)
    assert {(each.kind, each.name, each.how) for each in found} == {
        ("launch", "", "changed"),
        ("tools", "read_file", "changed"),
        ("tools", "list_files", "gone"),
        ("tools", "new", "new"),
        ("prompts", "review", "gone"),
    }
    lines = next(each for each in found if each.name == "read_file").lines()
    assert lines == (
        "changed: files tools/read_file",
        "@ /description",
        '- "Reads a file of the project."',
        '+ "Sends.<U+200B>"',
    )
