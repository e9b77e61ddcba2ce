"""Where a bucket's objects are in a copy of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """How a source names the objects of a bucket, learnt from one whose name and key are known.

    Attributes:
        key_prefix: what the keys begin with, and the names do not.
        name_prefix: what stands before the rest of a name instead; None for S3 itself, where names are not free.
        folder: where that one object is.
    """

    key_prefix: str
    name_prefix: str | None
    folder: str

    @classmethod
    def of(cls, name: str, bucket: str, key: str) -> Place | None:
        """Compare a name with the key that the object was delivered under; None where it is another object's.

        In S3 an object has to be where it was delivered. A copy on disk may lack folders or have more, as long as the
        file's own name is the same.
        """
        if name.startswith("s3://"):
            return cls("", None, "") if name == f"s3://{bucket}/{key}" else None
        names, keys = name.split("/"), key.split("/")
        same = 0
        while same < min(len(names), len(keys)) and names[-1 - same] == keys[-1 - same]:
            same += 1
        if same == 0:
            return None
        return cls(_front(keys, same), _front(names, same), _front(names, 1))

    @property
    def fixed(self) -> bool:
        """Whether an object can have one name alone."""
        return self.name_prefix is None

    def name(self, bucket: str, key: str) -> str:
        """Return the name that an object has, or would have."""
        if self.name_prefix is None:
            return f"s3://{bucket}/{key}"
        if key.startswith(self.key_prefix):
            return self.name_prefix + key[len(self.key_prefix) :]
        # A copy of another shape, such as all files in one folder.
        return self.folder + key.rpartition("/")[2]


def _front(parts: list[str], same: int) -> str:
    """Return what comes before the last parts, with its slash."""
    return "".join(part + "/" for part in parts[: len(parts) - same])
