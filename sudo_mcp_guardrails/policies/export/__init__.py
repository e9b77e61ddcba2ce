"""The guardrails as files, for those who do not use the CDK: each form stands alone, under a manifest of digests."""

from __future__ import annotations

from sudo_mcp_guardrails.policies.export.manifest import Export, ExportError, ExportFile

__all__ = ["Export", "ExportError", "ExportFile"]
