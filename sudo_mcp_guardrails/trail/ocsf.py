"""Events as OCSF's API Activity, class 6003, for a security lake or a SIEM that takes it.

OCSF 1.1.0, which is what Security Lake's own CloudTrail source of version 2 has; of the class's fields those that an
event tells, named as in that source. Whose work an event is stands in ``unmapped``, as text by name: OCSF has no place
for a run or a ticket. Sources: OCSF schema, "API Activity" and the profile "Cloud"; Security Lake user guide,
"Collecting data from custom sources".
"""

from __future__ import annotations

import ipaddress
from calendar import timegm
from dataclasses import fields
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.trail.attribution import Attribution

if TYPE_CHECKING:
    from sudo_mcp_guardrails.trail.attribution import Attributed
    from sudo_mcp_guardrails.trail.event import Event

VERSION: Final = "1.1.0"
CLASS_UID: Final = 6003
CATEGORY_UID: Final = 6
_ACTIVITIES: Final = {1: "Create", 2: "Read", 3: "Update", 4: "Delete", 99: "Other"}
_VERBS: Final = (
    (1, ("Allocate", "Create", "Import", "Launch", "Publish", "Register", "Run", "Upload")),
    (3, ("Add", "Associate", "Attach", "Change", "Disable", "Enable", "Modify", "Put", "Set", "Tag", "Update")),
    (4, ("Delete", "Deregister", "Detach", "Disassociate", "Purge", "Remove", "Terminate", "Untag")),
)
_USER_TYPES: Final = {"Root": (2, "Admin"), "AWSService": (3, "System")}

_TEXT: Final = "string"
_ENDPOINT: Final = "struct<ip:string,domain:string>"
COLUMNS: Final[dict[str, str]] = {
    "activity_id": "int",
    "activity_name": _TEXT,
    "actor": "struct<user:struct<type:string,type_id:int,name:string,uid:string,uid_alt:string,"
    "account:struct<uid:string>,credential_uid:string>,session:struct<uid:string,issuer:string>,invoked_by:string>",
    "api": "struct<operation:string,service:struct<name:string>,request:struct<uid:string>,"
    "response:struct<error:string>>",
    "category_name": _TEXT,
    "category_uid": "int",
    "class_name": _TEXT,
    "class_uid": "int",
    "cloud": "struct<provider:string,region:string,account:struct<uid:string>>",
    "http_request": "struct<user_agent:string>",
    "metadata": "struct<version:string,uid:string,profiles:array<string>,event_code:string,"
    "product:struct<name:string,vendor_name:string>>",
    "raw_data": _TEXT,
    "severity": _TEXT,
    "severity_id": "int",
    "src_endpoint": _ENDPOINT,
    "status": _TEXT,
    "status_code": _TEXT,
    "status_id": "int",
    "time": "bigint",
    "type_name": _TEXT,
    "type_uid": "bigint",
    "unmapped": "map<string,string>",
}
"""The columns of a table of :func:`to_ocsf`'s documents, by name, as Hive writes types."""


def to_ocsf(attributed: Attributed, *, raw: bool = True) -> dict[str, Any]:
    """Return an event as API Activity.

    What the event does not tell is left out. The class wants a time of every event: that of one without is 0.

    Args:
        attributed: the event, and whose work it is.
        raw: whether to carry CloudTrail's own JSON along, as ``raw_data``.
    """
    event, attribution = attributed.event, attributed.attribution
    activity = _activity(event)
    found: dict[str, Any] = {
        "activity_id": activity,
        "activity_name": _ACTIVITIES[activity],
        "actor": _actor(event, attribution),
        "api": _filled(
            operation=event.name,
            service=_filled(name=event.source),
            request=_filled(uid=event.request_id),
            response=_filled(error=event.error),
        ),
        "category_name": "Application Activity",
        "category_uid": CATEGORY_UID,
        "class_name": "API Activity",
        "class_uid": CLASS_UID,
        "cloud": _filled(provider="AWS", region=event.region, account=_filled(uid=event.account)),
        "http_request": _filled(user_agent=event.user_agent),
        "metadata": _filled(
            version=VERSION,
            uid=event.event_id,
            profiles=["cloud"],
            event_code=event.type,
            product={"name": "CloudTrail", "vendor_name": "AWS"},
        ),
        "severity": "Informational",
        "severity_id": 1,
        "src_endpoint": _endpoint(event.source_ip),
        "status": "Failure" if event.error else "Success",
        "status_code": event.error,
        "status_id": 2 if event.error else 1,
        "time": _milliseconds(event.event_time),
        "type_name": f"API Activity: {_ACTIVITIES[activity]}",
        "type_uid": CLASS_UID * 100 + activity,
        "unmapped": _unmapped(attribution),
    }
    if raw:
        found["raw_data"] = event.raw.decode("utf-8", "replace")
    return {name: value for name, value in found.items() if value not in (None, {})}


def _activity(event: Event) -> int:
    """Return what kind of call it is, by whether it changes anything and by its verb."""
    if event.read_only:
        return 2
    name = event.name or ""
    return next((activity for activity, verbs in _VERBS if name.startswith(verbs)), 99)


def _actor(event: Event, attribution: Attribution) -> dict[str, Any]:
    type_id, type_name = _USER_TYPES.get(
        event.identity_type or "", (1, "User") if event.identity_type else (0, "Unknown")
    )
    return _filled(
        user=_filled(
            type=event.identity_type or type_name,
            type_id=type_id,
            name=event.user_name,
            uid=event.principal_arn,
            uid_alt=event.principal_id,
            account=_filled(uid=event.account),
            credential_uid=event.access_key,
        ),
        session=_filled(uid=attribution.session or event.sign_in_session, issuer=event.role_arn),
        invoked_by=event.invoked_by,
    )


def _endpoint(source: str | None) -> dict[str, str]:
    """Return where a call came from: an address, or a service's name."""
    if source is None:
        return {}
    try:
        return {"ip": str(ipaddress.ip_address(source))}
    except ValueError:
        return {"domain": source}


def _unmapped(attribution: Attribution) -> dict[str, str]:
    found = {"attributed": "true" if attribution.attributed else "false"}
    for field in fields(Attribution):
        value = getattr(attribution, field.name)
        if value is not None:
            found[field.name] = value.value if field.name == "by" else value
    return found


def _milliseconds(time: str | None) -> int:
    """Return an ``eventTime`` in milliseconds since 1970; 0 for none, or a day that no calendar has."""
    if time is None:
        return 0
    try:
        seconds = timegm(datetime.strptime(time[:19], "%Y-%m-%dT%H:%M:%S").timetuple())  # noqa: DTZ007 - UTC by timegm
    except ValueError:
        return 0
    fraction = time[20:-1]
    return seconds * 1000 + (int(fraction[:3].ljust(3, "0")) if fraction else 0)


def _filled(**values: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Return the values that are something."""
    return {name: value for name, value in values.items() if value not in (None, {})}
