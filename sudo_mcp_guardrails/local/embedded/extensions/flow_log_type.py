"""Gap: CloudFormation refuses AWS::EC2::FlowLog.

The flow log is made by ministack's own CreateFlowLogs, which records it. What it names must be there, and its role must
trust the service, as at AWS. It logs nothing: ministack has no network through which anything could flow.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-flowlog.html
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ministack.core.responses import get_account_id
from ministack.services import cloudwatch_logs, ec2

from . import principals
from .support import call, register

if TYPE_CHECKING:
    from .support import Created, Props

SERVICE = "vpc-flow-logs.amazonaws.com"
_OF_TYPE = {"VPC": ec2._vpcs, "Subnet": ec2._subnets, "NetworkInterface": ec2._network_interfaces}
_MEMBERS = ("ResourceType", "TrafficType", "LogDestinationType", "LogDestination", "LogGroupName")


def _check(props: Props) -> None:
    resource, kind = props.get("ResourceId"), props.get("ResourceType")
    if resource not in _OF_TYPE.get(str(kind), {}):
        message = f"a flow log of {kind} {resource!r} cannot be made, there is no such resource"
        raise ValueError(message)
    if props.get("LogDestinationType", "cloud-watch-logs") != "cloud-watch-logs":
        return
    group, role = props.get("LogGroupName"), str(props.get("DeliverLogsPermissionArn") or "")
    if group not in cloudwatch_logs._log_groups:
        message = f"a flow log to {group!r} cannot be made, there is no such log group"
        raise ValueError(message)
    if not principals.service_may_assume(role, SERVICE, get_account_id()):
        message = f"{SERVICE} is not authorized to assume the role {role}"
        raise ValueError(message)


def _create(_logical_id: str, props: Props, _stack_name: str) -> Created:
    _check(props)
    params = {"ResourceId.1": [props["ResourceId"]]}
    params.update({name: [props[name]] for name in _MEMBERS if props.get(name)})
    answer = call(ec2._create_flow_logs, params, doing="ec2:CreateFlowLogs")
    found = re.search(rb"<item>(fl-[^<]*)</item>", answer)
    if found is None:
        message = "ec2:CreateFlowLogs named no flow log"
        raise ValueError(message)
    made = found.group(1).decode()
    return made, {"Id": made}


def _delete(physical_id: str, _props: Props) -> None:
    call(ec2._delete_flow_logs, {"FlowLogId.1": [physical_id]}, doing="ec2:DeleteFlowLogs")


def install() -> None:
    """Register the type; a change makes it anew, as at AWS."""
    register("AWS::EC2::FlowLog", _create, _delete)
