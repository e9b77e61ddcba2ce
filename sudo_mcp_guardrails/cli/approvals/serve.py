"""``mcp-guardrails approvals serve``: the page, against an embedded AWS, with made-up people and some plans to decide.

Everything is on this machine, on loopback, and gone at Ctrl-C. Summary keys: ``url``, ``issuer``, ``approvals`` (their
ids), ``people``, ``seconds``; the object comes at the end, the address on standard error as soon as the page is there.
"""

from __future__ import annotations

import time
from contextlib import suppress
from importlib.util import find_spec
from typing import Annotated, Final

import typer

from sudo_mcp_guardrails.cli.approvals.reaching import PortOption
from sudo_mcp_guardrails.cli.approvals.signin import REDIRECT_PORT, redirect_uri
from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.cli.output import JsonOption, answering

_PAUSE: Final = 1.0


def serve(
    *,
    port: Annotated[int | None, typer.Option(help="Loopback port of the page; a free one when left out.")] = None,
    redirect_port: PortOption = REDIRECT_PORT,
    seconds: Annotated[
        int | None, typer.Option("--seconds", min=1, help="End after so many seconds, and not at Ctrl-C alone.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run the approval page on this machine, to try it out, until Ctrl-C."""
    with answering(as_json=as_json) as answer:
        if find_spec("cryptography") is None:
            raise InputError("serve needs the extra 'approvals', expected pip install 'sudo-mcp-guardrails[approvals]'")
        from sudo_mcp_guardrails.local.approvals.serving import Serving

        with Serving(redirect_uri(redirect_port), answer.report, port) as serving:
            began = time.monotonic()
            answer.report(f"the approval page: {serving.url}")
            for person in serving.people:
                answer.report(
                    f"  {person.username}, password {person.password!r}, one-time code by key "
                    f"{person.authenticator_key} (now {person.code()})"
                )
            answer.report(f"in a terminal: mcp-guardrails approvals list --url {serving.url}")
            answer.report("Ctrl-C ends it, and nothing is kept")
            codes = 0.0
            with suppress(KeyboardInterrupt):
                while seconds is None or time.monotonic() - began < seconds:
                    time.sleep(_PAUSE)
                    serving.check_alive()
                    step = time.time() // 30
                    if answer.progress.is_terminal and step != codes:
                        # A code is good for half a minute, and nobody wants an app for people that are made up.
                        codes = step
                        now = ", ".join(f"{each.username} {each.code()}" for each in serving.people)
                        answer.report(f"one-time codes now: {now}")
            summary = {
                "url": serving.url,
                "issuer": serving.provider.issuer,
                "approvals": serving.approvals,
                "people": [each.username for each in serving.people],
                "seconds": round(time.monotonic() - began, 1),
            }
        answer.finish(ok=True, summary=summary)
