"""The part of the published trails that shows no attack."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any, Final

DATA: Final = Path(__file__).parents[4] / "shared" / "data" / "cloudtrail"
_WAITS: Final = frozenset({
    "DescribeInstanceInformation", "DescribeInstances", "GetCommandInvocation", "GetCallerIdentity",
    "GetFoundationModelAvailability", "ListFoundationModelAgreementOffers",
})  # fmt: skip
"""What a tool that plays attacks calls to see whether something is ready: whoever works does the same."""


def benign() -> dict[str, list[dict[str, Any]]]:
    """Return the events by where they are from; nothing where the data is not there.

    Of streamalert's tests those that no rule of theirs fires on, of stratus-red-team what it waits with, and all of
    cloud-custodian and trailscraper.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for file in sorted(DATA.glob("*.jsonl.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for line in lines:
                one = json.loads(line)
                source, event = one["source"], one["event"]
                if (
                    source in {"custodian", "trailscraper"}
                    or (source == "streamalert" and one["expected"] is False)
                    or (source == "stratus" and event.get("eventName") in _WAITS)
                ):
                    place = f"{source} {one['label']}" if source == "stratus" else source
                    found.setdefault(place, []).append(event)
    return found
