"""What is right, happens seldom, and looks like what somebody does who means harm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.detection.benign.agents import REGION
from benchmarks.detection.benign.world import policy

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.detection.benign.caller import Work

_PASSWORD: Final = "made-Up-1234"  # noqa: S105 - it opens nothing real
_BACKUPS: Final = "333344445555"
"""The account that keeps backups; here the vendor's too."""


def rarely(work: Work) -> None:
    """Does one of them."""
    work.draw.choice(_RARE)(work)


def _unneeded_key(work: Work) -> None:
    key = work("kms", "create_key", Description=work.named("rare"))
    if key:
        work("kms", "schedule_key_deletion", KeyId=key["KeyMetadata"]["KeyId"], PendingWindowInDays=30)


def _snapshot_for_backups(work: Work) -> None:
    volume = work("ec2", "create_volume", AvailabilityZone=f"{REGION}a", Size=8)
    made = work("ec2", "create_snapshot", VolumeId=volume.get("VolumeId", "vol-0"))
    work(
        "ec2", "modify_snapshot_attribute", SnapshotId=made.get("SnapshotId", "snap-0"),
        Attribute="createVolumePermission", OperationType="add", UserIds=[_BACKUPS],
    )  # fmt: skip


def _large_machines(work: Work) -> None:
    image = {"ImageId": "ami-0abcdef1234567890", "InstanceType": "m7i.8xlarge"}
    made = work("ec2", "run_instances", MinCount=1, MaxCount=2, **image)
    machines = [one["InstanceId"] for one in made.get("Instances", [])]
    if machines:
        work("ec2", "terminate_instances", InstanceIds=machines)


def _role_of_a_vendor(work: Work) -> None:
    name = work.named("rare")
    trust = policy(
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{_BACKUPS}:root"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"sts:ExternalId": "8f1c"}},
        }
    )
    work("iam", "create_role", RoleName=name, AssumeRolePolicyDocument=trust)
    work("iam", "attach_role_policy", RoleName=name, PolicyArn="arn:aws:iam::aws:policy/SecurityAudit")


def _user_of_a_program(work: Work) -> None:
    name = work.named("rare")
    work("iam", "create_user", UserName=name)
    made = work("iam", "create_access_key", UserName=name)
    if made:
        work("iam", "delete_access_key", UserName=name, AccessKeyId=made["AccessKey"]["AccessKeyId"])


def _forgotten_password(work: Work) -> None:
    work("iam", "update_login_profile", UserName="dana", Password=_PASSWORD, PasswordResetRequired=True)


def _network_that_ends(work: Work) -> None:
    work("ec2", "describe_flow_logs")
    work("ec2", "delete_flow_logs", FlowLogIds=["fl-0123456789abcdef0"])


def _machine_with_windows(work: Work) -> None:
    for each in work("ec2", "describe_instances").get("Reservations", [])[:1]:
        work("ec2", "get_password_data", InstanceId=each["Instances"][0]["InstanceId"])


_RARE: Final[tuple[Callable[[Work], None], ...]] = (
    _unneeded_key, _snapshot_for_backups, _large_machines, _role_of_a_vendor, _user_of_a_program, _forgotten_password,
    _network_that_ends, _machine_with_windows,
)  # fmt: skip
