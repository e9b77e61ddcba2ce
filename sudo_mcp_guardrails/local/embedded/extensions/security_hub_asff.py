"""What Security Hub takes for a finding: by botocore's model of it, and by what AWS documents beside.

Not an extension: `security_hub` asks it.
https://docs.aws.amazon.com/securityhub/latest/userguide/asff-required-attributes.html
https://docs.aws.amazon.com/securityhub/latest/userguide/asff-top-level-attributes.html
https://docs.aws.amazon.com/securityhub/latest/userguide/securityhub-findings-format-type-taxonomy.html
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

import botocore.session
from botocore.validate import ParamValidator

from .attempts import PARTITION

MOST_BYTES = 240 * 1024
LENGTHS = {"Id": 512, "GeneratorId": 512, "Title": 256, "Description": 1024, "ProductName": 128, "CompanyName": 128}
NAMESPACES = frozenset(
    {
        "Software and Configuration Checks",
        "TTPs",
        "Effects",
        "Unusual Behaviors",
        "Sensitive Data Identifications",
    }
)
MOST_FIELDS, LONGEST_KEY, LONGEST_VALUE = 50, 128, 2048
MOST_TYPES, MOST_RESOURCES, MOST_SLASHES = 50, 32, 2
_BEGINNING = "Finding does not adhere to Amazon Finding Format."
_TIMES = ("CreatedAt", "UpdatedAt", "FirstObservedAt", "LastObservedAt")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)")
_FUTURE = timedelta(minutes=5)


@lru_cache(maxsize=1)
def _shape() -> Any:
    return botocore.session.get_session().get_service_model("securityhub").shape_for("AwsSecurityFinding")


def problem(finding: Any, account: str, region: str) -> str:
    """Return why a finding is not taken; empty where it is."""
    report = ParamValidator().validate(finding, _shape())
    if report.has_errors():
        return f"{_BEGINNING} {report.generate_report()}"
    wrong = [*_by_model(finding, _shape(), "data"), *_by_documents(finding, account, region)]
    return f"{_BEGINNING} {'; '.join(wrong)}" if wrong else ""


def moment(text: str) -> datetime:
    """Return a time that was checked."""
    # Python 3.11 reads at most six digits of a second.
    return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text).replace("Z", "+00:00"))


def _by_model(value: Any, shape: Any, where: str) -> list[str]:
    """Return what breaks patterns and enumerations of the model, which botocore's own validation passes over."""
    if shape.type_name == "structure":
        members = shape.members
        return [one for name, each in value.items() for one in _by_model(each, members[name], f"{where}.{name}")]
    if shape.type_name == "list":
        return [one for at, each in enumerate(value) for one in _by_model(each, shape.member, f"{where}[{at}]")]
    if shape.type_name == "map":
        keys = [one for key in value for one in _by_model(key, shape.key, f"{where}.{key[:40]}")]
        return keys + [
            one for key, each in value.items() for one in _by_model(each, shape.value, f"{where}.{key[:40]}")
        ]
    return _text(value, shape, where) if shape.type_name == "string" else []


def _text(value: str, shape: Any, where: str) -> list[str]:
    allowed, pattern = getattr(shape, "enum", None), shape.metadata.get("pattern")
    if allowed and value not in allowed:
        return [f"{where} should be equal to one of the allowed values"]
    # As those of JSON Schema, the patterns are not anchored: this one asks for something beside blanks.
    if pattern and not re.search(pattern, value):
        return [f'{where} should match pattern "{pattern}"']
    return []


def _by_documents(finding: dict[str, Any], account: str, region: str) -> list[str]:
    own = f"arn:{PARTITION}:securityhub:{region}:{account}:product/{account}/default"
    fields = finding.get("ProductFields") or {}
    types = finding.get("Types", []) + (finding.get("FindingProviderFields") or {}).get("Types", [])
    checks = [
        (finding["SchemaVersion"] == "2018-10-08", "data.SchemaVersion should be equal to 2018-10-08"),
        (finding["ProductArn"] == own, f"data.ProductArn should be {own} for a finding of one's own"),
        (finding["AwsAccountId"] == account, f"data.AwsAccountId should be {account}, the account that imports"),
        (
            len(finding["Resources"]) <= MOST_RESOURCES,
            f"data.Resources should NOT have more than {MOST_RESOURCES} items",
        ),
        (len(types) <= MOST_TYPES, f"data.Types should NOT have more than {MOST_TYPES} items"),
        (bool(finding["Resources"]), "data.Resources should NOT have fewer than 1 items"),
        (_has_severity(finding), "data.Severity should have a Label or Normalized"),
        (len(fields) <= MOST_FIELDS, f"data.ProductFields should NOT have more than {MOST_FIELDS} pairs"),
        (len(json.dumps(finding).encode()) <= MOST_BYTES, f"data should NOT be larger than {MOST_BYTES} bytes"),
    ]
    checks += [
        (len(finding.get(name, "")) <= most, f"data.{name} should NOT be longer than {most} characters")
        for name, most in LENGTHS.items()
    ]
    checks += [
        (len(key) <= LONGEST_KEY and len(value) <= LONGEST_VALUE, f"data.ProductFields.{key[:40]} is too long")
        for key, value in fields.items()
    ]
    checks += [
        (
            each.split("/")[0] in NAMESPACES and each.count("/") <= MOST_SLASHES,
            f"data.Types {each!r} should be namespace/category/classifier",
        )
        for each in types
    ]
    checks += [
        (_is_time(finding[name]), f"data.{name} should match format date-time") for name in _TIMES if name in finding
    ]
    return [text for is_so, text in checks if not is_so]


def _has_severity(finding: dict[str, Any]) -> bool:
    given = (finding.get("Severity"), (finding.get("FindingProviderFields") or {}).get("Severity"))
    return any(one and ("Label" in one or "Normalized" in one) for one in given)


def _is_time(text: str) -> bool:
    if not _TIME.fullmatch(text):
        return False
    try:
        return moment(text) <= datetime.now(timezone.utc) + _FUTURE
    except ValueError:
        return False
