"""Sigma's rules read with pySigma and handed on as data; the only part of detection that needs a package."""

from __future__ import annotations

from sudo_mcp_guardrails.detection.sigma.read import read_directory, read_rules

__all__ = ["read_directory", "read_rules"]
