"""What is known of a call when it is judged, and the judgement: the same for a live call and for a recorded one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sudo_mcp_guardrails.gateway.taint.lattice import LOCK, Origin

if TYPE_CHECKING:
    from sudo_mcp_guardrails.gateway.taint.lattice import Policy


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument's value with its origin.

    Attributes:
        path: Of the value, dotted.
        value: As compared; empty in a record.
        origin: Where it comes from.
        authority: Whether it says to whom, where or on what the tool acts.
        strange: Whether a link stands in it that is neither the intent's nor a service's.
    """

    path: str
    value: str
    origin: Origin
    authority: bool
    strange: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a call.

    Attributes:
        writes: Whether the tool changes something, by its reviewed label.
        guarded: Whether it writes or has authority arguments: else nothing is asked of it.
        intent: Whether the session has an intent or an SOP.
        tainted: Whether free text was read before it.
        in_scope: Whether the intent speaks of the tool.
        delegated: Whether the intent leaves it to other data what to do.
        follows: Whether a read follows links that the intent asks to follow, each whole as somebody wrote it.
        tied: Whether any argument is tied to the intent.
        arguments: Each value with its origin.
    """

    writes: bool
    guarded: bool
    intent: bool
    tainted: bool
    in_scope: bool = False
    delegated: bool = False
    follows: bool = False
    tied: bool = False
    arguments: tuple[Argument, ...] = ()


def judged(facts: Facts, policy: Policy) -> tuple[str, str, str] | None:
    """Return why a person is to be asked: what is wrong, the same in words, and where; None where nothing is wrong."""
    if not facts.guarded:
        return None
    policy = policy if facts.intent else LOCK
    if policy.lock and facts.tainted:
        return "locked", "results with text of others were read, and no write may follow those", ""
    if not facts.intent:
        return None
    if not facts.writes:
        return _arguments(facts, policy)
    return _scope(facts, policy) or _arguments(facts, policy) or _ties(facts, policy)


def _scope(facts: Facts, policy: Policy) -> tuple[str, str, str] | None:
    if policy.scope and facts.delegated:
        return "delegated", "the user left it to other data what to do, so a person sees each write", ""
    if policy.scope and not facts.in_scope:
        return "out-of-scope", "the user's request does not speak of this", ""
    return None


def _arguments(facts: Facts, policy: Policy) -> tuple[str, str, str] | None:
    least = policy.least
    if least is None:
        return None
    low = {each.path for each in facts.arguments if each.authority and each.origin < least}
    followed = facts.follows and not facts.writes and least <= Origin.NAMED
    if low and not followed:
        return "untrusted-argument", "the user did not say, and no trusted source gave, this", ", ".join(sorted(low))
    return None


def _ties(facts: Facts, policy: Policy) -> tuple[str, str, str] | None:
    strange = [each.path for each in facts.arguments if each.strange and not each.authority]
    if policy.links and strange:
        return "untrusted-link", "a link in this is neither the user's nor a service's", strange[0]
    if policy.bound and not facts.tied:
        return "unbound", "nothing in this call ties it to what the user asked for", ""
    return None
