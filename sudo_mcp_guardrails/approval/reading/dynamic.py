"""CloudFormation's dynamic references: ``{{resolve:ssm:name:3}}`` and the like, anywhere in a text.

Source: CloudFormation user guide, "Get values stored in other services using dynamic references": a parameter's
version is a number, a secret's the last of ``secret-id:secret-string:json-key:version-stage:version-id``.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_REFERENCE: Final = re.compile(r"\{\{resolve:([^{}]*)\}\}")
_BEGIN: Final = "{{resolve:"
_PARAMETER: Final = re.compile(r"(?P<name>.+):(?P<version>[0-9]+)", re.DOTALL)
_VERSION_ID: Final = 4
"""Place of a secret's version id among the parts behind its name or ARN."""
_ARN_PARTS: Final = 7


def dynamic_references(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield the dynamic references of a text as (kind of pin, name, version); the version is empty where none is named.

    Args:
        text: Any. A name is ``resolve:<service>:<what>``, without version and braces.
    """
    if _BEGIN not in text:
        return
    whole = 0
    for match in _REFERENCE.finditer(text):
        whole += 1
        yield _read(match[1])
    if text.count(_BEGIN) > whole:
        # A reference within another, or one that is put together at deployment.
        yield "parameter", "resolve: that is put together at deployment", ""


def _read(reference: str) -> tuple[str, str, str]:
    service, _, rest = reference.partition(":")
    if service in {"ssm", "ssm-secure"}:
        match = _PARAMETER.fullmatch(rest)
        if match:
            return "parameter", f"resolve:{service}:{match['name']}", match["version"]
        return "parameter", f"resolve:{service}:{rest}", ""
    if service == "secretsmanager":
        name, parts = _secret(rest)
        version = parts[_VERSION_ID - 1] if len(parts) >= _VERSION_ID else ""
        return "secret", f"resolve:secretsmanager:{name}", version
    return "parameter", f"resolve:{reference}", ""


def _secret(rest: str) -> tuple[str, list[str]]:
    """Split a secret's reference into its name or ARN, which has colons itself, and what stands behind."""
    parts = rest.split(":")
    end = _ARN_PARTS if rest.startswith("arn:") else 1
    return ":".join(parts[:end]), parts[end:]
