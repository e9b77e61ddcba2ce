"""Gap: ministack has no Security Hub, so whether it takes a finding cannot be tried.

EnableSecurityHub, DescribeHub, DisableSecurityHub, BatchImportFindings and GetFindings, in an account and Region. A
finding is checked by AWS's own model of it, as botocore has it, and by what AWS documents beside (`security_hub_asff`);
one that fails is answered among `FailedFindings`, and the others are taken. The same id again is an update: it counts
if its `UpdatedAt` is later, and leaves what people set, such as `Workflow`, as it is.
https://docs.aws.amazon.com/securityhub/1.0/APIReference/API_BatchImportFindings.html
https://docs.aws.amazon.com/securityhub/latest/userguide/finding-update-batchimportfindings.html
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from http import HTTPStatus
from typing import Any

from ministack import app as server
from ministack.core import iam_actions
from ministack.core.responses import (
    AccountRegionScopedDict,
    error_response_json,
    get_account_id,
    get_region,
    json_response,
)

from . import security_hub_asff
from .attempts import PARTITION

SERVICE = "securityhub"
MOST = 100
_INVALID = "InvalidInputException"
_PEOPLES = ("Note", "UserDefinedFields", "VerificationState", "Workflow")
_FILTERS = frozenset({"Id", "AwsAccountId", "GeneratorId", "SeverityLabel"})
_COMPARISONS = ("EQUALS", "PREFIX")

# "hub" -> what DescribeHub answers
_hubs = AccountRegionScopedDict()
# Product and id -> the finding
_findings = AccountRegionScopedDict()


def install() -> None:
    """Route, authorize and answer requests to `securityhub`."""
    iam_actions.SERVICE_TO_IAM_NAMESPACE[SERVICE] = SERVICE
    iam_actions._BOTOCORE_SERVICE_MAP[SERVICE] = [SERVICE]
    server.SERVICE_HANDLERS[SERVICE] = _answer
    detect, resource_arn = server.detect_service, iam_actions.extract_resource_arn

    def detect_service(method: str, path: str, headers: Any, query: Any) -> Any:
        if f"/{SERVICE}/aws4_request" in headers.get("authorization", ""):
            return SERVICE
        return detect(method, path, headers, query)

    def extract_resource_arn(*arguments: Any) -> Any:
        service, method, path, headers, body, query, region, account = arguments
        if service != SERVICE:
            return resource_arn(*arguments)
        if iam_actions.extract_iam_action(service, method, path, headers, body, query) == f"{SERVICE}:{_IMPORT}":
            # https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssecurityhub.html
            found = _read(body).get("Findings")
            first = found[0] if isinstance(found, list) and found and isinstance(found[0], dict) else {}
            return str(first.get("ProductArn") or "*")
        return f"arn:{PARTITION}:{SERVICE}:{region}:{account}:hub/default"

    server.detect_service = detect_service
    iam_actions.extract_resource_arn = extract_resource_arn


_IMPORT = "BatchImportFindings"


async def _answer(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
    action = iam_actions.extract_iam_action(SERVICE, method, path, headers, body, query) or ""
    name = action.partition(":")[2]
    does = _OPERATIONS.get(name)
    if does is None:
        return error_response_json(_INVALID, f"the embedded AWS does not serve {name or path}", HTTPStatus.BAD_REQUEST)
    if name != "EnableSecurityHub" and "hub" not in _hubs:
        message = f"Account {get_account_id()} is not subscribed to AWS Security Hub"
        return error_response_json("InvalidAccessException", message, HTTPStatus.UNAUTHORIZED)
    return does(_read(body))


def _read(body: bytes) -> dict[str, Any]:
    try:
        data = json.loads(body or b"{}")
    except (ValueError, UnicodeDecodeError):
        return {}
    return data if isinstance(data, dict) else {}


def _enable(_data: dict[str, Any]) -> Any:
    if "hub" in _hubs:
        return error_response_json("ResourceConflictException", "Account is already subscribed", HTTPStatus.CONFLICT)
    arn = f"arn:{PARTITION}:{SERVICE}:{get_region()}:{get_account_id()}:hub/default"
    _hubs["hub"] = {"HubArn": arn, "SubscribedAt": datetime.now(timezone.utc).isoformat(), "AutoEnableControls": True}
    return json_response({})


def _disable(_data: dict[str, Any]) -> Any:
    del _hubs["hub"]
    return json_response({})


def _describe(_data: dict[str, Any]) -> Any:
    return json_response(_hubs["hub"])


def _import(data: dict[str, Any]) -> Any:
    findings = data.get("Findings")
    if not isinstance(findings, list) or not 1 <= len(findings) <= MOST:
        message = f"Findings must be a list of 1 to {MOST}"
        return error_response_json(_INVALID, message, HTTPStatus.BAD_REQUEST)
    failed = []
    for finding in findings:
        problem = security_hub_asff.problem(finding, get_account_id(), get_region())
        if problem:
            id_ = str(finding.get("Id") or "unknown") if isinstance(finding, dict) else "unknown"
            failed.append({"Id": id_, "ErrorCode": "InvalidInput", "ErrorMessage": problem})
        else:
            _take(finding)
    answer = {"FailedCount": len(failed), "SuccessCount": len(findings) - len(failed), "FailedFindings": failed}
    return json_response(answer)


def _take(finding: dict[str, Any]) -> None:
    key = f"{finding['ProductArn']} {finding['Id']}"
    before = _findings.get(key)
    if before is not None:
        if security_hub_asff.moment(finding["UpdatedAt"]) <= security_hub_asff.moment(before["UpdatedAt"]):
            return
        kept = {name: before[name] for name in _PEOPLES if name in before}
        finding = {**before, **{name: value for name, value in finding.items() if name not in _PEOPLES}, **kept}
    _findings[key] = {"Workflow": {"Status": "NEW"}, "RecordState": "ACTIVE", **finding, "Region": get_region()}


def _get(data: dict[str, Any]) -> Any:
    filters = data.get("Filters") or {}
    unknown = sorted(set(filters) - _FILTERS)
    comparisons = {one.get("Comparison") for each in filters.values() for one in each}
    if unknown or not comparisons <= set(_COMPARISONS):
        message = f"the embedded AWS filters by {', '.join(sorted(_FILTERS))} with EQUALS and PREFIX alone"
        return error_response_json(_INVALID, message, HTTPStatus.BAD_REQUEST)
    found = [one for one in _findings.values() if all(_fits(one, name, each) for name, each in filters.items())]
    found.sort(key=lambda one: (str(one["UpdatedAt"]), str(one["Id"])), reverse=True)
    return json_response({"Findings": found[:MOST]})


def _fits(finding: dict[str, Any], name: str, wanted: list[dict[str, Any]]) -> bool:
    value = finding.get("Severity", {}).get("Label") if name == "SeverityLabel" else finding.get(name)
    text = str(value or "")
    return any(
        text == one["Value"] if one["Comparison"] == "EQUALS" else text.startswith(one["Value"]) for one in wanted
    )


_OPERATIONS = {
    "EnableSecurityHub": _enable,
    "DisableSecurityHub": _disable,
    "DescribeHub": _describe,
    _IMPORT: _import,
    "GetFindings": _get,
}
