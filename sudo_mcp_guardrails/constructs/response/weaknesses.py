"""What a kill switch lacks, as warnings with stable ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk

from sudo_mcp_guardrails.constructs.immutable_log_bucket import LockMode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

    from sudo_mcp_guardrails.constructs.response.props import Responder
    from sudo_mcp_guardrails.response.levels import Level

PEOPLE: Final = 2


def warn(
    scope: Construct,
    responders: Sequence[Responder],
    two_people_from: Level | None,
    lock_mode: LockMode,
    removal: cdk.RemovalPolicy,
    *,
    untold: bool,
) -> None:
    """Warn of what is weaker than it could be.

    Args:
        scope: The kill switch.
        responders: Who may contain and restore.
        two_people_from: The lowest level whose restoration takes two people; None where none does.
        lock_mode: Of the restore records.
        removal: What becomes of them with the stack.
        untold: Whether nobody is told of a finding that should have contained somebody and was not delivered.
    """
    people = {each.person for each in responders if each.restores and each.person}
    restores = any(each.restores for each in responders)
    found = {
        "noResponders": (not responders, "nobody may contain agents by the intake"),
        "noRestorers": (bool(responders) and not restores, "nobody may restore agents by the intake"),
        "onePerson": (two_people_from is None, "one person alone may restore what took all agents down"),
        "noSecondPerson": (
            two_people_from is not None and restores and len(people) < PEOPLE,
            f"{len(people)} IAM users restore, and two are needed: name two with Responder.iam_user(restores=True)",
        ),
        "noAlarmTopic": (untold, "nobody is told of a finding that could not contain its agent: give alarm_topic"),
        "governance": (lock_mode is not LockMode.COMPLIANCE, "who may bypass the lock can delete restore records"),
        "removal": (removal is not cdk.RemovalPolicy.RETAIN, "switch and restore records go with the stack"),
    }
    for id_, (is_so, text) in found.items():
        if is_so:
            cdk.Annotations.of(scope).add_warning_v2(f"sudo-mcp-guardrails:killSwitch.{id_}", text)
