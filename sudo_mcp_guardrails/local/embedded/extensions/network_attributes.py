"""Gap: Fn::GetAtt of AWS::EC2::VPC knows no CidrBlock.

A template that cuts its subnets out of the VPC's range, with Fn::Cidr, fails on ministack 1.5.33.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-ec2-vpc.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ministack.services import ec2
from ministack.services.cloudformation.provisioners import _RESOURCE_HANDLERS

if TYPE_CHECKING:
    from .support import Created


def install() -> None:
    """Add the attribute to what create and update return."""
    handler = _RESOURCE_HANDLERS["AWS::EC2::VPC"]
    for name in ("create", "update"):
        handler[name] = _told(handler[name])


def _told(operation: Any) -> Any:
    def tell(*arguments: Any) -> Created:
        vpc, attributes = operation(*arguments)
        return vpc, {"CidrBlock": ec2._vpcs[vpc]["CidrBlock"], **attributes}

    return tell
