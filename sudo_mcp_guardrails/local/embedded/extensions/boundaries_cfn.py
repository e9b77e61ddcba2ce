"""Gap: PermissionsBoundary of AWS::IAM::Role is dropped in silence.

ministack 1.5.33 enforces a boundary that CreateRole or PutRolePermissionsBoundary set, but its CloudFormation
handler never reads the property, so a deployed agent role would have no ceiling at all. Set it on create, and set,
change or remove it on update.
https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-iam-role.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ministack.services import iam

from .support import after, call

if TYPE_CHECKING:
    from .support import Props


def _apply(role_name: str, old: Props, new: Props) -> None:
    boundary = new.get("PermissionsBoundary")
    if boundary:
        wanted = {"RoleName": role_name, "PermissionsBoundary": boundary}
        call(iam._put_role_permissions_boundary, wanted, doing="iam:PutRolePermissionsBoundary")
    elif old.get("PermissionsBoundary"):
        call(iam._delete_role_permissions_boundary, {"RoleName": role_name}, doing="iam:DeleteRolePermissionsBoundary")


def install() -> None:
    """Apply the property after the role was created or updated."""
    after("AWS::IAM::Role", _apply)
