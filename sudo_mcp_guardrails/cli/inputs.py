"""What the commands read: policy files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.iam.documents import PolicyDocument, parse_json

if TYPE_CHECKING:
    from pathlib import Path

_MAX_BYTES: Final = 4_000_000
"""Of one policy file: four for each character that the parser takes. A larger file is not even read."""


@dataclass(frozen=True)
class PolicyFile:
    """A policy as it stands in a file.

    Args:
        path: Where, as it was given.
        text: What the file holds.
        document: The policy in it.
    """

    path: Path
    text: str
    document: PolicyDocument


def read_policy(path: Path) -> PolicyFile:
    """Read one policy document.

    Raises:
        InputError: The file cannot be read, or is too large.
        PolicyError: It holds no policy document; with the JSON path.
    """
    try:
        size = path.stat().st_size
        if size > _MAX_BYTES:
            raise InputError(f"file {str(path)!r} has {size} bytes, expected a policy of at most {_MAX_BYTES}")
        text = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror}; expected a JSON policy document") from error
    document = parse_json(text, name=str(path))
    return PolicyFile(path, text.decode("utf-8-sig"), document)
