"""Plays about people: who decides, who does not, and what of that counts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.approval.moments import written
from tests.local.approvals import app
from tests.local.approvals.site import until

if TYPE_CHECKING:
    from tests.local.approvals.site import Site

EMERGENCY = "the queue holds up every order since this morning"


def approve_and_execute(site: Site) -> None:
    agent = site.agent()
    approval = agent.calls("plain", token="plain-0001")
    assert agent.calls("plain", token="plain-0001") == approval  # who got no answer asks again
    site.waits(approval)
    assert "release-bot-plain" not in site.queues()
    status, body = site.person("alice").decide(approval)
    assert (status, body["status"]["state"]) == (200, "approved"), body
    assert site.ended(approval) == "Executed"
    assert "release-bot-plain" in site.queues()
    kinds = site.kinds(approval)
    assert [kinds.count(kind) for kind in ("request", "decision", "execution", "outcome")] == [1, 1, 1, 1]
    status, body = agent.ask("GET", f"/approvals/{approval}")
    assert (status, body["state"]) == (200, "executed")


def people_refuse(site: Site) -> None:
    agent = site.agent()
    approval = agent.calls("refused")
    site.waits(approval)
    status, body = site.person("bob").decide(approval, "refuse")
    assert (status, body["status"]["state"]) == (200, "refused")
    assert site.ended(approval) == "Ended"
    assert "execution" not in site.kinds(approval)
    assert "release-bot-refused" not in site.queues()
    status, body = agent.ask("GET", f"/approvals/{approval}")
    assert (body["state"], body["because"]) == ("refused", "people refused it")  # not by whom
    status, body = site.person("alice").ask("POST", f"/api/approvals/{approval}/challenge", {})
    assert status == 409, body


def nobody_decides_in_time(site: Site) -> None:
    approval = site.agent().calls(*(f"late-{number}" for number in range(10)))
    site.waits(approval)
    alice = site.person("alice")
    decision = alice.decision(approval)
    assert site.ended(approval) == "Ended"
    assert alice.click(approval, decision)[0] == 410
    assert not any(name.startswith("release-bot-late") for name in site.queues())
    assert "decision" in site.kinds(approval)  # it is on record, and does not count


def the_agent_takes_it_back(site: Site) -> None:
    agent = site.agent()
    approval = agent.calls("taken-back")
    site.waits(approval)
    status, body = site.agent(fresh=True).ask("POST", f"/approvals/{approval}/withdraw", {"reason": "not mine"})
    assert status == 403, body  # another run of the same agent
    status, body = agent.ask("POST", f"/approvals/{approval}/withdraw", {"reason": "wrong queue"})
    assert (status, body["state"]) == (200, "withdrawn")
    assert site.ended(approval) == "Ended"
    assert "release-bot-taken-back" not in site.queues()


def the_person_behind_it_takes_it_back(site: Site) -> None:
    approval = site.agent().calls("recalled")
    site.waits(approval)
    status, body = site.person("alice").ask("POST", f"/api/approvals/{approval}/withdraw", {"reason": "not mine"})
    assert status == 403, body
    status, body = site.person("rita").ask("POST", f"/api/approvals/{approval}/withdraw", {"reason": "a mistake"})
    assert (status, body["status"]["state"]) == (200, "withdrawn")
    assert site.ended(approval) == "Ended"
    assert "forged-callback" not in site.kinds(approval)


def two_people_for_what_cannot_be_put_back(site: Site) -> None:
    site.client("sqs").create_queue(QueueName="release-bot-doomed")
    approval = site.agent().propose(form="api-calls", data=[_delete(site, "doomed")])
    site.waits(approval)
    status, body = site.person("alice").decide(approval)
    assert (status, body["status"]["state"]) == (200, "pending"), body
    assert site.person("alice").decide(approval)[0] == 403  # the same person is one person
    status, body = site.person("carol").decide(approval)
    assert (status, body["status"]["state"]) == (200, "approved"), body
    assert site.ended(approval) == "Executed"
    assert "release-bot-doomed" not in site.queues()


def two_approvers_at_once(site: Site) -> None:
    site.client("sqs").create_queue(QueueName="release-bot-doomed-2")
    approval = site.agent().propose(form="api-calls", data=[_delete(site, "doomed-2")])
    site.waits(approval)
    people = [site.person("alice"), site.person("bob")]
    decisions = [person.decision(approval) for person in people]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda both: both[0].click(approval, both[1]), zip(people, decisions, strict=True)))
    assert [status for status, _ in answers] == [200, 200], answers
    assert site.ended(approval) == "Executed"
    kinds = site.kinds(approval)
    assert [kinds.count(kind) for kind in ("decision", "execution", "call-started")] == [2, 1, 1]


def a_double_click(site: Site) -> None:
    approval = site.agent().calls("twice")
    site.waits(approval)
    alice = site.person("alice")
    decision = alice.decision(approval)
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: alice.click(approval, decision), range(3)))
    assert 200 in {status for status, _ in answers}, answers
    assert {status for status, _ in answers} <= {200, 409}, answers
    assert site.ended(approval) == "Executed"
    assert site.kinds(approval).count("execution") == 1


def one_alone_in_an_emergency(site: Site) -> None:
    site.client("sqs").create_queue(QueueName="release-bot-burning")
    approval = site.agent().propose(form="api-calls", data=[_delete(site, "burning")])
    site.waits(approval)
    status, body = site.person("alice").decide(approval, breakGlass=True, comment=EMERGENCY)
    assert status == 403, body  # not in a group that may
    status, body = site.person("bob").decide(approval, breakGlass=True, comment=EMERGENCY)
    assert (status, body["status"]["breakGlass"]) == (200, True), body
    assert site.ended(approval) == "Executed"
    until(lambda: any("approved alone" in notice for notice in site.told(approval)))


def a_delegate_decides(site: Site) -> None:
    issuer = site.provider.issuer
    ends = int(site.now()) + 3600
    wish = {"delegate": f"{issuer}#mary", "starts": "", "ends": written(ends), "reason": "on leave"}
    alice = site.person("alice")
    status, body = alice.ask("POST", "/api/delegations/challenge", wish)
    assert status == 200, body
    status, body = alice.ask("POST", "/api/delegations", {**wish, "issued": body["issued"]})
    assert status == 200, body
    delegation = body["delegation"]["id"]
    approval = site.agent().calls("delegated")
    site.waits(approval)
    status, body = site.person("mary").decide(approval, onBehalfOf=delegation)
    assert (status, body["status"]["state"]) == (200, "approved"), body
    assert site.ended(approval) == "Executed"


def managers_decide_later(site: Site) -> None:
    approval = site.agent().calls("escalated")
    site.waits(approval)
    status, body = site.person("mary").decide(approval)
    if status != 403:  # a slow machine: five seconds were over
        assert body["status"]["deciding"] == ["sre", "security", "managers"]
    site.waits(approval, times=2)
    status, body = site.person("mary").decide(approval)
    assert (status, body["status"]["state"]) == (200, "approved"), body
    assert site.ended(approval) == "Executed"
    until(lambda: sum("to be decided" in notice for notice in site.told(approval)) == 2)


def who_asked_does_not_decide(site: Site) -> None:
    approval = site.agent().calls("own-approval")
    site.waits(approval)
    rita = site.person("rita")
    status, body = rita.decide(approval)
    assert status == 403, body
    assert "on record" in body["error"]
    site.person("bob").decide(approval, "refuse")
    assert site.ended(approval) == "Ended"
    assert site.kinds(approval).count("decision") == 2


def who_left_the_group_does_not_decide(site: Site) -> None:
    approval = site.agent().calls("left")
    site.waits(approval)
    dave = site.person("dave")
    decision = dave.decision(approval)
    site.leave("dave")
    try:
        assert dave.click(approval, decision)[0] == 403
    finally:
        site.join("dave", app.PEOPLE["dave"])
    assert site.person("nina").ask("GET", f"/api/approvals/{approval}")[0] == 403  # known, and in no group
    site.person("bob").decide(approval, "refuse")
    assert site.ended(approval) == "Ended"


def a_token_is_of_one_person_and_one_approval(site: Site) -> None:
    agent = site.agent()
    first, second = agent.calls("token-1"), agent.calls("token-2")
    site.waits(first)
    site.waits(second)
    alice = site.person("alice")
    seen, other = alice.decision(first), alice.decision(second)
    assert site.person("carol").click(first, seen)[0] == 403  # alice's
    stolen = {**other, "token": seen["token"]}
    assert alice.click(second, stolen)[0] == 403  # of the other approval
    assert alice.click(second, {**other, "planDigest": seen["planDigest"]})[0] == 409
    assert alice.click(first, seen)[0] == 403  # a token is good for one try, whoever tried
    fresh = alice.decision(first)
    assert alice.click(first, fresh)[0] == 200
    assert alice.click(first, {**fresh, "verdict": "refuse"})[0] in {403, 409}  # used
    assert site.ended(first) == "Executed"
    site.person("bob").decide(second, "refuse")
    assert site.ended(second) == "Ended"
    assert "release-bot-token-2" not in site.queues()


def without_a_sign_in_nobody_is_asked(site: Site) -> None:
    approval = site.agent().calls("unsigned")
    site.waits(approval)
    path = f"/api/approvals/{approval}"
    for token in ("", "Bearer x.y.z"):
        assert site.page("GET", path, {"Authorization": token} if token else {})[0] == 401
    alice = site.person("alice")
    decision = alice.decision(approval)
    status, _ = alice.ask("POST", f"{path}/decision", decision, Origin="https://evil.example.com")
    assert status == 403
    status, _ = alice.ask("GET", f"{path}/decision?verdict=approve&token={decision['token']}")
    assert status == 404  # nothing is approved by a link
    alice.decide(approval, "refuse")
    assert site.ended(approval) == "Ended"


def _delete(site: Site, name: str) -> dict[str, Any]:
    url = until(lambda: site.client("sqs").get_queue_url(QueueName=f"release-bot-{name}"))["QueueUrl"]
    return {"service": "sqs", "operation": "DeleteQueue", "parameters": {"QueueUrl": url}}


PLAYS = {
    play.__name__: play
    for play in (
        nobody_decides_in_time,
        approve_and_execute,
        people_refuse,
        the_agent_takes_it_back,
        the_person_behind_it_takes_it_back,
        two_people_for_what_cannot_be_put_back,
        two_approvers_at_once,
        a_double_click,
        one_alone_in_an_emergency,
        a_delegate_decides,
        managers_decide_later,
        who_asked_does_not_decide,
        who_left_the_group_does_not_decide,
        a_token_is_of_one_person_and_one_approval,
        without_a_sign_in_nobody_is_asked,
    )
}
