"""JSONata's evaluator, which sets Python's recursion limit when it is imported: for all tests, were it not set back."""

from __future__ import annotations

import sys

_before = sys.getrecursionlimit()

import jsonata  # noqa: E402 - what it changes is known only before

sys.setrecursionlimit(_before)

__all__ = ["jsonata"]
