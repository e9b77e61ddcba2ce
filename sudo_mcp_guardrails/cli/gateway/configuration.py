"""The configuration of a gateway, a JSON file, and the decision that it sets up; see docs/gateway-decisions.md.

Everything in it is read when the guard starts: a mistake anywhere, also in the rules or the lock file, stops it.
"""

from __future__ import annotations

import contextlib
import importlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.agents import AgentEnvironment, Capability, RiskClass, TrustTier
from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.cli.gateway.fields import read_json
from sudo_mcp_guardrails.cli.gateway.judging import subject_of
from sudo_mcp_guardrails.gateway.deciding.budget_file import BudgetFile
from sudo_mcp_guardrails.gateway.deciding.budgets import Amount, Budget, Per
from sudo_mcp_guardrails.gateway.deciding.check import DecisionCheck
from sudo_mcp_guardrails.gateway.deciding.containment import Containment, never, read_file
from sudo_mcp_guardrails.gateway.deciding.manifest import Manifest
from sudo_mcp_guardrails.gateway.deciding.settings import Prices, Settings
from sudo_mcp_guardrails.gateway.deciding.weighing import PROPOSE
from sudo_mcp_guardrails.gateway.pins.check import PinCheck
from sudo_mcp_guardrails.gateway.pins.files import read_lock

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.approval.deciding.calendar import Calendar, Freeze
    from sudo_mcp_guardrails.cli.gateway.fields import Fields
    from sudo_mcp_guardrails.gateway.deciding.rules.ruleset import Ruleset
    from sudo_mcp_guardrails.gateway.pins.lock import Lock
    from sudo_mcp_guardrails.iam.properties import Subject
    from sudo_mcp_guardrails.state.kill_switch import KillSwitch

_PRINCIPALS: Final = {"iam": "IamEntity", "oauth": "OAuthUser"}


@dataclass(frozen=True)
class Configured:
    """What a configuration sets up.

    Attributes:
        pins: The check against the lock file, which comes first.
        decision: The decision.
        rules: The team's; None without any.
    """

    pins: PinCheck
    decision: DecisionCheck
    rules: Ruleset | None


def configured(path: Path, report: Callable[[str], None]) -> Configured:
    """Read a configuration; the kill switch is read once, and is not watched yet.

    Args:
        path: Of the file; paths in it begin where it is.
        report: Told what takes time.

    Raises:
        InputError: A field is missing, unknown or wrong.
        GuardrailsError: What it names is: the lock file, the rules, the app's templates, the budgets.
    """
    fields = read_json(path)
    folder = path.parent
    lock = read_lock(folder / fields.text("lock", "mcp-guardrails.lock.json"))
    pins = PinCheck(lock)
    settings = _settings(fields, folder, pins, report)
    rules = _rules(fields.inner("rules"), folder, lock) if fields.has("rules") else None
    store = BudgetFile(folder / fields.text("budgetFile")) if fields.has("budgetFile") else None
    containment = Containment(_kill_switch(fields.inner("killSwitch"), folder))
    fields.inner("rules")
    fields.text("budgetFile", "")
    fields.done()
    strange = sorted(set(settings.aws) - set(lock.servers))
    if strange:
        raise InputError(f"{path}.aws names server {strange[0]!r}, expected of {sorted(lock.servers)} in the lock file")
    containment.refresh()
    return Configured(pins, DecisionCheck(settings, containment, rules, store), rules)


def _settings(fields: Fields, folder: Path, pins: PinCheck, report: Callable[[str], None]) -> Settings:
    agent, capability = fields.text("agent"), fields.one("capability", Capability, Capability.READ)
    environment = _environment(fields.inner("environment"))
    prices = fields.inner("prices")
    found = Settings(
        agent=agent,
        capability=capability,
        tier=fields.one("tier", TrustTier, TrustTier.T0),
        environment=environment,
        role=_role(fields, folder, environment, report),
        aws=fields.by_name("aws", lambda inner, name: inner.text(name)),
        labels=pins.labels,
        risks=_risks(fields),
        askable=_classes(fields) if fields.has("askable") else None,
        manifests=fields.by_name("sops", _manifest),
        budgets=fields.each("budgets", _budget),
        prices=Prices(
            prices.by_name("cents", lambda inner, name: inner.number(name)),
            prices.number("others") if prices.has("others") else None,
        ),
        calendar=_calendar(fields),
        profile=fields.text("profile", ""),
        region=fields.text("region", next(iter(environment.regions), "")),
        propose=fields.text("propose", PROPOSE),
    )
    fields.texts("askable")
    prices.number("others", 0)
    prices.done()
    return found


def _environment(fields: Fields) -> AgentEnvironment:
    found = AgentEnvironment(
        fields.text("name"),
        fields.texts("accounts"),
        fields.texts("regions"),
        fields.texts("prefixes"),
        is_production=fields.yes("production"),
    )
    fields.done()
    return found


def _role(fields: Fields, folder: Path, environment: AgentEnvironment, report: Callable[[str], None]) -> Subject | None:
    """Return the role in the app's templates; None without an app, and then no call of AWS's API passes."""
    directory = fields.text("app", "")
    if not directory:
        return None
    from sudo_mcp_guardrails.cli.app_roles import read_app

    app = read_app(folder / directory, report)
    subjects = [each for each, _ in app.subjects]
    capability = fields.one("capability", Capability, Capability.READ)
    return subject_of(subjects, fields.text("agent"), capability.value, environment.accounts[0])


def _risks(fields: Fields) -> dict[tuple[str, str], RiskClass]:
    found = {}
    for name, risk in fields.by_name("tools", lambda inner, name: inner.one(name, RiskClass)).items():
        server, slash, tool = name.partition("/")
        if not slash:
            raise InputError(f"{fields.where}.tools names {name[:80]!r}, expected server/tool")
        found[server, tool] = risk
    return found


def _classes(fields: Fields) -> frozenset[RiskClass]:
    known = {each.value: each for each in RiskClass}
    wrong = [each for each in fields.texts("askable") if each not in known]
    if wrong:
        raise InputError(f"{fields.where}.askable names {wrong[0][:80]!r}, expected of R1, R2")
    return frozenset(known[each] for each in fields.texts("askable"))


def _manifest(inner: Fields, name: str) -> Manifest:
    fields = inner.inner(name)
    found = Manifest(fields.texts("actions"), fields.texts("resources"), fields.texts("tools"))
    fields.done()
    return found


def _budget(fields: Fields) -> Budget:
    return Budget(
        fields.one("what", Amount), fields.number("most"), fields.number("seconds"), fields.one("per", Per, Per.AGENT)
    )


def _calendar(fields: Fields) -> Calendar:
    from sudo_mcp_guardrails.approval.deciding.calendar import Calendar

    return Calendar(freezes=fields.each("freezes", _freeze))


def _freeze(fields: Fields) -> Freeze:
    from sudo_mcp_guardrails.approval.deciding.calendar import Freeze

    times: dict[str, datetime] = {}
    for name in ("start", "end"):
        text = fields.text(name)
        found: datetime | None = None
        with contextlib.suppress(ValueError):
            found = datetime.fromisoformat(text)
        if found is None or found.tzinfo is None:
            wanted = "a time such as 2026-12-20T00:00:00+00:00"
            raise InputError(f"{fields.where}.{name} is {text[:80]!r}, expected {wanted}")
        times[name] = found
    start, end = (int(times[name].timestamp()) for name in ("start", "end"))
    return Freeze(start, end, fields.text("reason"), fields.texts("environments"))


def _rules(fields: Fields, folder: Path, lock: Lock) -> Ruleset:
    from sudo_mcp_guardrails.gateway.deciding.rules.ruleset import LOCAL_GATEWAY, Ruleset
    from sudo_mcp_guardrails.gateway.deciding.rules.schema import tool_schema

    principal = fields.text("principal", "iam")
    if principal not in _PRINCIPALS:
        raise InputError(f"{fields.where}.principal is {principal[:80]!r}, expected iam or oauth")
    targets = fields.by_name("targets", lambda inner, name: inner.text(name))
    file, gateway = folder / fields.text("file"), fields.text("gateway", LOCAL_GATEWAY)
    fields.done()
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeError) as error:
        raise InputError(f"rules {str(file)!r} cannot be read: {error}") from None
    return Ruleset(text, tool_schema(lock, targets, _PRINCIPALS[principal]), gateway, str(file))


def _kill_switch(fields: Fields, folder: Path) -> Callable[[], KillSwitch]:
    """Return what reads the kill switch: a file, a function of the host's, or, where that is said, nothing."""
    file, function, none = fields.text("file", ""), fields.text("function", ""), fields.yes("none")
    fields.done()
    if [bool(file), bool(function), none].count(True) != 1:
        raise InputError(f"{fields.where} has not exactly one of file, function and none, expected one")
    if none:
        return never
    if file:
        return lambda: read_file(folder / file)
    module, _, name = function.partition(":")
    try:
        found: Any = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(f"{fields.where}.function is {function[:80]!r}, expected MODULE:NAME: {error}") from None
    if not callable(found):
        raise InputError(f"{fields.where}.function is {function[:80]!r}, expected what returns a KillSwitch")
    return found  # type: ignore[no-any-return]  # what it returns is judged each time
