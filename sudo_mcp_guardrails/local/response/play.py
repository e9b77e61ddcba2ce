"""A drill, played through on the embedded AWS: before, contained, restored, and whether all is as it was."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.handlers.contain_decide import AGREE, ASK
from sudo_mcp_guardrails.local.response.asking import AskingError
from sudo_mcp_guardrails.local.response.pictures import picture
from sudo_mcp_guardrails.local.response.site import AGENTS, DrillError
from sudo_mcp_guardrails.response.levels import EFFECTS, Level
from sudo_mcp_guardrails.response.records import S3Records
from sudo_mcp_guardrails.state.targets import Target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sudo_mcp_guardrails.local.response.site import DrillSite

TARGETS: Final[Mapping[Level, Target]] = {
    Level.K1: Target.agent("release-bot"),
    Level.K2: Target.agent("release-bot"),
    Level.K3: Target.of_class("release-*"),
    Level.K4: Target.everyone(),
}
"""Whom a drill contains at each level."""
TWO_PEOPLE: Final = Level.K3
"""From which a restoration takes two people, as the drill is deployed."""
CAPABILITIES: Final = ("read", "plan", "apply")
_OK: Final = 200
_LOOKS: Final = 10
_PAUSE: Final = 2.0


@dataclass(frozen=True)
class Try:
    """One call that was tried, and whether that was as it should be.

    Attributes:
        phase: ``before``, ``contained`` or ``restored``.
        agent: who.
        what: the call, in words.
        expected: ``allow`` or ``deny``.
        answered: ``allow``, or the error's code.
    """

    phase: str
    agent: str
    what: str
    expected: str
    answered: str

    @property
    def agreed(self) -> bool:
        """Whether it was as expected."""
        return (self.answered == "allow") == (self.expected == "allow")

    def to_dict(self) -> dict[str, Any]:
        """Return it as an item of the JSON output."""
        found = {name: getattr(self, name) for name in ("phase", "agent", "what", "expected", "answered")}
        return {**found, "agreed": self.agreed, "shown_by": "embedded"}


@dataclass
class Played:
    """What came of a drill.

    Attributes:
        level: that was rehearsed.
        target: who was contained.
        contained: whether all steps of containment hold, and nothing of the contained got through that must not.
        restored: whether all was undone, and every role, policy and attachment is byte for byte as it was.
        calls_after: calls of the contained that succeeded after the switch and must not have; at K1 sessions that were
            minted, since those that live go on.
        tries: every call.
        verified: what the look through CloudTrail's events found.
        changed: names of what is not as it was.
        records: signed records of the target's chain, checked.
        problems: what went wrong, in one line each.
        digest: of the restore record.
    """

    level: Level
    target: Target
    contained: bool = False
    restored: bool = False
    calls_after: int = 0
    tries: list[Try] = field(default_factory=list)
    verified: dict[str, Any] = field(default_factory=dict)
    changed: tuple[str, ...] = ()
    records: int = 0
    problems: list[str] = field(default_factory=list)
    digest: str = ""

    @property
    def passed(self) -> bool:
        """Whether the drill passed."""
        is_right = all(each.agreed for each in self.tries)
        return self.contained and self.restored and not self.calls_after and is_right and not self.problems


class Play:
    """One drill.

    Args:
        site: Deployed.
        level: To rehearse.
        report: Told what happens, in one line each.
    """

    def __init__(self, site: DrillSite, level: Level, report: Callable[[str], None]) -> None:
        self._site = site
        self._report = report
        self._host, self._stand_in, soc = (site.role(name) for name in ("agenthost", "approvalstandin", "soc"))
        self._intake = site.intake(soc)
        self.result = Played(level, TARGETS[level])
        self._live: dict[tuple[str, str], Any] = {}

    def run(self) -> Played:
        """Play it; what was contained is restored whatever happens in between.

        Raises:
            DrillError: A session that must be there before is refused.
            AskingError: The kill switch did not take what it was asked for.
        """
        found = self.result
        self._report("- open sessions of both agents, and have each make a call")
        self._open()
        self._calls("before")
        before = picture(self._site)
        incident = f"DRILL-{found.level.value}-{int(time.time())}"
        wanted = {"target": found.target.key, "reason": "a drill", "incident": incident}
        asked = {**wanted, "op": "contain", "level": found.level.value, "rehearsal": True, "graceSeconds": 0}
        self._report(f"- contain {found.target.key} at {found.level.value}, between two calls of live sessions")
        first = self._done(asked)
        try:
            if first:
                self._report("- the next calls of the same sessions, and sessions asked for anew")
                self._calls("contained")
                self._report("- contain again, which changes nothing, and look through CloudTrail's events")
                again = self._looked(asked)
                found.verified = again.get("verified", {})
                self._judge(first, again)
        finally:
            self._report("- restore from the record, by its digest")
            restored = self._restored(wanted)
        self._report("- the same sessions again, and a comparison of everything with what it was")
        self._calls("restored")
        after = picture(self._site)
        found.changed = tuple(sorted(key for key in {*before, *after} if before.get(key) != after.get(key)))
        found.restored = bool(restored) and restored["report"]["complete"] and not found.changed
        self._evidence()
        return found

    def _open(self) -> None:
        for number, agent in enumerate(AGENTS):
            for capability in ("read", "plan"):
                status, session = self._site.minted(self._host, agent, capability)
                if session is None:
                    raise DrillError(f"the broker refused a {capability} session of {agent!r} with status {status}")
                self._live[agent, capability] = session
            self._live[agent, "apply"] = self._site.applying(self._stand_in, agent, number)

    def _calls(self, phase: str) -> None:
        """Make a call in each live session, and ask for new ones."""
        found = self.result
        is_contained = phase == "contained"
        for agent in AGENTS:
            covered = is_contained and found.target.covers(agent)
            stopped = covered and EFFECTS[found.level].live
            for capability in CAPABILITIES:
                answered = self._answer(partial(self._work, agent, capability))
                self._note(phase, agent, f"{capability} session lists queues", answered, denied=stopped)
            status, _ = self._site.minted(self._host, agent, "read")
            answered = "allow" if status == _OK else str(status)
            self._note(phase, agent, "asks the broker for a session", answered, denied=covered)
            if stopped and found.level is Level.K2:
                answered = self._answer(partial(self._site.applying, self._stand_in, agent, 9))
                self._note(phase, agent, "is assumed by the apply broker", answered, denied=True)

    def _work(self, agent: str, capability: str) -> None:
        self._site.client("sqs", session=self._live[agent, capability]).list_queues(QueueNamePrefix=f"{agent}-")

    def _note(self, phase: str, agent: str, what: str, answered: str, *, denied: bool) -> None:
        self.result.tries.append(Try(phase, agent, what, "deny" if denied else "allow", answered))
        self.result.calls_after += denied and answered == "allow"

    def _answer(self, call: Callable[[], object]) -> str:
        from botocore.exceptions import ClientError  # noqa: PLC0415 - slow to import

        try:
            call()
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return "allow"

    def _done(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Ask, and return the output; empty where it failed, which is a problem of the drill."""
        return self._ended(request, self._intake.ask(request))

    def _ended(self, request: Mapping[str, Any], execution: str) -> dict[str, Any]:
        ended = self._intake.ended(execution)
        if ended["status"] != "SUCCEEDED":
            self.result.problems.append(f"{request['op']}: {ended['error']} {ended['cause']}"[:900])
            return {}
        found: dict[str, Any] = ended["output"]
        self.result.digest = found["report"]["digest"]
        return found

    def _restored(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """Restore; what takes two people is first tried by one, who must be refused."""
        found = self.result
        if not found.digest:
            latest = S3Records(self._site.client("s3"), self._site.outputs["RecordsBucket"]).latest(found.target)
            found.digest = latest.digest if latest is not None else ""
        request = {**wanted, "op": "restore", "digest": found.digest}
        if found.level.value < TWO_PEOPLE.value:
            return self._done(request)
        alone = self._intake.ended(self._intake.ask(request))
        if alone["status"] == "SUCCEEDED":
            found.problems.append("one person restored what takes two")
            return dict(alone["output"])
        self._report("- one person is refused; two people restore, with second factors of this moment")
        ann, ben = (self._site.decisions(self._site.person(name)) for name in ("ann", "ben"))
        stated = {name: value for name, value in request.items() if name != "op"}
        agreement = {"target": found.target.key, "wanted": ann.send("POST", ASK, stated)["wanted"]}
        try:
            ann.send("POST", AGREE, agreement)
            found.problems.append("who asked for the restoration agreed to it as well")
        except AskingError:
            pass
        return self._ended(request, str(ben.send("POST", AGREE, agreement)["execution"]))

    def _looked(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Contain again, which looks at what happened since; some times, for CloudTrail is not told at once."""
        again = self._done(asked)
        for _ in range(_LOOKS):
            if not EFFECTS[self.result.level].live or not again or again.get("verified", {}).get("attempts"):
                break
            time.sleep(_PAUSE)
            again = self._done(asked)
        return again

    def _judge(self, first: Mapping[str, Any], again: Mapping[str, Any]) -> None:
        found = self.result
        verified = found.verified
        is_live = EFFECTS[found.level].live
        found.calls_after += len(verified.get("calls", ())) if is_live else 0
        found.problems += [*map(str, verified.get("problems", ())), *map(str, verified.get("open", ()))]
        found.problems += [each["report"]["evidence"] for each in (first, again) if each and each["report"]["evidence"]]
        if again and not again["report"]["already"]:
            found.problems.append("containing twice was not without effect")
        if is_live and not verified.get("attempts"):
            found.problems.append("CloudTrail shows no refused call of the contained, though there were some")
        found.contained = bool(first["complete"]) and bool(verified.get("contained"))

    def _evidence(self) -> None:
        """Check the chain of signed records as an auditor would, with the public half of the key."""
        from sudo_mcp_guardrails.approval.store.evidence_store import EvidenceStore  # noqa: PLC0415 - slow to import
        from sudo_mcp_guardrails.approval.store.kms import KmsVerifier  # noqa: PLC0415 - slow to import
        from sudo_mcp_guardrails.response.ledger import chain_of, check_ledger  # noqa: PLC0415 - slow to import

        outputs, found = self._site.outputs, self.result
        store = EvidenceStore(self._site.client("dynamodb"), None, outputs["EvidenceTable"], "", None)
        verifier = KmsVerifier(self._site.client("kms"))
        keys = (outputs["EvidenceKey"], outputs["DecisionsKey"])
        problems = check_ledger(store, found.target, verifier, *keys)
        found.problems += [problem.text for problem in problems]
        found.records = len(store.records(chain_of(found.target)))
