"""Dashboards for OpenSearch Dashboards, as saved objects: agent activity, denials, approvals and MCP sessions.

They are made here and not drawn by hand, so that a field that is renamed cannot leave an empty panel behind, and every
prefix has its own. ``saved_objects`` is what the import of saved objects takes (``POST api/saved_objects/_import``).

Source: OpenSearch Dashboards, its own sample data sets in ``src/plugins/home`` and the mappings of its saved objects.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Final

from sudo_mcp_guardrails.trail.index.names import PREFIX, check_prefix
from sudo_mcp_guardrails.trail.index.template import FIELDS

_META: Final = "kibanaSavedObjectMeta"
_INDEX_REFERENCE: Final = "kibanaSavedObjectMeta.searchSourceJSON.index"
_WIDTH: Final = 24
_HEIGHT: Final = 14
_TYPES: Final = {"keyword": "string", "date": "date", "boolean": "boolean"}


@dataclass(frozen=True)
class Panel:
    """One picture.

    Attributes:
        name: its id below the dashboard's.
        title: over it.
        kind: ``time`` (events over time, split by the field), ``terms`` (a table of the field's values), ``count``
            (how many there are).
        fields: what it splits by; more than one for a table of several columns.
        query: in DQL, beside the dashboard's.
    """

    name: str
    title: str
    kind: str
    fields: tuple[str, ...] = ()
    query: str = ""


@dataclass(frozen=True)
class Dashboard:
    """One page of pictures and a list of events.

    Attributes:
        name: its id below the prefix.
        title: of the page.
        query: which events it is about, in DQL.
        panels: from the top left.
        columns: of the list of events.
    """

    name: str
    title: str
    query: str
    panels: tuple[Panel, ...]
    columns: tuple[str, ...]


DASHBOARDS: Final = (
    Dashboard(
        "activity",
        "Agent activity",
        "attributed: true",
        (
            Panel("over-time", "Events by agent", "time", ("agent",)),
            Panel("count", "Events", "count"),
            Panel("calls", "Calls that change something", "terms", ("source", "name"), "read_only: false"),
            Panel("runs", "Runs", "terms", ("run", "agent", "ticket", "capability")),
            Panel("places", "Accounts and Regions", "terms", ("account", "region")),
            Panel("basis", "What the attribution rests on", "terms", ("by", "reason")),
        ),
        ("agent", "run", "ticket", "capability", "source", "name", "account", "region", "error"),
    ),
    Dashboard(
        "denials",
        "Denials of agents",
        "attributed: true and (error: AccessDenied* or error: *UnauthorizedOperation* or error: *Unauthorized*)",
        (
            Panel("over-time", "Denials by agent", "time", ("agent",)),
            Panel("count", "Denials", "count"),
            Panel("calls", "What was denied", "terms", ("source", "name", "error")),
            Panel("runs", "Runs with denials", "terms", ("run", "agent", "person")),
        ),
        ("agent", "run", "person", "source", "name", "error", "role_arn", "source_ip"),
    ),
    Dashboard(
        "approvals",
        "Approved changes",
        "capability: apply or capability: execution or approval: *",
        (
            Panel("over-time", "Events by capability", "time", ("capability",)),
            Panel(
                "without",
                "Applied without an approval that is known",
                "count",
                (),
                "capability: apply and not approval: *",
            ),
            Panel("approvals", "Approvals and plans", "terms", ("approval", "plan_digest", "agent", "ticket")),
            Panel("calls", "What was changed", "terms", ("source", "name"), "read_only: false"),
        ),
        ("approval", "plan_digest", "ticket", "agent", "run", "capability", "source", "name", "error"),
    ),
    Dashboard(
        "mcp-sessions",
        "MCP sessions",
        "type: AwsMcpEvent or invoked_by: *mcp* or sign_in_session: *",
        (
            Panel("over-time", "Tool calls by tool", "time", ("tool",), "type: AwsMcpEvent"),
            Panel("sessions", "Sessions", "terms", ("session", "person", "agent")),
            Panel("clients", "Clients", "terms", ("user_agent",), "type: AwsMcpEvent"),
            Panel("calls", "Calls made by tools", "terms", ("source", "name"), "not type: AwsMcpEvent"),
        ),
        ("session", "person", "agent", "tool", "tool_call", "source", "name", "request_id", "error"),
    ),
)
"""The pages, in the order of the menu."""


def saved_objects(prefix: str = PREFIX) -> list[dict[str, Any]]:
    """Return the index pattern, the pictures, the lists and the pages; the same prefix gives the same objects.

    The pattern takes in the years from 2000 to 2999, and so neither the ledger nor events without a time, which no
    time range shows.
    """
    check_prefix(prefix)
    found = [_index_pattern(prefix)]
    for page in DASHBOARDS:
        own = f"{prefix}-{page.name}"
        pictures = [_visualization(prefix, own, page, panel) for panel in page.panels]
        events = _search(prefix, own, page)
        found += [*pictures, events, _dashboard(own, page, [*pictures, events])]
    return found


def ndjson(prefix: str = PREFIX) -> str:
    """Return the saved objects as the file that OpenSearch Dashboards imports."""
    return "".join(f"{json.dumps(one, sort_keys=True)}\n" for one in saved_objects(prefix))


def _index_pattern(prefix: str) -> dict[str, Any]:
    fields = [
        {
            "name": name,
            "type": _TYPES[mapping["type"]],
            "esTypes": [mapping["type"]],
            "searchable": mapping.get("index", True),
            "aggregatable": mapping.get("doc_values", True),
            "readFromDocValues": mapping.get("doc_values", True),
            "count": 0,
            "scripted": False,
        }
        for name, mapping in FIELDS.items()
        if mapping["type"] in _TYPES  # not what is only kept
    ]
    attributes = {"title": f"{prefix}-2*", "timeFieldName": "event_time", "fields": json.dumps(fields)}
    return _object("index-pattern", f"{prefix}-events", attributes, [], "7.6.0")


def _visualization(prefix: str, own: str, page: Dashboard, panel: Panel) -> dict[str, Any]:
    kinds = {"time": "histogram", "terms": "table", "count": "metric"}
    aggregations: list[dict[str, Any]] = [
        {"id": "1", "enabled": True, "type": "count", "schema": "metric", "params": {}}
    ]
    if panel.kind == "time":
        params: dict[str, Any] = {"field": "event_time", "interval": "auto", "min_doc_count": 1, "drop_partials": False}
        aggregations.append(
            {"id": "2", "enabled": True, "type": "date_histogram", "schema": "segment", "params": params}
        )
    schema = "bucket" if panel.kind == "terms" else "group"
    for name in panel.fields:
        params = {"field": name, "size": 20, "order": "desc", "orderBy": "1", "missingBucket": True}
        params["missingBucketLabel"] = "unknown"
        next_id = str(len(aggregations) + 1)
        aggregations.append({"id": next_id, "enabled": True, "type": "terms", "schema": schema, "params": params})
    state = {"title": panel.title, "type": kinds[panel.kind], "aggs": aggregations, "params": _params(panel.kind)}
    query = " and ".join(f"({part})" for part in (page.query, panel.query) if part)
    attributes = {
        "title": f"{page.title}: {panel.title}",
        "visState": json.dumps(state),
        "uiStateJSON": "{}",
        "description": "",
        "version": 1,
        _META: {"searchSourceJSON": _source(query)},
    }
    return _object("visualization", f"{own}-{panel.name}", attributes, [_to_index(prefix)], "7.10.0")


def _params(kind: str) -> dict[str, Any]:
    """Return what a picture of a kind needs to be drawn at all."""
    if kind == "terms":
        return {"perPage": 10, "showPartialRows": False, "showTotal": False, "totalFunc": "sum"}
    if kind == "count":
        style = {"bgFill": "#000", "bgColor": False, "labelColor": False, "subText": "", "fontSize": 60}
        colors = {"colorSchema": "Green to Red", "metricColorMode": "None", "colorsRange": [{"from": 0, "to": 10000}]}
        return {"addTooltip": True, "type": "metric", "metric": {**colors, "labels": {"show": True}, "style": style}}
    labels = {"show": True, "truncate": 100}
    category = {"id": "CategoryAxis-1", "type": "category", "position": "bottom", "show": True, "labels": labels}
    value = {"id": "ValueAxis-1", "name": "LeftAxis-1", "type": "value", "position": "left", "show": True}
    series = {"show": True, "type": "histogram", "mode": "stacked", "data": {"label": "Events", "id": "1"}}
    return {
        "type": "histogram",
        "addTooltip": True,
        "addLegend": True,
        "legendPosition": "right",
        "categoryAxes": [{**category, "scale": {"type": "linear"}, "title": {}, "style": {}}],
        "valueAxes": [
            {**value, "scale": {"type": "linear", "mode": "normal"}, "labels": labels, "title": {"text": "Events"}}
        ],
        "seriesParams": [{**series, "valueAxis": "ValueAxis-1", "drawLinesBetweenPoints": True, "showCircles": True}],
    }


def _search(prefix: str, own: str, page: Dashboard) -> dict[str, Any]:
    attributes = {
        "title": f"{page.title}: events",
        "description": "",
        "columns": list(page.columns),
        "sort": [["event_time", "desc"]],
        "version": 1,
        _META: {"searchSourceJSON": _source(page.query)},
    }
    return _object("search", f"{own}-events", attributes, [_to_index(prefix)], "7.9.3")


def _dashboard(own: str, page: Dashboard, parts: list[dict[str, Any]]) -> dict[str, Any]:
    panels: list[dict[str, Any]] = []
    references: list[dict[str, str]] = []
    for number, part in enumerate(parts):
        last = part["type"] == "search"
        row, column = divmod(number, 2)
        place = {"x": 0 if last else column * _WIDTH, "y": (row + (last and column)) * _HEIGHT}
        size = {"w": 2 * _WIDTH if last else _WIDTH, "h": _HEIGHT}
        grid = {**place, **size, "i": str(number)}
        name = f"panel_{number}"
        panels.append({"panelIndex": str(number), "gridData": grid, "embeddableConfig": {}, "panelRefName": name})
        references.append({"name": name, "type": part["type"], "id": part["id"]})
    attributes = {
        "title": page.title,
        "description": "Written by sudo-mcp-guardrails",
        "panelsJSON": json.dumps(panels),
        "optionsJSON": json.dumps({"hidePanelTitles": False, "useMargins": True}),
        "timeRestore": True,
        "timeFrom": "now-24h",
        "timeTo": "now",
        "version": 1,
        _META: {"searchSourceJSON": json.dumps({"query": {"query": "", "language": "kuery"}, "filter": []})},
    }
    return _object("dashboard", own, attributes, references, "7.9.3")


def _source(query: str) -> str:
    asked = {"query": query, "language": "kuery"}
    return json.dumps({"query": asked, "filter": [], "indexRefName": _INDEX_REFERENCE})


def _to_index(prefix: str) -> dict[str, str]:
    return {"name": _INDEX_REFERENCE, "type": "index-pattern", "id": f"{prefix}-events"}


def _object(
    kind: str, id: str, attributes: dict[str, Any], references: list[dict[str, str]], migration: str
) -> dict[str, Any]:
    return {
        "id": id,
        "type": kind,
        "attributes": attributes,
        "references": references,
        "migrationVersion": {kind: migration},
    }
