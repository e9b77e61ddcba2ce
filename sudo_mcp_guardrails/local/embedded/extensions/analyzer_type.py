"""Gap: CloudFormation refuses AWS::AccessAnalyzer::Analyzer, and ministack 1.5.33 has no such service at all.

The analyzer is recorded with its properties, so that a stack with one deploys and its ARN can be referred to. It
finds nothing: what Access Analyzer would report is not shown on the embedded AWS.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-accessanalyzer-analyzer.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ministack.core.responses import AccountRegionScopedDict, get_account_id, get_region
from ministack.services.cloudformation.provisioners import _physical_name

from .support import PARTITION, register

if TYPE_CHECKING:
    from .support import Created, Props

_TYPES = (
    "ACCOUNT",
    "ORGANIZATION",
    "ACCOUNT_UNUSED_ACCESS",
    "ORGANIZATION_UNUSED_ACCESS",
    "ACCOUNT_INTERNAL_ACCESS",
    "ORGANIZATION_INTERNAL_ACCESS",
)
_RECORDED = ("Type", "ArchiveRules", "AnalyzerConfiguration", "Tags")
_analyzers = AccountRegionScopedDict()


def _record(name: str, props: Props) -> None:
    kind = props.get("Type")
    if kind not in _TYPES:
        message = f"analyzer Type {kind!r} is none of {', '.join(_TYPES)}"
        raise ValueError(message)
    _analyzers[name] = {member: props[member] for member in _RECORDED if props.get(member) is not None}


def _arn(name: str) -> str:
    return f"arn:{PARTITION}:access-analyzer:{get_region()}:{get_account_id()}:analyzer/{name}"


def _create(logical_id: str, props: Props, stack_name: str) -> Created:
    name = props.get("AnalyzerName") or _physical_name(stack_name, logical_id, max_len=255)
    if name in _analyzers:
        message = f"an analyzer {name} exists already"
        raise ValueError(message)
    _record(name, props)
    return _arn(name), {"Arn": _arn(name)}


def _update(physical_id: str, old: Props, new: Props, stack_name: str) -> Created:
    if (old.get("AnalyzerName"), old.get("Type")) != (new.get("AnalyzerName"), new.get("Type")):
        return _create("", new, stack_name)
    _record(physical_id.rpartition("/")[2], new)
    return physical_id, {"Arn": physical_id}


def _delete(physical_id: str, _props: Props) -> None:
    _analyzers.pop(physical_id.rpartition("/")[2], None)


def install() -> None:
    """Register the type."""
    register("AWS::AccessAnalyzer::Analyzer", _create, _delete, _update)
