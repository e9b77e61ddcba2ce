"""The files of ``mcp-guardrails plan``: JSON, and templates in YAML where PyYAML is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from sudo_mcp_guardrails.approval.reading import MAX_BYTES
from sudo_mcp_guardrails.cli.errors import InputError

_YAML: Final = (".yaml", ".yml", ".template")


def read_document(path: Path) -> Any:  # noqa: ANN401 - bytes, or JSON
    """Read a file: its bytes, or for a template in YAML what it says.

    Raises:
        InputError: It cannot be read, is too large, or is YAML that cannot be read here.
    """
    data = read_bytes(path)
    # A template says little by its ending: the CDK writes JSON as .template.json, SAM YAML as .template.
    is_json = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["}
    if path.suffix.lower() not in _YAML or is_json or not data.strip():
        return data
    try:
        from sudo_mcp_guardrails.cli.template_yaml import parsed_yaml
    except ImportError:
        raise InputError(
            f"{str(path)!r} is YAML, and no PyYAML is installed; expected JSON, or `pip install PyYAML`"
        ) from None
    return parsed_yaml(data, str(path))


def read_bytes(path: Path) -> bytes:
    """Return a file's bytes; raises InputError where it cannot be read, or is over the limit of a plan."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(f"file {str(path)!r} has {size} bytes, allowed are {MAX_BYTES}")
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot read {str(path)!r}: {error.strerror}") from error
