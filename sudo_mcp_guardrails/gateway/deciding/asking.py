"""What the policies of one role say about an action: the evaluator on the very documents that are deployed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from sudo_mcp_guardrails.approval.session.keys import bound_keys, tagging
from sudo_mcp_guardrails.gateway.call import Verdict
from sudo_mcp_guardrails.iam.catalogue import READS
from sudo_mcp_guardrails.iam.evaluate import evaluate
from sudo_mcp_guardrails.iam.properties import CONTEXTS
from sudo_mcp_guardrails.iam.prove import Prover
from sudo_mcp_guardrails.iam.request import Request
from sudo_mcp_guardrails.iam.verdict import Verdict as Proved

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sudo_mcp_guardrails.gateway.meaning.actions import Needed
    from sudo_mcp_guardrails.gateway.meaning.declared import DeclaredCall
    from sudo_mcp_guardrails.iam.evaluate import Decision
    from sudo_mcp_guardrails.iam.properties import Subject

Keys = tuple[tuple[str, tuple[str, ...]], ...]
"""Condition keys of a request, beside those of the session: in order, so that answers can be kept."""
VIA: Final = ("aws-mcp", "direct")
"""How calls come to AWS: through the AWS MCP Server, or by a server that uses the SDK or the CLI itself."""
_MOST: Final = 8_192
_REGION: Final = "aws:requestedregion"
_CHANGE_SET: Final = "cloudformation:CreateChangeSet"
_PASSES: Final = "iam:PassRole"


@dataclass(frozen=True, slots=True)
class Judged:
    """What is decided about one action on one resource.

    Attributes:
        verdict: ALLOW, ASK where it cannot be told before the call runs, or DENY.
        reason: Why, in one line.
        rule: What says so, as ``layer:Sid``, or ``no Allow in LAYER``; empty where nothing in particular does.
    """

    verdict: Verdict
    reason: str
    rule: str = ""


class Role:
    """One role of an agent, to be asked often: answers are kept, at most 8,192 of them.

    Args:
        subject: The role: its policies, boundary and SCPs, as templates or exports have them.
        via: One of :data:`VIA`.
    """

    def __init__(self, subject: Subject, via: str = "aws-mcp") -> None:
        self.subject = subject
        self.via = via
        self._kept = lru_cache(maxsize=_MOST)(self._ask)

    def ask(self, need: Needed, resource: str | None, region: str, keys: Keys = ()) -> Judged:
        """Ask about an action.

        Args:
            need: The action.
            resource: What it is about; None where nobody knows, and then every resource is asked about.
            region: Where the call goes; empty for anywhere.
            keys: Condition keys that the call's parameters carry.
        """
        return self._kept(need.action, need.level, resource, region, keys)

    def _ask(self, action: str, level: str, resource: str | None, region: str, keys: Keys) -> Judged:
        known = {**CONTEXTS[self.via], **({_REGION: (region,)} if region else {})}
        known |= {key: (values,) for key, values in keys}
        facts = replace(self.subject.facts, known={**self.subject.facts.known, **known})
        if resource is None:
            proof = Prover(self.subject.layers, facts).actions([action])[action]
            if proof.verdict is Proved.PROVED:
                return Judged(Verdict.DENY, f"{action} is allowed on no resource at all", _proof(proof.statements))
            if proof.verdict is Proved.WITNESS and level in READS:
                # Whichever it is, AWS asks the same policies once more; and it only reads.
                return Judged(Verdict.ALLOW, f"{action} reads, and is allowed on some resources")
            return Judged(Verdict.ASK, f"{action}: what it is about is known only when it runs")
        decided: list[Decision] = []
        for values in product(*facts.alternatives.values()):
            context = dict(zip(facts.alternatives, values, strict=True))
            # What is asked about is one request in every context that the known keys leave.
            request = Request(action, resource, facts.principal, context, **({"region": region} if region else {}))
            decided.append(evaluate(request, self.subject.layers))
        denied = [each for each in decided if not each.allowed]
        if not denied:
            return Judged(Verdict.ALLOW, str(decided[0]), _rule(decided[0]))
        if len(denied) < len(decided):
            return Judged(Verdict.ASK, f"{action} is allowed in some contexts and not in others", _rule(denied[0]))
        return Judged(Verdict.DENY, f"{action} on {resource}: {denied[0]}", _rule(denied[0]))


def keys_of(action: str, call: DeclaredCall) -> Keys:
    """Return the condition keys that a call's parameters carry; a parameter that is not known carries none.

    Source: Service Authorization Reference, condition keys of each action.
    """
    given: Mapping[str, Any] = call.parameters
    names = bound_keys().get(action, {})
    found: dict[str, tuple[str, ...]] = {}
    if action == _CHANGE_SET:
        names = {"cloudformation:RoleArn": "RoleARN"}
    for key, name in names.items():
        value = given.get(name)
        if isinstance(value, str) and value:
            found[key] = (value,)
    if action == _PASSES:
        found["iam:PassedToService"] = (f"{call.service}.amazonaws.com",)
    tags = given.get(tagging().get(action, ""))
    if isinstance(tags, list):
        named = [(tag.get("Key"), tag.get("Value")) for tag in tags if isinstance(tag, dict)]
        told = {key: value for key, value in named if isinstance(key, str) and isinstance(value, str)}
        found |= {f"aws:RequestTag/{key}": (value,) for key, value in told.items()}
        if told:
            found["aws:TagKeys"] = tuple(sorted(told))
    return tuple(sorted(found.items()))


def about(need: Needed, call: DeclaredCall, account: str, region: str, partition: str) -> tuple[str | None, ...]:
    """Return what an action is about, one by one; None for what nobody knows.

    A change set is decided on its stack, whose ARN ends in an id that it gets when it is made.
    """
    if need.resources:
        return need.resources
    name = call.parameters.get("StackName")
    if need.action == _CHANGE_SET and isinstance(name, str) and account and region:
        return (
            name if name.startswith("arn:") else f"arn:{partition}:cloudformation:{region}:{account}:stack/{name}/new",
        )
    passed = call.parameters.get("RoleARN")
    if need.action == _PASSES and call.service == "cloudformation" and isinstance(passed, str):
        return (passed,)
    return (None,)


def _rule(decision: Decision) -> str:
    if decision.statements:
        return ", ".join(f"{layer}:{sid}" for layer, sid in decision.statements)
    return ", ".join(f"no Allow in {layer}" for layer in decision.missing)


def _proof(statements: tuple[tuple[str, str], ...]) -> str:
    return ", ".join(f"{layer}:{sid}" for layer, sid in statements)
