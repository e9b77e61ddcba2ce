"""Delegation: somebody decides in place of another, for a while, with the other's rights and never more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.approval import codec
from sudo_mcp_guardrails.approval.bounds import check_name, check_names, check_text
from sudo_mcp_guardrails.approval.errors import DecisionError
from sudo_mcp_guardrails.approval.moments import Time, check_time, written  # noqa: TC001 - the codec reads it at run time

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.deciding.people import People

MAX_DAYS: Final = 90
"""The longest that any delegation may last."""
_DAY: Final = 86_400


@dataclass(frozen=True)
class Delegation(codec.Documented):
    """One person's word that another may decide in his place.

    Attributes:
        id: of the delegation.
        delegator: identity of who is stood in for.
        delegate: identity of who stands in.
        made_by: identity of who made it; it counts where he is the delegator himself.
        made: when.
        starts: from when it holds.
        ends: until when it holds, and no longer; there is none without an end.
        reason: such as ``on leave``.
        groups: that the delegate may act for. Default: all of the delegator's.

    Raises:
        DecisionError: it has no end, ends too late, or a value is out of bounds.
    """

    id: str
    delegator: str
    delegate: str
    made_by: str
    made: Time
    starts: Time
    ends: Time
    reason: str
    groups: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Validate."""
        for name in ("id", "delegator", "delegate", "made_by"):
            check_name(f"delegation's {name}", getattr(self, name))
        for name in ("made", "starts", "ends"):
            check_time(f"delegation's {name}", getattr(self, name))
        check_text("delegation's reason", self.reason, empty=False)
        check_names("delegation's groups", self.groups)
        if not self.starts < self.ends <= self.starts + MAX_DAYS * _DAY:
            raise DecisionError(
                f"delegation {self.id!r} ends {written(self.ends)}, allowed: up to {MAX_DAYS} days after "
                f"{written(self.starts)}"
            )

    @classmethod
    def from_document(cls, document: object) -> Delegation:
        """Read it from JSON; raises DecisionError."""
        return codec.read(cls, document, "delegation")


@dataclass(frozen=True)
class Proxy:
    """A delegation at work.

    Attributes:
        delegation: as it stood when the decision came in.
        groups: the delegator was in at that moment, by himself. A delegation lends these and nothing that somebody
            lent the delegator, so that none can be passed on.
    """

    delegation: Delegation
    groups: tuple[str, ...]

    def __post_init__(self) -> None:
        """Validate; raises DecisionError."""
        check_names("delegator's groups", self.groups)


@dataclass(frozen=True)
class DelegationRules:
    """What delegations a policy takes.

    Attributes:
        allowed: whether any.
        max_days: the longest, up to 90.

    Raises:
        DecisionError: the number is out of bounds.
    """

    allowed: bool = True
    max_days: int = 30

    def __post_init__(self) -> None:
        """Validate."""
        if not 1 <= self.max_days <= MAX_DAYS:
            raise DecisionError(f"delegations of {self.max_days} days are not allowed, allowed are 1 to {MAX_DAYS}")


def lent(proxy: Proxy, approver: str, time: int, rules: DelegationRules, people: People) -> tuple[str, tuple[str, ...]]:
    """Return the person who is stood in for, and the groups that the approver may act for.

    Args:
        proxy: what the decision shows.
        approver: the person who decides, as :meth:`People.of` names him.
        time: when he decides.
        rules: the policy's.
        people: to tell who is who.

    Raises:
        DecisionError: the delegation does not hold, with the reason.
    """
    known = proxy.delegation
    if not rules.allowed:
        raise DecisionError("the policy takes no delegations")
    delegator, delegate = people.of(known.delegator), people.of(known.delegate)
    if delegator is None:
        raise DecisionError(f"delegator {known.delegator!r} is nobody that the policy knows")
    if delegate != approver:
        raise DecisionError(f"delegation {known.id!r} is {known.delegate!r}'s and not {approver!r}'s")
    if delegator == approver:
        raise DecisionError(f"delegation {known.id!r} is of {approver!r} to himself")
    if people.of(known.made_by) != delegator:
        raise DecisionError(f"delegation {known.id!r} was made by {known.made_by!r} and not by {known.delegator!r}")
    if known.ends - known.starts > rules.max_days * _DAY:
        raise DecisionError(f"delegation {known.id!r} lasts more than the {rules.max_days} days that are allowed")
    if known.made > time or not known.starts <= time < known.ends:
        raise DecisionError(
            f"delegation {known.id!r} holds from {written(known.starts)} until {written(known.ends)}, and not at "
            f"{written(time)}"
        )
    return delegator, tuple(group for group in proxy.groups if not known.groups or group in known.groups)
