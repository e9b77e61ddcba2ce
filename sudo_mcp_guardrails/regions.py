"""AWS Regions by partition, as data.

Regions are strings everywhere in the library; this table only catches typing errors early. AWS opens
Regions faster than libraries release, so a Region that is newer than the table is declared, not refused:
``DeclaredRegion("xx-new-1", partition="aws")``.

Source: botocore's ``partitions.json``, October 2026.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing_extensions import Self

REGIONS: Final[dict[str, tuple[str, ...]]] = {
    "aws": (
        *("af-south-1", "ap-east-1", "ap-east-2", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3"),
        *("ap-south-1", "ap-south-2", "ap-southeast-1", "ap-southeast-2", "ap-southeast-3", "ap-southeast-4"),
        *("ap-southeast-5", "ap-southeast-6", "ap-southeast-7", "ca-central-1", "ca-west-1", "eu-central-1"),
        *("eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2", "eu-west-1", "eu-west-2", "eu-west-3"),
        *(
            "il-central-1",
            "me-central-1",
            "me-south-1",
            "me-west-1",
            "mx-central-1",
            "sa-east-1",
            "sa-west-1",
        ),
        *("us-east-1", "us-east-2", "us-west-1", "us-west-2"),
    ),
    "aws-cn": ("cn-north-1", "cn-northwest-1"),
    "aws-us-gov": ("us-gov-east-1", "us-gov-west-1"),
}
GLOBAL_REGIONS: Final = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
"""The Region of each partition where EventBridge hears of global services, such as IAM."""


class DeclaredRegion(str):
    """A Region that the user vouches for because it is newer than :data:`REGIONS`.

    Args:
        name: The Region's name, such as ``"us-west-9"``.
        partition: The partition it belongs to, ``"aws"`` by default.
    """

    __slots__ = ("aws_partition",)
    aws_partition: str

    def __new__(cls, name: str, partition: str = "aws") -> Self:
        """Make the string that carries its partition."""
        region = super().__new__(cls, name)
        region.aws_partition = partition
        return region


def partition_of(region: str) -> str | None:
    """Return the partition of a Region, or None where the Region is unknown."""
    if isinstance(region, DeclaredRegion):
        return region.aws_partition
    return next((partition for partition, names in REGIONS.items() if region in names), None)
