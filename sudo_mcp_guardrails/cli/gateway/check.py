"""``mcp-guardrails gateway check``: what a script for the AWS MCP Server would do, without running it.

Summary keys: ``decidable``, ``risk`` (``R0`` to ``R4``), ``decision`` (``allow``, ``ask`` or ``deny``), ``effect``
(``read``, ``write``, ``vending`` or ``unknown``), ``agent``, ``capability``, ``tier``, ``undecidable`` (of ``line`` and
``reason``), ``vending`` (``service:Operation``) and ``reasons``, the strictest first. Items, one for each action and
resource of each call: ``line``, ``service``, ``operation``, ``action`` (null where nobody knows it), ``level``,
``region``, ``resource`` (null where it is known only when it runs), ``times`` (null where nobody knows), ``decision``
and ``reason``. Of a script that is not decidable, the items are not all it does. The exit code is 0 for ``allow``, and
1 for any other decision.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from sudo_mcp_guardrails.agents import Capability, TrustTier
from sudo_mcp_guardrails.cli.app_roles import AppDirOption, read_app
from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.cli.output import Answer, JsonOption, answering

if TYPE_CHECKING:
    from sudo_mcp_guardrails.gateway.deciding.asking import Judged
    from sudo_mcp_guardrails.gateway.deciding.weighing import Row
    from sudo_mcp_guardrails.gateway.meaning import Meaning
    from sudo_mcp_guardrails.iam.properties import Subject

_MAX_BYTES: Final = 1_000_000
_SHOWN: Final = 300

FileArgument = Annotated[Path, typer.Argument(metavar="FILE.py", help="The script, as aws___run_script would get it.")]
AgentOption = Annotated[
    str, typer.Option(help="Agent whose policies are asked, from the app's templates. Default: none are asked.")
]
CapabilityOption = Annotated[Capability, typer.Option(help="Which of its roles.")]
TierOption = Annotated[TrustTier, typer.Option(help="Trust tier of the agent.")]
AccountOption = Annotated[str, typer.Option(metavar="ID", help="Account. Default: that of the agent's role.")]
RegionOption = Annotated[
    str, typer.Option(metavar="NAME", help="Region of the session, for calls that name none. Default: the agent's.")
]
SandboxOption = Annotated[bool, typer.Option("--sandbox", help="The account is not production. Default: it is.")]


def check(
    file: FileArgument,
    *,
    agent: AgentOption = "",
    capability: CapabilityOption = Capability.READ,
    tier: TierOption = TrustTier.T1,
    account: AccountOption = "",
    region: RegionOption = "",
    sandbox: SandboxOption = False,
    app_dir: AppDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what a script for the AWS MCP Server would do, how dangerous that is, and what an agent's role allows."""
    from sudo_mcp_guardrails.cli.gateway.judging import judge, risk_context, standing, subject_of
    from sudo_mcp_guardrails.gateway.call import ToolCall
    from sudo_mcp_guardrails.gateway.deciding.weighing import rows
    from sudo_mcp_guardrails.gateway.meaning import Situation, meaning_of

    with answering(as_json=as_json) as answer:
        code = _read(file)
        subject: Subject | None = None
        if agent:
            app = read_app(app_dir, answer.report)
            subject = subject_of([each for each, _ in app.subjects], agent, capability.value, account)
        elif app_dir is not None:
            raise InputError("--app-dir is given without --agent, expected the agent whose policies are asked")
        context = risk_context(subject, account, region, production=not sandbox)
        meaning = meaning_of(ToolCall("", "aws___run_script", {"code": code}), Situation(context))
        against = standing(subject, capability, tier, production=not sandbox)
        found = tuple(rows(meaning, against))
        judged = judge(meaning, against, found)
        decision = judged[0].verdict.value
        items = [_item(row) for row in found]
        _show(answer, meaning, judged, items)
        answer.finish(
            ok=decision == "allow",
            summary={
                "decidable": meaning.decidable,
                "risk": meaning.risk.value,
                "decision": decision,
                "effect": meaning.effect.value,
                "agent": agent or None,
                "capability": capability.value,
                "tier": tier.value,
                "undecidable": [{"line": each.line, "reason": each.reason} for each in meaning.undecidable],
                "vending": [f"{each.service}:{each.operation}" for each in meaning.vending],
                "reasons": [each.reason for each in judged] + [f"{r.risk.value}: {r.text}" for r in meaning.reasons],
            },
            items=items,
        )


def _read(file: Path) -> str:
    """Read the script; raises InputError for what is none."""
    try:
        with file.open("rb") as opened:
            data = opened.read(_MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{str(file)!r} cannot be read: {error.strerror}") from error
    if len(data) > _MAX_BYTES:
        raise InputError(f"{str(file)!r} has more than {_MAX_BYTES} bytes, expected a script")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{str(file)!r} is not UTF-8 at byte {error.start}") from None


def _item(row: Row) -> dict[str, Any]:
    """Return one action on one resource, with what the policies say of it."""
    call = row.meant.call
    return {
        "line": call.line,
        "service": call.service,
        "operation": call.operation,
        "action": row.need.action if row.need else None,
        "level": row.need.level if row.need else None,
        "region": row.meant.region or None,
        "resource": row.resource,
        "times": call.at_most,
        "decision": row.judged.verdict.value if row.judged else None,
        "reason": row.judged.reason if row.judged else "",
    }


def _show(answer: Answer, meaning: Meaning, judged: tuple[Judged, ...], items: list[dict[str, Any]]) -> None:
    """Print it. What stands in a script is its author's: it is printed as text, and moves no cursor."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from sudo_mcp_guardrails.trail.trace.text import shown

    heads = ("line", "action", "level", "Region", "resource", "times", "decision")
    table = Table(*heads, box=SIMPLE_HEAD, pad_edge=False)
    for item in items:
        action = item["action"] or f"{item['service']} {item['operation']}: not known"
        cells = (item["line"], action, item["level"], item["region"], item["resource"], item["times"], item["decision"])
        table.add_row(*(Text("?" if c is None else shown(str(c), _SHOWN), overflow="fold") for c in cells))
    if items:
        answer.text.print(table)
    for each in judged:
        answer.text.print(f"{each.verdict.value}: {shown(each.reason, _SHOWN)}", markup=False, soft_wrap=True)
    what = "decidable" if meaning.decidable else "not decidable"
    answer.text.print(
        f"{what}, {meaning.effect.value}, class {meaning.risk.value}: {judged[0].verdict.value}", markup=False
    )
