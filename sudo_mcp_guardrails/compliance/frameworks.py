"""The regulations and standards that the project knows by name."""

from __future__ import annotations

from enum import Enum


class Framework(Enum):
    """A regulation or a standard. Nothing in this project makes anyone compliant with it by itself."""

    HIPAA = "hipaa"
    PCI_DSS = "pci-dss"
    SOC2 = "soc2"
    ISO_27001 = "iso-27001"
    SOX = "sox"
    FEDRAMP = "fedramp"
    NIST_800_53 = "nist-800-53"
    GDPR = "gdpr"
