"""The approval workflow at work: an agent proposes, people decide, the broker carries out; with its own trail."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.detection.benign.agents import ACCOUNT
from benchmarks.detection.benign.trail import delivered, record_all
from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws
from sudo_mcp_guardrails.local.oidc import OidcProvider, Person
from sudo_mcp_guardrails.toolchain.node import use_node

if TYPE_CHECKING:
    from collections.abc import Callable

_SCALE: Final = 0.05
_SETTLE: Final = 2.0


def flown(count: int, report: Callable[[str], None]) -> list[dict[str, Any]]:
    """Have so many approvals proposed, decided and carried out; return the events of all that took part, in order.

    What the account's root does is left out: it stands for the tests' own hands.
    """
    os.environ["CDK_VALIDATION"] = "false"
    use_node()
    from tests.local.approvals import app, flight  # noqa: PLC0415 - jsii starts Node at `import aws_cdk`
    from tests.local.approvals.site import Site  # noqa: PLC0415 - likewise

    people = [Person(name, f"made up for {name}") for name in app.PEOPLE]
    with tempfile.TemporaryDirectory() as name, OidcProvider(people) as provider, EmbeddedAws(wait_scale=_SCALE) as aws:
        folder = Path(name)
        site = Site(aws, provider, app.Spec(ACCOUNT, provider.issuer, folder / "faults", escalates=14_000), folder)
        site.deploy()
        record_all(aws)
        found = flight.fly(site, count, report)
        report(f"{found.once} of {count} approvals were carried out once")
        time.sleep(_SETTLE)
        events = delivered(aws)
    return [event for event in events if not str(event["userIdentity"].get("arn", "")).endswith(":root")]
