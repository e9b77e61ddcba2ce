from __future__ import annotations

import json
import re
from typing import Any

import pytest

from sudo_mcp_guardrails.trail.index.dashboards import DASHBOARDS, ndjson, saved_objects
from sudo_mcp_guardrails.trail.index.template import FIELDS


def source_of(found: dict[str, Any]) -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(found["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
    return parsed


def test_file_is_one_object_a_line_and_the_same_every_time() -> None:
    text = ndjson()
    assert text == ndjson()
    assert text.endswith("\n")
    assert [json.loads(line) for line in text.splitlines()] == saved_objects()


def test_references_lead_to_objects_of_the_file() -> None:
    found = saved_objects("other")
    known = {(one["type"], one["id"]) for one in found}
    assert len(known) == len(found)
    for one in found:
        assert set(one["migrationVersion"]) == {one["type"]}
        names = [reference["name"] for reference in one["references"]]
        assert len(set(names)) == len(names)
        assert {(reference["type"], reference["id"]) for reference in one["references"]} <= known
        if one["type"] in {"visualization", "search"}:
            assert source_of(one)["indexRefName"] in names
        if one["type"] == "dashboard":
            panels = json.loads(one["attributes"]["panelsJSON"])
            assert [panel["panelRefName"] for panel in panels] == names


def test_panels_do_not_overlap() -> None:
    for one in saved_objects():
        if one["type"] != "dashboard":
            continue
        taken: set[tuple[int, int]] = set()
        for panel in json.loads(one["attributes"]["panelsJSON"]):
            grid = panel["gridData"]
            assert grid["x"] + grid["w"] <= 48
            own = {
                (x, y) for x in range(grid["x"], grid["x"] + grid["w"]) for y in range(grid["y"], grid["y"] + grid["h"])
            }
            assert not own & taken
            taken |= own


@pytest.mark.parametrize("page", DASHBOARDS, ids=lambda page: page.name)
def test_every_field_of_a_page_is_in_the_template(page: Any) -> None:
    asked = " ".join([page.query, *(panel.query for panel in page.panels)])
    queried = set(re.findall(r"(\w+):", asked))
    assert queried
    assert queried <= set(FIELDS)
    assert set(page.columns) <= set(FIELDS)
    for panel in page.panels:
        for name in panel.fields:
            assert FIELDS[name].get("doc_values", True), f"{name} cannot be counted by"


def test_every_field_of_the_objects_is_in_the_template() -> None:
    for one in saved_objects():
        if one["type"] == "visualization":
            state = json.loads(one["attributes"]["visState"])
            used = {part["params"]["field"] for part in state["aggs"] if "field" in part["params"]}
            assert used <= set(FIELDS), one["id"]
            assert [part["id"] for part in state["aggs"]] == [str(n + 1) for n in range(len(state["aggs"]))]
        if one["type"] == "index-pattern":
            shown = {name for name, mapping in FIELDS.items() if mapping.get("enabled", True)}
            assert {field["name"] for field in json.loads(one["attributes"]["fields"])} == shown
            assert FIELDS[one["attributes"]["timeFieldName"]]["type"] == "date"


def test_there_is_a_page_for_each_question() -> None:
    assert {page.name for page in DASHBOARDS} == {"activity", "denials", "approvals", "mcp-sessions"}
