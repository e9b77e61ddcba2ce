"""``mcp-guardrails plan``: what a file would change, as one value, and its digest.

Summary keys of both: ``file``, ``form``, ``target``, ``account``, ``region``, ``digest``, ``artifact``, ``changes``,
``pins``, ``unknown``; the last three count. Items: ``kind`` (``change``, ``pin`` or ``unknown``); of a change
``operation``, ``type``, ``id``, ``account``, ``region``, ``physical_id``, ``changed``, ``actions`` and, for ``show``,
``before`` and ``after``, with secrets masked; of a pin ``pin``, ``name`` and ``version``; of an unknown ``where`` and
``reason``. The exit code is 0 for any plan, and 2 for what is none: that something is unknown is for a person to weigh,
and no failure.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import typer

from sudo_mcp_guardrails.cli.output import Answer, JsonOption, answering
from sudo_mcp_guardrails.cli.plan_options import (
    AccountOption,
    CurrentOption,
    DeployedOption,
    DeployedParameterOption,
    FileArgument,
    FormOption,
    Given,
    NestedOption,
    OptionOption,
    ParameterOption,
    PinOption,
    RegionOption,
    SavedOption,
    TargetOption,
    TemplateOption,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from sudo_mcp_guardrails.approval.plan import Plan

app = typer.Typer(no_args_is_help=True)
_LONGEST: Final = 10_000


def _with_plan(work: Callable[[Answer, Plan, bool], list[dict[str, Any]]]) -> Callable[..., None]:
    """Return a command that reads a plan and works on it: all of them take the same options."""

    def command(
        file: FileArgument,
        *,
        form: FormOption = None,
        account: AccountOption = "",
        region: RegionOption = "",
        target: TargetOption = "",
        parameter: ParameterOption = None,
        option: OptionOption = None,
        pin: PinOption = None,
        template: TemplateOption = None,
        deployed: DeployedOption = None,
        deployed_parameter: DeployedParameterOption = None,
        current: CurrentOption = None,
        nested: NestedOption = None,
        saved: SavedOption = None,
        as_json: JsonOption = False,
    ) -> None:
        with answering(as_json=as_json) as answer:
            given = Given(
                {"account": account, "region": region, "target": target},
                {
                    "parameters": parameter,
                    "options": option,
                    "versions": pin,
                    "deployed_parameters": deployed_parameter,
                },
                {"template": template, "deployed": deployed, "properties": current},
                nested=nested or (),
                saved=saved,
            )
            plan = given.read(file, form)
            items = work(answer, plan, as_json)
            answer.finish(ok=True, summary=_summary(file, plan), items=items)

    command.__doc__ = work.__doc__
    return command


@app.command("digest")
@_with_plan
def digest_command(answer: Answer, plan: Plan, as_json: bool) -> list[dict[str, Any]]:  # noqa: FBT001 - as the other
    """Print a plan's digest alone: what an approval is bound to."""
    answer.text.print(plan.digest)
    return _items(_masked(plan), values=False) if as_json else []


@app.command("show")
@_with_plan
def show_command(answer: Answer, plan: Plan, as_json: bool) -> list[dict[str, Any]]:  # noqa: FBT001 - as the other
    """Show what a plan changes, what it takes from outside, and what could not be told."""
    shown = _masked(plan)
    if as_json:
        return _items(shown, values=True)
    _show(answer, plan, shown)
    return []


def _masked(plan: Plan) -> dict[str, Any]:
    """Return what of a plan may be shown; of a large one it takes seconds."""
    from sudo_mcp_guardrails.approval.masking import masked

    return masked(plan)


def _summary(file: Path, plan: Plan) -> dict[str, Any]:
    return {
        "file": str(file),
        "form": plan.form.value,
        "target": plan.target,
        "account": plan.account,
        "region": plan.region,
        "digest": plan.digest,
        "artifact": plan.artifact,
        "changes": len(plan.changes),
        "pins": len(plan.pins),
        "unknown": len(plan.unknown),
    }


def _items(shown: dict[str, Any], *, values: bool) -> list[dict[str, Any]]:
    changes = [
        {
            "kind": "change",
            "operation": item["operation"],
            "type": item["type"],
            "id": item["id"],
            "account": item["account"],
            "region": item["region"],
            "physical_id": item["physicalId"],
            "changed": item["changed"],
            "actions": item["actions"],
            **({"before": _json(item["before"]), "after": _json(item["after"])} if values else {}),
        }
        for item in shown["changes"]
    ]
    pins = [{"kind": "pin", "pin": kind, "name": name, "version": version} for kind, name, version in shown["pins"]]
    unknown = [{"kind": "unknown", "where": where, "reason": reason} for where, reason in shown["unknown"]]
    return [*changes, *pins, *unknown]


def _json(value: Any) -> Any:  # noqa: ANN401 - JSON
    """Write decimals as numbers that JSON has, as texts where a double would lose digits."""
    from decimal import Decimal

    if isinstance(value, Decimal):
        number = float(value)
        return number if Decimal(str(number)) == value else str(value)
    if isinstance(value, dict):
        return {name: _json(item) for name, item in value.items()}
    return [_json(item) for item in value] if isinstance(value, (list, tuple)) else value


def _show(answer: Answer, plan: Plan, shown: dict[str, Any]) -> None:
    """Print the tables. What is in a plan is its author's: it is printed as text, and moves no cursor."""
    rows = [
        (item["operation"], item["type"], item["id"], _place(item), ", ".join(item["changed"]))
        for item in shown["changes"]
    ]
    _table(answer, ("operation", "type", "id", "account and Region", "changed"), rows)
    if shown["pins"]:
        _table(answer, ("pinned", "name", "version"), shown["pins"])
    if shown["unknown"]:
        _table(answer, ("not known of", "why"), [(where or "the plan", reason) for where, reason in shown["unknown"]])
    answer.text.print(
        f"{len(plan.changes)} changes, {len(plan.pins)} pinned, {len(plan.unknown)} not known", markup=False
    )
    answer.text.print(f"digest {plan.digest}", soft_wrap=True, markup=False)


def _place(item: dict[str, Any]) -> str:
    return f"{item['account'] or '?'} {item['region'] or '?'}"


def _table(answer: Answer, heads: tuple[str, ...], rows: Iterable[Sequence[object]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from sudo_mcp_guardrails.trail.trace.text import shown

    table = Table(*heads, box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(shown(str(cell), _LONGEST), overflow="fold") for cell in row))
    answer.text.print(table)
