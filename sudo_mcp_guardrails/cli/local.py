"""``mcp-guardrails local``: the embedded AWS, by hand.

Summary keys of ``up``, ``status`` and ``down``: ``running``, ``endpoint``, ``port``, ``pid``, ``log`` (null where
nothing runs; ``down`` says what it ended). ``status`` exits with 1 where nothing runs. ``env``: ``account``,
``region``, and the variables in ``environment``.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sudo_mcp_guardrails.cli.output import JsonOption, answering

if TYPE_CHECKING:
    from sudo_mcp_guardrails.local.embedded.detached import Running

app = typer.Typer(no_args_is_help=True)

# An agent's shell may carry these; they would win over, or break, the credentials that `env` prints.
_UNSET = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_SESSION_TOKEN", "AWS_CA_BUNDLE")


@app.command()
def up(
    *,
    port: Annotated[int | None, typer.Option(help="Loopback port; a free one when left out.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Start the embedded AWS in the background, and check that its denials deny."""
    from sudo_mcp_guardrails.local.embedded import detached

    with answering(as_json=as_json) as answer:
        running = detached.up(port=port, report=answer.report)
        answer.text.print(f"the embedded AWS answers on {running.endpoint_url}")
        answer.text.print('use it with: eval "$(mcp-guardrails local env)"')
        answer.finish(ok=True, summary=_summary(running))


@app.command()
def down(*, as_json: JsonOption = False) -> None:
    """Stop the embedded AWS, and forget all that is in it."""
    from sudo_mcp_guardrails.local.embedded import detached

    with answering(as_json=as_json) as answer:
        ended = detached.down()
        answer.text.print(f"stopped {ended.endpoint_url}" if ended else "the embedded AWS was not running")
        answer.finish(ok=True, summary={**_summary(ended), "running": False})


@app.command()
def status(*, as_json: JsonOption = False) -> None:
    """Say whether the embedded AWS runs, and where."""
    from sudo_mcp_guardrails.local.embedded import detached

    with answering(as_json=as_json) as answer:
        running = detached.status()
        if running is None:
            answer.text.print("the embedded AWS is not running; start it with: mcp-guardrails local up")
        else:
            answer.text.print(f"the embedded AWS answers on {running.endpoint_url} (pid {running.pid})")
            answer.text.print(f"log: {running.log}", soft_wrap=True)
        answer.finish(ok=running is not None, summary=_summary(running))


@app.command()
def env(
    *,
    account: Annotated[str, typer.Option(help="Account to be the root of, 12 digits.")] = "000000000000",
    region: Annotated[str, typer.Option(help="Region.")] = "us-east-1",
    as_json: JsonOption = False,
) -> None:
    """Print shell lines that point the AWS CLI, boto3 and the CDK CLI at the embedded AWS."""
    from sudo_mcp_guardrails.local.embedded import detached
    from sudo_mcp_guardrails.local.embedded.errors import EmbeddedAwsError
    from sudo_mcp_guardrails.local.embedded.launcher import account_variables

    with answering(as_json=as_json) as answer:
        running = detached.status()
        if running is None:
            raise EmbeddedAwsError("the embedded AWS is not running; start it with: mcp-guardrails local up")
        variables = account_variables(running.endpoint_url, account, region)
        lines = [f"unset {' '.join(_UNSET)}"]
        lines += [f"export {name}={shlex.quote(value)}" for name, value in variables.items()]
        answer.text.print("\n".join(lines), markup=False, soft_wrap=True)
        summary = {"account": account, "region": region, "environment": variables}
        answer.finish(ok=True, summary=summary)


def _summary(running: Running | None) -> dict[str, Any]:
    return {
        "running": running is not None,
        "endpoint": running.endpoint_url if running else None,
        "port": running.port if running else None,
        "pid": running.pid if running else None,
        "log": running.log if running else None,
    }
