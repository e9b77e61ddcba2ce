"""Plays in which functions fail: for good in one state, or once at every point of their work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.local.approvals.site import queue, queue_template, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local.approvals.site import Site

FOR_GOOD = {
    "Read": ("broker", "read"),
    "Classify": ("classify", "run"),
    "RecordScan": ("record", "scanned"),
    "Recheck": ("recheck", "run"),
    "Apply": ("broker", "apply"),
    "Poll": ("broker", "poll"),
    "Verify": ("broker", "verify"),
    "Record": ("record", "ended"),
    "Refused": ("record", "refused"),
}
"""The function and the operation of each state that can fail."""
STEPS = (
    ("broker", "read"),
    ("classify", "run"),
    ("record", "scanned"),
    ("recheck", "run"),
    ("broker", "apply"),
    ("broker", "verify"),
    ("record", "ended"),
)
POINTS = {
    ("broker", "read"): 3,
    ("classify", "run"): 14,
    ("record", "scanned"): 9,
    ("recheck", "run"): 10,
    ("broker", "apply"): 17,
    ("broker", "verify"): 5,
    ("record", "ended"): 12,
}
"""Calls of AWS's API that each step makes for a plan of one call, as counted by the file `calls` of `faulty.py`."""
ALL_POINTS = tuple(range(2 * max(POINTS.values()) + 2))


def fails_for_good(state: str) -> Callable[[Site], None]:
    """A play in which a state's function raises whenever it is called."""

    def play(site: Site) -> None:
        agent, name, token = site.agent(), f"failing-{state.lower()}", f"failing-{state.lower()}"
        approval = site.approval_of(agent, token)
        function, operation = FOR_GOOD[state]
        site.fault(function, operation, approval, at=0, always=True)
        if state == "Poll":
            arn = agent.change_set(f"release-bot-{name}", queue_template(name))
            proposal: dict[str, Any] = {"form": "cloudformation-change-set", "changeSet": arn}
        else:
            proposal = {"form": "api-calls", "data": [queue(name)]}
        assert agent.propose(token=token, **proposal) == approval
        if state in {"Recheck", "Apply", "Poll", "Verify", "Record", "Refused"}:
            site.waits(approval)
            site.person("alice").decide(approval, "refuse" if state == "Refused" else "approve")
        assert site.ended(approval) == "WorkflowFailed"
        assert "RecordFailure" in site.states(approval)
        chain = site.chain(approval)
        if state in {"Poll", "Verify", "Record"}:  # it began: nobody says that nothing happened
            (outcome,) = [record.body for record in chain if record.kind == "outcome"]
            assert outcome["outcome"] == "failed"
            assert "its result is not known" in outcome["detail"]
        else:
            assert "execution" not in {record.kind for record in chain}
            assert f"release-bot-{name}" not in site.queues()
            assert {"refused", "decision"} & {record.kind for record in chain}
        listed = site.client("dynamodb").get_item(
            TableName=site.outputs["Requests"], Key={"approval": {"S": approval}}, ConsistentRead=True
        )["Item"]
        assert "open" not in listed

    play.__name__ = f"fails_for_good_in_{state.lower()}"
    return play


def not_even_the_failure_is_recorded(site: Site) -> None:
    agent = site.agent()
    approval = site.approval_of(agent, "unrecorded")
    site.fault("classify", "run", approval, at=0, always=True)
    site.fault("record", "failed", approval, at=0, always=True)
    agent.calls("unrecorded", token="unrecorded")
    assert site.ended(approval) == "NotRecorded"
    (site.spec.faults / f"record.failed.{approval}").unlink()
    # What ended is seen by the rule of EventBridge too: where that comes through later, it is on record after all.


def an_answer_that_is_none(site: Site) -> None:
    agent = site.agent()
    for token, answer in (("nonsense-1", {"next": "publish"}), ("nonsense-2", {"next": "apply"})):
        approval = site.approval_of(agent, token)
        known = {"approvalDigest": "", "planDigest": "", "because": "", "notices": [], "waitSeconds": "long"}
        site.fault("classify", "run", approval, answer={**known, **answer})
        agent.calls(token, token=token)
        assert site.ended(approval) == "WorkflowFailed"
        assert "UnknownAnswer" in site.states(approval)
        assert f"release-bot-{token}" not in site.queues()


def looked_at_too_often(site: Site) -> None:
    agent = site.agent()
    approval = site.approval_of(agent, "too-often")
    opened = {"next": "calendar", "opens": "2026-01-01T00:00:00Z", "approvalDigest": "", "planDigest": ""}
    site.fault("recheck", "run", approval, answer=opened)
    agent.calls("too-often", token="too-often")
    site.waits(approval)
    site.person("alice").decide(approval)
    assert site.ended(approval, 120) == "Ended"
    states = site.states(approval)
    assert states.count("Recheck") == 200
    assert "TooManyRounds" in states
    assert "release-bot-too-often" not in site.queues()


def dies_at(point: int, *, process: bool) -> Callable[[Site], None]:
    """A play in which every function dies once, at a point of its work: 2n before its call n, 2n + 1 after it."""

    def play(site: Site) -> None:
        agent, name = site.agent(), f"dying-{point}"
        token = f"dying-{point:04}"
        approval = site.approval_of(agent, token)
        number, after = divmod(point, 2)
        ordered = [step for step in STEPS if number <= POINTS[step]]
        for function, operation in ordered:
            how = "process" if process else "error"
            site.fault(function, operation, approval, at=number, after=bool(after), how=how)
        assert agent.calls(name, token=token) == approval
        site.waits(approval)
        assert site.person("alice").decide(approval)[0] == 200
        until(lambda: site.status(approval) != "RUNNING" or _in_doubt(site, approval), 300)
        if site.status(approval) == "RUNNING":
            # For eight minutes the call may still be under way: then it ends as not known. Nobody waits for that here.
            site.client("stepfunctions").stop_execution(executionArn=site.execution(approval))
            until(lambda: "outcome" in site.kinds(approval))
        last = site.states(approval)[-1]
        kinds = site.kinds(approval)
        assert kinds.count("request") == 1
        assert max(kinds.count(kind) for kind in ("execution", "call-started", "call-ended", "outcome")) == 1
        if last == "Executed":
            assert f"release-bot-{name}" in site.queues()
        else:
            # A call that was made, and whose answer died with its caller, is never made again and never denied.
            assert "call-started" in kinds, (last, kinds)
            (outcome,) = [record.body for record in site.chain(approval) if record.kind == "outcome"]
            assert "not known" in outcome["detail"], outcome

    play.__name__ = f"dies_{'as_a_process' if process else 'by_an_error'}_at_{point}"
    return play


def _in_doubt(site: Site, approval: str) -> bool:
    """Whether a call's answer got lost: it is followed, and not made again."""
    return site.states(approval).count("Poll") > 3 and site.kinds(approval)[-1] == "call-started"


def a_view_and_a_decision_that_die(site: Site) -> None:
    """The page's function dies at each of its calls; a decision that is recorded stands, another is made again."""
    agent, alice = site.agent(), site.person("alice")
    for number in range(1, 12):
        approval = agent.calls(f"api-{number}")
        site.waits(approval)
        decision = alice.decision(approval)
        site.fault("api", "POST", approval, at=number, after=True, how="error")
        first, _ = alice.click(approval, decision)
        (site.spec.faults / f"api.POST.{approval}").unlink(missing_ok=True)
        recorded = "decision" in site.kinds(approval)
        again, body = alice.click(approval, decision)
        assert again in {200, 409}, (number, first, again, body)
        assert site.ended(approval) == "Executed"
        kinds = site.kinds(approval)
        assert kinds.count("execution") == 1
        assert kinds.count("decision") == 1 or not recorded


def an_intake_that_dies(site: Site) -> None:
    """The intake dies at each of its calls; whoever asks again with the token gets the same approval, once."""
    agent = site.agent()
    for number in range(1, 8):
        token = f"intake-{number:04}"
        approval = site.approval_of(agent, token)
        site.fault("intake", "POST", token, at=number, after=True, how="error")
        body = {"environment": "sandbox", "form": "api-calls", "data": [queue(token)], "token": token}
        agent.ask("POST", "/approvals", body)
        (site.spec.faults / f"intake.POST.{token}").unlink(missing_ok=True)
        assert agent.ask("POST", "/approvals", body)[0] == 202
        site.waits(approval)
        assert site.kinds(approval).count("request") == 1
        alice = site.person("alice")
        assert alice.decide(approval, "refuse")[0] == 200
        assert site.ended(approval) == "Ended"


PLAYS = {
    play.__name__: play
    for play in (
        looked_at_too_often,
        *(fails_for_good(state) for state in FOR_GOOD),
        dies_at(30, process=True),  # between the approved call and its record: it is followed for a while
        not_even_the_failure_is_recorded,
        an_answer_that_is_none,
    )
}
