from __future__ import annotations

from typing import Any

import pytest

from sudo_mcp_guardrails.detection.compiled import RuleBook, shipped
from sudo_mcp_guardrails.detection.detector import Detector
from sudo_mcp_guardrails.detection.errors import DetectionError
from sudo_mcp_guardrails.detection.facts import Facts
from sudo_mcp_guardrails.detection.watchlists import HONEYTOKEN, MAX_ENTRIES, Watchlists
from sudo_mcp_guardrails.trail.attribution import Attribution, By
from tests.detection.events import attributed

AGENT = Attribution(By.SESSION_TAGS, agent="ci-bot", capability="read")
KEY = "AKIAIOSFODNN7EXAMPLE"
ROLE = "arn:aws:iam::111122223333:role/legacy/Backup"


def _marks(entry: str, **fields: Any) -> list[str]:
    return Watchlists({HONEYTOKEN: [entry]}).marks(attributed(**fields).event)


def _secret(name: str) -> dict[str, Any]:
    asked = {"secretId": name}
    return {"eventSource": "secretsmanager.amazonaws.com", "eventName": "GetSecretValue", "requestParameters": asked}


def test_who_acts_is_looked_up() -> None:
    issuer = {"sessionContext": {"sessionIssuer": {"arn": ROLE}}}
    assert _marks(KEY, userIdentity={"accessKeyId": KEY}) == [HONEYTOKEN]
    assert _marks(KEY, userIdentity={"accessKeyId": KEY[:-1] + "F"}) == []
    assert _marks(ROLE, userIdentity={"type": "AssumedRole", **issuer}) == [HONEYTOKEN]
    assert _marks("arn:aws:iam::111122223333:user/old", userIdentity={"arn": "arn:aws:iam::111122223333:user/old"})
    assert _marks(ROLE) == []


@pytest.mark.parametrize(
    "entry", ["secretsmanager:prod/payments", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/payments"]
)
def test_a_secret_is_known_by_its_name_and_its_arn(entry: str) -> None:
    arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/payments"
    for name in ("prod/payments", arn, f"{arn}-AbCdEf"):
        assert _marks(entry, **_secret(name)) == [HONEYTOKEN]
    for name in ("prod/payments-2", "prod/payment", "not-prod/payments", f"{arn}-AbCdEfG"):
        assert _marks(entry, **_secret(name)) == []
    assert _marks(entry, **{**_secret("prod/payments"), "eventSource": "ssm.amazonaws.com"}) == []


@pytest.mark.parametrize("entry", ["ssm:/prod/db", "arn:aws:ssm:eu-west-1:111122223333:parameter/prod/db"])
def test_a_parameter_is_known_with_and_without_its_slash(entry: str) -> None:
    for asked in ({"name": "/prod/db"}, {"names": ["/x", "/prod/db"]}):
        assert _marks(entry, eventSource="ssm.amazonaws.com", requestParameters=asked) == [HONEYTOKEN]
    assert _marks(entry, eventSource="ssm.amazonaws.com", requestParameters={"name": "/prod/db2"}) == []


def test_a_resource_is_found_in_the_list_of_resources() -> None:
    listed = [{"ARN": "arn:aws:s3:::backup-of-payroll"}]
    assert _marks("s3:backup-of-payroll", eventSource="s3.amazonaws.com", resources=listed) == [HONEYTOKEN]
    name = {"bucketName": "x", "key": "backup-of-payroll.txt"}
    assert _marks("s3:backup-of-payroll", eventSource="s3.amazonaws.com", requestParameters=name) == []


def test_an_event_may_touch_several_lists() -> None:
    both = Watchlists({"zeta": [KEY], "alpha": [KEY, "s3:b"]})
    assert both.marks(attributed(userIdentity={"accessKeyId": KEY}).event) == ["alpha", "zeta"]
    assert both
    assert not Watchlists()


@pytest.mark.parametrize(
    ("lists", "said"),
    [
        ({"Honey": [KEY]}, "watchlist 'Honey' is not allowed"),
        ({"honeytoken": ["prod"]}, "entry 'prod' of watchlist 'honeytoken'"),
        ({"honeytoken": ["arn:aws:iam::111122223333:policy/x"]}, "access key's id, an ARN, or service:name"),
        ({"honeytoken": ["s3:" + "x" * 1025]}, "is not allowed"),
        ({"honeytoken": [f"s3:b{n}" for n in range(MAX_ENTRIES + 1)]}, "more than 1000 entries"),
    ],
)
def test_what_is_no_entry_is_refused(lists: dict[str, list[str]], said: str) -> None:
    with pytest.raises(DetectionError, match=said):
        Watchlists(lists)


def test_a_honeytoken_is_told_whoever_uses_it() -> None:
    facts = Facts(watch=Watchlists({HONEYTOKEN: ["secretsmanager:prod/payments"]}))
    assert facts.of(*attributed(**_secret("other"))) is None
    assert facts.of(*attributed(**_secret("prod/payments"))) == {"watch": [HONEYTOKEN]}
    found = facts.of(*attributed(AGENT, **_secret("prod/payments")))
    assert found is not None
    assert (found["name"], found["watch"]) == ("ci-bot", [HONEYTOKEN])
    rules = tuple(rule for rule in shipped().rules if rule.name == "guardrail_honeytoken_used")
    detector = Detector(RuleBook(rules), facts=facts)
    (alert,) = detector.look(attributed(**_secret("prod/payments")))
    assert alert.contains
    assert detector.look(attributed(**_secret("other"))) == []


def test_who_touches_a_list_is_no_agent_for_the_layers() -> None:
    class Refusing:
        def look(self, *_: Any) -> list[Any]:
            raise AssertionError

    facts = Facts(watch=Watchlists({HONEYTOKEN: ["secretsmanager:prod/payments"]}))
    assert Detector(RuleBook(()), facts=facts, layers=[Refusing()]).look(attributed(**_secret("prod/payments"))) == []
