"""The metadata of an object of S3, kept beside its copy on disk.

CloudTrail puts a digest's signature into the object's metadata, which a download loses. Beside ``NAME`` may stand

* ``NAME.metadata.json``: what ``aws s3api head-object`` prints, or its ``Metadata`` alone, ``{"signature": "50ab…",
  "signature-algorithm": "SHA256withRSA"}``, or
* ``NAME.signature``: the signature in hex, and nothing else.

With both, the first counts.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.trail.errors import UnreadableFileError
from sudo_mcp_guardrails.trail.sources.keys import Kind, parse_key

if TYPE_CHECKING:
    from collections.abc import Mapping

METADATA: Final = ".metadata.json"
SIGNATURE: Final = ".signature"
MAX_SIDECAR_BYTES: Final = 64 * 1024
"""S3 allows 2 KB of metadata; the rest of what ``head-object`` prints is not long either."""


def is_aside(name: str) -> bool:
    """Return whether a file is no trail by its name: a digest, or what stands beside a file of CloudTrail's."""
    stem = name.removesuffix(METADATA).removesuffix(SIGNATURE)
    found = parse_key(stem)
    return found is not None and (found.kind is Kind.DIGEST or stem != name)


def read_sidecars(name: str, metadata: bytes | None, signature: bytes | None) -> Mapping[str, str]:
    """Return the metadata by their names in lower case; none where there is neither file.

    Args:
        name: the file that they stand beside.
        metadata: what ``NAME.metadata.json`` holds; None where it is not there.
        signature: what ``NAME.signature`` holds.

    Raises:
        UnreadableFileError: For metadata of another form.
    """
    if metadata is not None:
        try:
            found = json.loads(metadata)
        except (ValueError, RecursionError) as error:
            raise UnreadableFileError(f"metadata of {name!r} in {name + METADATA!r} is not JSON") from error
        if isinstance(found, dict) and isinstance(found.get("Metadata"), dict):
            found = found["Metadata"]
        if not isinstance(found, dict):
            raise UnreadableFileError(f"metadata of {name!r} in {name + METADATA!r} is not an object")
        return {str(key).lower(): value for key, value in found.items() if isinstance(value, str)}
    if signature is not None:
        return {"signature": signature.decode("ascii", "replace").strip(), "signature-algorithm": "SHA256withRSA"}
    return {}
