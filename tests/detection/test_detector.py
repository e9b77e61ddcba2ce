from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.detection.compiled import RuleBook
from sudo_mcp_guardrails.detection.detector import Detector
from sudo_mcp_guardrails.detection.facts import Facts
from sudo_mcp_guardrails.detection.matching.condition import Comparison, Op
from sudo_mcp_guardrails.detection.profile import AgentProfile, WorkingHours
from sudo_mcp_guardrails.detection.rule import Correlation, Counting, Level, Source
from sudo_mcp_guardrails.trail.attribution import Attribution, By
from tests.detection.events import attributed, called, rule

if TYPE_CHECKING:
    from sudo_mcp_guardrails.detection.alert import Alert
    from sudo_mcp_guardrails.trail.attribution import Attributed

AGENT = Attribution(By.SESSION_TAGS, agent="ci-bot", run="run-1", capability="read")
BOOK = RuleBook(
    (
        rule("puts", called("PutBucketPolicy"), sentence="{userIdentity.type} put a policy on {requestParameters.b}"),
        rule("quiet", called("GetObject"), level=Level.INFORMATIONAL),
        rule("outside", Comparison("agent.outside", Op.EQUALS, ("region",)), source=Source.INVARIANT, contains=True),
    ),
    (
        Correlation(
            "cid",
            "many",
            "many reads",
            Level.MEDIUM,
            ("quiet",),
            Counting.EVENT_COUNT,
            ("recipientAccountId",),
            60,
            2,
            sentence="{count} reads in {recipientAccountId} within {seconds} s",
        ),
    ),
)


def test_an_alert_says_what_happened() -> None:
    (alert,) = Detector(BOOK).look(attributed(requestParameters={"b": "bucket\u202e\n"}))
    assert (alert.rule, alert.level, alert.source) == ("puts", Level.HIGH, Source.RULE)
    assert alert.sentence == "AssumedRole put a policy on bucket  "
    assert alert.events == (alert.subject.event.event_id,)


def test_what_was_refused_does_not_read_as_done() -> None:
    (alert,) = Detector(BOOK).look(attributed(errorCode="AccessDenied", requestParameters={"b": "x"}))
    assert alert.sentence == "AssumedRole put a policy on x: answered AccessDenied"


def test_an_alert_has_the_same_id_whenever_it_is_made() -> None:
    first, second = (Detector(BOOK).look(attributed())[0] for _ in range(2))
    assert first.id == second.id
    (other,) = Detector(BOOK).look(attributed(eventID="00000000-0000-4000-8000-000000000002"))
    assert other.id != first.id


def test_what_is_only_counted_is_no_alert_until_it_is_many() -> None:
    detector = Detector(BOOK)
    assert detector.look(attributed(eventName="GetObject", eventID="a")) == []
    (alert,) = detector.look(attributed(eventName="GetObject", eventID="b"))
    assert (alert.rule, alert.source, alert.count, alert.events) == ("many", Source.CORRELATION, 2, ("a", "b"))
    assert alert.sentence == "2 reads in 111122223333 within 60 s"


def test_rules_see_what_is_known_of_the_agent() -> None:
    facts = Facts({"ci-bot": AgentProfile("ci-bot", regions=frozenset({"us-west-2"}))})
    alerts = Detector(BOOK, facts=facts).look(attributed(AGENT, eventName="X"))
    assert [(one.rule, one.contains) for one in alerts] == [("outside", True)]
    assert Detector(BOOK, facts=facts).look(attributed(eventName="X")) == []


def test_layers_see_agents_events_alone() -> None:
    seen: list[tuple[Any, int | None]] = []

    class Seeing:
        def look(self, attributed: Attributed, facts: Any, time: int | None) -> list[Alert]:
            seen.append((facts["name"], time))
            assert attributed.attribution is AGENT
            return []

    detector = Detector(BOOK, layers=[Seeing()])
    detector.look(attributed(eventName="X"))
    detector.look(attributed(AGENT, eventName="X"))
    detector.look(attributed(AGENT, eventName="X", eventTime=None))
    assert seen == [("ci-bot", 1795428000), ("ci-bot", None)]


def test_facts_of_an_agents_event() -> None:
    profile = AgentProfile(
        "ci-bot",
        accounts=frozenset({"444455556666"}),
        regions=frozenset({"us-west-2"}),
        services=frozenset({"lambda"}),
        hours=WorkingHours(22, 6),
        declared=("lambda:Get*",),
        tier="T1",
        mcp=True,
    )
    facts = Facts({"ci-bot": profile}, contained=lambda name, _time: "K2" if name == "ci-bot" else None)
    found = attributed(AGENT)
    assert facts.of(*attributed()) is None
    assert facts.of(*found) == {
        "by": "session-tags",
        "via": "direct",
        "name": "ci-bot",
        "run": "run-1",
        "capability": "read",
        "registered": "true",
        "contained": "K2",
        "tier": "T1",
        "mcp_only": "true",
        "outside": ["account", "region", "service", "task", "hours"],
    }
    inside = attributed(
        AGENT,
        eventSource="lambda.amazonaws.com",
        eventName="GetFunction",
        awsRegion="us-west-2",
        recipientAccountId="444455556666",
        eventTime="2026-11-23T23:00:00Z",
        userIdentity={"type": "AssumedRole", "invokedBy": "aws-mcp.amazonaws.com"},
    )
    of_inside = facts.of(*inside)
    assert of_inside is not None
    assert "outside" not in of_inside
    assert of_inside["via"] == "mcp"


def test_an_agent_without_a_profile_is_not_registered() -> None:
    found = Facts().of(*attributed(AGENT))
    assert found is not None
    assert found["registered"] == "false"
    assert "outside" not in found
