"""What the function that looks at events works with, made from its environment and asset once for each container."""

from __future__ import annotations

import json
import logging
import os
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.detection import compiled
from sudo_mcp_guardrails.detection.baseline.journal import Journal
from sudo_mcp_guardrails.detection.baseline.learner import is_incident
from sudo_mcp_guardrails.detection.baseline.stored import LookingBaselines, StoredLayers
from sudo_mcp_guardrails.detection.correlating_store import StoredGroups
from sudo_mcp_guardrails.detection.detector import Detector
from sudo_mcp_guardrails.detection.facts import Facts
from sudo_mcp_guardrails.detection.matching.condition import All, Comparison, Op
from sudo_mcp_guardrails.detection.profile import AgentProfile
from sudo_mcp_guardrails.detection.rule import Level, Rule
from sudo_mcp_guardrails.detection.telling import CANARY_AGENT, CANARY_RULE, SETTINGS
from sudo_mcp_guardrails.detection.tracing import seen_trace
from sudo_mcp_guardrails.detection.watchlists import Watchlists
from sudo_mcp_guardrails.handlers.detect_baselines import S3Baselines, S3Shelf
from sudo_mcp_guardrails.handlers.detect_switch import Containments
from sudo_mcp_guardrails.handlers.detect_tell import Hub, Teller
from sudo_mcp_guardrails.handlers.trail_parts import MAX_OBJECT_BYTES, named_brokers
from sudo_mcp_guardrails.policies.naming import GuardrailNames
from sudo_mcp_guardrails.state.runs import RunRegistry
from sudo_mcp_guardrails.trail.attributing import Attributor
from sudo_mcp_guardrails.trail.attributing.dynamodb_store import DynamoKnowledge

if TYPE_CHECKING:
    from collections.abc import Callable

    from sudo_mcp_guardrails.detection.alert import Alert
    from sudo_mcp_guardrails.detection.baseline import Baselines
    from sudo_mcp_guardrails.detection.baseline.planned import PlannedCalls

BASELINES_SECONDS: Final = 15 * 60
"""How long what was read of baselines is used."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DetectParts:
    """What the function works with.

    Attributes:
        monitoring: value of the metrics' dimension.
        s3: boto3's client.
        sqs: boto3's client.
        dead_letters: URL of the dead letter queue.
        attributor: tells whose work an event is.
        groups: of correlations, counted with other functions.
        layers: that know what agents did before, counted with other functions too.
        journal: what a batch shows of runs.
        detector: looks.
        teller: tells.
        shelf: keeps the journal. None: nothing is learned.
        switch: tells who is contained. None: nobody is asked.
        runs: tells who is behind a run. None: what the session's tags say.
        max_object_bytes: most bytes of one object, as stored.
    """

    monitoring: str
    s3: Any
    sqs: Any
    dead_letters: str
    attributor: Attributor
    groups: StoredGroups
    layers: StoredLayers
    journal: Journal
    detector: Detector
    teller: Teller
    shelf: S3Shelf | None = None
    switch: Containments | None = None
    runs: RunRegistry | None = None
    max_object_bytes: int = MAX_OBJECT_BYTES

    def begin(self) -> None:
        """Forget what was read of others: they may have counted since."""
        self.groups.begin()
        self.layers.begin()
        if self.switch is not None:
            self.switch.begin()

    def keep_notes(self) -> None:
        """Write down what the batch showed of runs, and which agents gave cause for an incident."""
        if self.shelf is None:
            return
        for notes in self.journal.notes():
            self.shelf.write(notes)
            worst = [one for one in notes.alerts if is_incident(one.level)]
            if worst:
                self.shelf.note_incident(notes.agent, why=f"{worst[0].level.value}: {worst[0].rule}")

    def trace(self, alert: Alert) -> dict[str, Any]:
        """Return what led to an alert, from what this function has."""
        known = alert.subject.attribution
        run = self.runs.find(known.run) if self.runs is not None and known.run else None
        return seen_trace(alert.subject, self.layers.path(known.agent, known.run or known.session), run)


def canary_rule(role: str) -> Rule:
    """Return the rule that knows the canary's call: by its role, which alone carries it, and its user agent."""
    return Rule(
        id="8a4be4a4-9a1c-4d3e-9f2c-6a2b3e0a51f7",
        name=CANARY_RULE,
        title="The canary came through",
        level=Level.LOW,  # informational ones make no alert; who is told of it makes it informational
        condition=All(
            (
                Comparison("userIdentity.sessionContext.sessionIssuer.arn", Op.EQUALS_CASED, (role,)),
                Comparison("userAgent", Op.LIKE_CASED, (f"*{CANARY_AGENT}*",)),
            )
        ),
        sentence="the canary's {eventName} of {eventTime} came through",
    )


def made_book(settings: dict[str, Any], canary_role: str) -> compiled.RuleBook:
    """Return all rules: those of the library, the user's, and the canary's where there is one."""
    book = compiled.shipped()
    if settings.get("rules"):
        book += compiled.loads(settings["rules"])
    return book + compiled.RuleBook((canary_rule(canary_role),)) if canary_role else book


@lru_cache(maxsize=1)
def made_parts() -> DetectParts:
    """Return the parts, as environment and asset say; they are kept for the container's next invocation."""
    import boto3  # noqa: PLC0415 - so that the module loads without it
    from botocore.config import Config  # noqa: PLC0415 - as above

    from sudo_mcp_guardrails.handlers.detect_state import AgentMemories, DetectionState, StoredFirstSeen  # noqa: PLC0415 - as above

    config = Config(retries={"mode": "standard", "max_attempts": 4}, connect_timeout=5, read_timeout=20)
    session = boto3.session.Session()
    client = {name: session.client(name, config=config) for name in ("s3", "sqs", "dynamodb", "events")}
    settings = read_settings()
    table = os.environ["STATE_TABLE"]
    state = DetectionState(client["dynamodb"], table, lease=int(os.environ["LEASE_SECONDS"]))
    profiles = {one["name"]: AgentProfile.from_data(one) for one in settings.get("profiles", [])}
    switch = named_switch(client["dynamodb"])
    facts = Facts(profiles, switch, watch=Watchlists(settings.get("watch")), first=StoredFirstSeen(state))
    groups, journal = StoredGroups(state), Journal()
    bucket, runs = os.environ.get("BASELINES_BUCKET", ""), os.environ.get("RUNS_TABLE", "")
    plans = named_plans(client["dynamodb"], client["s3"], lambda: session.client("kms", config=config))
    known = Renewed(lambda: LookingBaselines(S3Baselines(client["s3"], bucket), journal)) if bucket else None
    layers = StoredLayers(AgentMemories(state), journal, known, profiles=profiles, planned=plans)
    _say_what_is_off(baselines=bucket, switch=switch, plans=plans, runs=runs)
    region = os.environ["AWS_REGION"]
    hub = None
    if os.environ.get("SECURITY_HUB_ACCOUNT"):
        account, partition = os.environ["SECURITY_HUB_ACCOUNT"], session.get_partition_for_region(region)
        hub = Hub(session.client("securityhub", config=config), account, region, partition)
    return DetectParts(
        os.environ["MONITORING"],
        client["s3"],
        client["sqs"],
        os.environ["DEAD_LETTERS"],
        Attributor(
            GuardrailNames(os.environ["NAMES_PREFIX"]),
            knowledge=DynamoKnowledge(client["dynamodb"], table),
            brokers=named_brokers(),
        ),
        groups,
        layers,
        journal,
        Detector(made_book(settings, os.environ.get("CANARY_ROLE", "")), facts=facts, layers=[layers], shared=groups),
        Teller(state, client["events"], os.environ["BUS"], hub),
        S3Shelf(client["s3"], bucket) if bucket else None,
        switch,
        RunRegistry(client["dynamodb"], runs) if runs else None,
    )


class Renewed:
    """Baselines that are read anew every 15 minutes: another function learns meanwhile.

    What is read is bounded as :class:`~sudo_mcp_guardrails.detection.baseline.hot.Hot` says, and one document by
    :data:`~sudo_mcp_guardrails.detection.baseline.document.MAX_BYTES`.

    Args:
        make: makes them, with nothing read yet.
        clock: seconds that never go back.
    """

    def __init__(self, make: Callable[[], Baselines], clock: Callable[[], float] = time.monotonic) -> None:
        self._make = make
        self._clock = clock
        self._held: tuple[float, Baselines] | None = None

    def __call__(self) -> Baselines:
        """Return them."""
        now = self._clock()
        if self._held is None or now - self._held[0] >= BASELINES_SECONDS:
            self._held = (now, self._make())
        return self._held[1]


def read_settings() -> dict[str, Any]:
    """Return what was written into the asset at synthesis."""
    file = Path(__file__).parents[2] / SETTINGS
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return found


def named_switch(dynamodb: Any) -> Containments | None:  # noqa: ANN401 - boto3's
    """Return who tells of containments, where the environment names the kill switch's table."""
    table = os.environ.get("KILL_SWITCH_TABLE", "")
    return Containments(dynamodb, table, os.environ["NAMES_PREFIX"]) if table else None


def named_plans(dynamodb: Any, s3: Any, kms: Callable[[], Any]) -> PlannedCalls | None:  # noqa: ANN401 - boto3's
    """Return who tells what approved plans hold, where the environment names the table of evidence."""
    table = os.environ.get("EVIDENCE_TABLE", "")
    if not table:
        return None
    from sudo_mcp_guardrails.approval.store.signers import Keys  # noqa: PLC0415 - a room that others need not load
    from sudo_mcp_guardrails.handlers.detect_plans import ApprovedPlans  # noqa: PLC0415 - as above

    keys = Keys(os.environ["EVIDENCE_KEY"], os.environ["DECISION_KEY"], responder=os.environ.get("RESPONDER_KEY", ""))
    return ApprovedPlans(dynamodb, s3, kms(), table, os.environ["EVIDENCE_BUCKET"], keys)


def _say_what_is_off(**parts: object) -> None:
    """Say in the log, once for each container, which layers do not look, or look without something."""
    missing = [_OFF[name] for name, part in parts.items() if not part]
    if missing:
        _log.warning(json.dumps({"not configured": missing}))


_OFF: Final = {
    "baselines": "new terms, surprise and rates do not look: no bucket of baselines is named",
    "switch": "nobody knows who is contained: no table of the kill switch is named",
    "plans": "nobody compares what is applied with what was approved: no table of evidence is named",
    "runs": "who is behind a run is what its session's tags say: no table of runs is named",
}
