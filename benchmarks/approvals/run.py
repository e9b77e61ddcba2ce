"""The approval workflow with a thousand approvals in flight at once, on the embedded AWS, and bare states beside it."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws
from sudo_mcp_guardrails.local.oidc import OidcProvider, Person
from sudo_mcp_guardrails.toolchain.node import use_node

if TYPE_CHECKING:
    from tests.local.approvals.flight import Flight

COUNT: Final = 1_000
_QUICK: Final = 20
_SCALE: Final = 0.05
_ACCOUNT: Final = "310000000009"
_TIMES: Final = {"CDK_VALIDATION": "false", "AWS_EC2_METADATA_DISABLED": "true"}


def run(*, quick: bool = False, count: int = 0) -> tuple[str, list[str]]:
    """Measure; return the report as Markdown, and what was missed.

    Args:
        quick: With twenty approvals, to see that it works.
        count: How many approvals. Default: a thousand.
    """
    os.environ.update(_TIMES)
    use_node()
    from tests.local.approvals import app, flight  # noqa: PLC0415 - jsii starts Node at `import aws_cdk`
    from tests.local.approvals.site import Site  # noqa: PLC0415 - likewise

    count = count or (_QUICK if quick else COUNT)
    people = [Person(name, f"made up for {name}") for name in app.PEOPLE]
    with tempfile.TemporaryDirectory() as name, OidcProvider(people) as provider, EmbeddedAws(wait_scale=_SCALE) as aws:
        folder = Path(name)
        # Nobody else is asked meanwhile: each approval waits once.
        spec = app.Spec(_ACCOUNT, provider.issuer, folder / "faults", escalates=14_000)
        site = Site(aws, provider, spec, folder)
        site.deploy()
        found = flight.fly(site, count, _say)
        bare = flight.bare(site, count, found.transitions)
    missed = [
        what
        for what, is_missed in (
            (f"{count - found.waiting} of {count} did not wait at once", found.waiting != count),
            (f"some did not end as executed: {dict(found.ends)}", found.ends != {"Executed": count}),
            (f"{count - found.once} were not carried out exactly once", found.once != count),
            (f"{found.made} queues were made of {count}", found.made != count),
        )
        if is_missed
    ]
    return _table(found, bare), missed


def _table(found: Flight, bare: float) -> str:
    """Return the report as Markdown."""
    whole = found.proposed + found.carried_out
    each, states = whole / found.count, bare / found.count
    return f"""\
{found.count} approvals of one call each, proposed by the intake's URL, decided on the page, carried out by the \
broker, with {found.waiting} of them waiting for people at the same moment:

| | seconds | an approval |
|---|---:|---:|
| from the first proposal until all wait | {found.proposed:.0f} | {found.proposed / found.count:.2f} |
| from the first decision until all are carried out | {found.carried_out:.0f} | {found.carried_out / found.count:.2f} |
| together | {whole:.0f} | {each:.2f} |
| as many executions of {found.transitions} Pass states each | {bare:.1f} | {states:.3f} |

{found.ends["Executed"]} ended as executed, {found.once} have exactly one execution, one call and one outcome in their \
checked chains, {found.made} queues were made. Beyond bare state transitions the workflow takes {each - states:.2f} s \
of this machine for an approval: ten invocations of functions, of which ministack runs each in a process, with their \
signatures and records. Waits and retries of the workflow were scaled by {_SCALE}.

Measured with Python {platform.python_version()} on {platform.system()} {platform.machine()} with {os.cpu_count()} \
cores; it says nothing of AWS's speed."""


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
