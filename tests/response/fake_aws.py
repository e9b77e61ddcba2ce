"""IAM, DynamoDB, Organizations and what runs in flight, in memory, as far as a containment asks them for anything.

Every call is checked against botocore's own model of the service, so that no test passes with a parameter that AWS does
not have.
"""

# ruff: noqa: N803 - the names of parameters are AWS's

from __future__ import annotations

import copy
import io
import json
from functools import cache
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore import xform_name
from botocore.exceptions import ClientError
from botocore.validate import ParamValidator

if TYPE_CHECKING:
    from collections.abc import Callable

REGION = "eu-central-1"
_READS = ("get_", "list_", "describe_", "batch_get_", "query", "pending")


@cache
def _operations(service: str) -> dict[str, Any]:
    model = botocore.session.get_session().get_service_model(service)
    return {xform_name(name): model.operation_model(name) for name in model.operation_names}


def aws_error(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, "Call")


class Crash(BaseException):
    """The process died; nothing catches it."""


class FakeAws:
    """All accounts.

    Attributes:
        roles: (account, role) to its boundary, trust policy and attached policies.
        fail: (account, operation) that AWS refuses.
        crash: number of the write, and whether the process dies ``before`` or ``after`` it.
        writes: the names of the writes so far, those of the records included.
    """

    def __init__(self) -> None:
        self.roles: dict[tuple[str, str], dict[str, Any]] = {}
        self.items: dict[str, dict[str, Any]] = {}
        self.attached: set[tuple[str, str]] = set()
        self.stacks: list[dict[str, Any]] = []
        self.change_sets: list[dict[str, Any]] = []
        self.requests: list[dict[str, Any]] = []
        self.builds: dict[str, str] = {}
        self.approvals: set[str] = set()
        self.withdrawn: list[dict[str, Any]] = []
        self.objects: dict[str, bytes] = {}
        self.fail: set[tuple[str, str]] = set()
        self.unreachable: set[str] = set()
        self.stale: int = 0
        self.crash: tuple[int, str] | None = None
        self.writes: list[str] = []

    def client(self, service: str, account: str, region: str) -> Any:
        if account in self.unreachable:
            raise aws_error("AccessDenied")
        return _Client(self, service, account, region)

    def snapshot(self) -> Any:
        """What a restoration must bring back."""
        return copy.deepcopy((self.roles, self.items, self.attached))

    def call(self, service: str, account: str, operation: str, parameters: dict[str, Any]) -> Any:
        if service != "approvals":
            report = ParamValidator().validate(parameters, _operations(service)[operation].input_shape)
            assert not report.has_errors(), report.generate_report()
        act: Callable[..., Any] = getattr(self, f"_{service}_{operation}")
        if operation.startswith(_READS):
            if (account, operation) in self.fail:
                raise aws_error("AccessDenied")
            return copy.deepcopy(act(account, **parameters))
        number = len(self.writes)
        self.writes.append(operation)
        if self.crash == (number, "before"):
            raise Crash
        try:
            if (account, operation) in self.fail:
                raise aws_error("AccessDenied")
            return act(account, **parameters)
        finally:
            if self.crash == (number, "after"):
                raise Crash

    def _role(self, account: str, name: str) -> dict[str, Any]:
        try:
            return self.roles[account, name]
        except KeyError:
            raise aws_error("NoSuchEntity") from None

    def _iam_get_role(self, account: str, RoleName: str) -> Any:
        role = self._role(account, RoleName)
        boundary = {"PermissionsBoundary": {"PermissionsBoundaryArn": role["boundary"]}} if role["boundary"] else {}
        return {"Role": {"RoleName": RoleName, "AssumeRolePolicyDocument": json.loads(role["trust"]), **boundary}}

    def _iam_list_attached_role_policies(self, account: str, RoleName: str, Marker: str = "0") -> Any:
        found = [{"PolicyArn": arn} for arn in self._role(account, RoleName)["attached"]]
        start = int(Marker)
        more = start + 2 < len(found)
        page = {"AttachedPolicies": found[start : start + 2], "IsTruncated": more}
        return {**page, "Marker": str(start + 2)} if more else page

    def _iam_attach_role_policy(self, account: str, RoleName: str, PolicyArn: str) -> None:
        attached = self._role(account, RoleName)["attached"]
        if PolicyArn not in attached:
            attached.append(PolicyArn)

    def _iam_detach_role_policy(self, account: str, RoleName: str, PolicyArn: str) -> None:
        attached = self._role(account, RoleName)["attached"]
        if PolicyArn not in attached:
            raise aws_error("NoSuchEntity")
        attached.remove(PolicyArn)

    def _iam_put_role_permissions_boundary(self, account: str, RoleName: str, PermissionsBoundary: str) -> None:
        self._role(account, RoleName)["boundary"] = PermissionsBoundary

    def _iam_delete_role_permissions_boundary(self, account: str, RoleName: str) -> None:
        self._role(account, RoleName)["boundary"] = ""

    def _iam_update_assume_role_policy(self, account: str, RoleName: str, PolicyDocument: str) -> None:
        self._role(account, RoleName)["trust"] = PolicyDocument

    def _dynamodb_get_item(self, _: str, *, Key: Any, **__: Any) -> Any:
        item = self.items.get(Key["target"]["S"])
        return {"Item": item} if item else {}

    def _dynamodb_put_item(self, _: str, *, Item: Any, **__: Any) -> None:
        self.items[Item["target"]["S"]] = Item

    def _dynamodb_delete_item(self, _: str, *, Key: Any, **__: Any) -> None:
        self.items.pop(Key["target"]["S"], None)

    def _dynamodb_query(self, _: str, **__: Any) -> Any:
        return {"Items": list(self.items.values())}

    def _organizations_list_targets_for_policy(self, _: str, PolicyId: str) -> Any:
        return {"Targets": [{"TargetId": target} for policy, target in sorted(self.attached) if policy == PolicyId]}

    def _organizations_attach_policy(self, _: str, PolicyId: str, TargetId: str) -> None:
        self.attached.add((PolicyId, TargetId))

    def _organizations_detach_policy(self, _: str, PolicyId: str, TargetId: str) -> None:
        self.attached.remove((PolicyId, TargetId))

    def _cloudformation_describe_stacks(self, account: str) -> Any:
        return {"Stacks": [stack for stack in self.stacks if f":{account}:" in stack["StackId"]]}

    def _cloudformation_list_change_sets(self, _: str, StackName: str) -> Any:
        return {"Summaries": [s for s in self.change_sets if s["StackId"] == StackName]}

    def _cloudformation_cancel_update_stack(self, _: str, StackName: str) -> None:
        for stack in self.stacks:
            if stack["StackId"] == StackName:
                stack["StackStatus"] = "UPDATE_ROLLBACK_IN_PROGRESS"

    def _cloudformation_delete_change_set(self, _: str, ChangeSetName: str) -> None:
        self.change_sets = [s for s in self.change_sets if s["ChangeSetId"] != ChangeSetName]

    def _cloudcontrol_list_resource_requests(self, _: str, **__: Any) -> Any:
        return {"ResourceRequestStatusSummaries": self.requests}

    def _cloudcontrol_cancel_resource_request(self, _: str, RequestToken: str) -> None:
        self.requests = [r for r in self.requests if r["RequestToken"] != RequestToken]

    def _codebuild_list_builds_for_project(self, _: str, projectName: str, **__: Any) -> Any:
        return {"ids": [id_ for id_ in sorted(self.builds) if id_.startswith(f"{projectName}:")]}

    def _codebuild_batch_get_builds(self, _: str, ids: list[str]) -> Any:
        return {"builds": [{"id": id_, "buildStatus": self.builds[id_]} for id_ in ids]}

    def _codebuild_stop_build(self, _: str, id: str) -> None:
        self.builds[id] = "STOPPED"

    def _approvals_pending(self, _: str, agents: str) -> Any:
        assert agents
        return dict.fromkeys(sorted(self.approvals), "")

    def _approvals_withdraw(self, _: str, approval: str, **why: Any) -> None:
        self.approvals.discard(approval)
        self.withdrawn.append({"approval": approval, **why})

    def _s3_put_object(self, _: str, *, Key: str, Body: bytes, **call: Any) -> None:
        assert call["IfNoneMatch"] == "*"
        if Key in self.objects:
            raise aws_error("PreconditionFailed")
        self.objects[Key] = Body

    def _s3_list_objects_v2(self, _: str, *, Prefix: str, ContinuationToken: str = "0", **__: Any) -> Any:
        keys = [key for key in sorted(self.objects) if key.startswith(Prefix)]
        start = int(ContinuationToken)
        page = keys[start : start + 2]
        more = {"NextContinuationToken": str(start + 2)} if start + 2 < len(keys) else {}
        return ({"Contents": [{"Key": key} for key in page]} if page else {}) | more

    def _s3_get_object(self, _: str, *, Key: str, **__: Any) -> Any:
        return {"Body": self.objects[Key]}


class _Client:
    def __init__(self, aws: FakeAws, service: str, account: str, region: str) -> None:
        self._aws, self._service, self._account, self._region = aws, service, account, region

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**parameters: Any) -> Any:
            answer = self._aws.call(self._service, self._account, operation, parameters)
            if self._service == "s3" and operation == "get_object":
                return {"Body": io.BytesIO(answer["Body"])}
            return answer

        return call
