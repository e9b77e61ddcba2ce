"""Where in the user's Python the library's constructs were made, for findings about them.

The CDK has such lines only with ``JSII_HOST_STACK_TRACES=1``; these are always there, and in no template.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from constructs import Construct

_OTHERS: Final = ("sudo_mcp_guardrails", "aws_cdk", "constructs", "jsii")
_MADE: Final[dict[str, str]] = {}
"""``file:line`` by construct path."""


def note_source(construct: Construct) -> None:
    """Note the first line outside of the library and the CDK that led to a construct."""
    frame = sys._getframe(1)  # noqa: SLF001 - what the traceback module does, without reading any source
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] in _OTHERS:
        frame = frame.f_back
    _MADE[construct.node.path] = f"{frame.f_code.co_filename}:{frame.f_lineno}"


def source_line(path: str) -> str:
    """Return ``file:line`` of a construct, or of the nearest one above it that was noted; empty without any.

    A file below the working directory is named from there.
    """
    while path and path not in _MADE:
        path = path.rpartition("/")[0]
    made = _MADE.get(path, "")
    here = os.getcwd() + os.sep  # noqa: PTH109 - compared as text, with the separator
    return made.removeprefix(here)
