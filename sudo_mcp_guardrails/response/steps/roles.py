"""The three steps of a role: the policy that denies all, the boundary, and the trust policy.

IAM takes each at once and decides by it at the next request, in every session; reading what was written may lag behind
for a while (IAM user guide, "Changes that I make are not always immediately visible").
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from sudo_mcp_guardrails.iam.documents import PolicyError, minified, parse_document
from sudo_mcp_guardrails.response.errors import RecordError
from sudo_mcp_guardrails.response.steps.pages import listed
from sudo_mcp_guardrails.response.steps.step import Call

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.documents import PolicyDocument
    from sudo_mcp_guardrails.response.steps.step import State, Step


class DenyWay:
    """Attaches the policy that denies all. State: the ARNs of the attached policies, in order."""

    service = "iam"
    restorable = True

    def read(self, step: Step, client: Any) -> State:  # noqa: ANN401 - of boto3
        """Read the role's attached policies."""
        found = listed(
            client.list_attached_role_policies,
            "AttachedPolicies",
            token="Marker",  # noqa: S106 - the name of a parameter
            RoleName=step.subject,
        )
        return sorted(policy["PolicyArn"] for policy in found)

    def holds(self, step: Step, state: State) -> bool:
        """Return whether it is attached."""
        return step.wanted["policy"] in state

    def calls(self, step: Step, state: State) -> tuple[Call, ...]:
        """Return the call that attaches it."""
        del state
        return (Call("attach_role_policy", {"RoleName": step.subject, "PolicyArn": step.wanted["policy"]}),)

    def left(self, step: Step, prior: State) -> State:
        """Return the policies from before and this one."""
        return sorted({*prior, step.wanted["policy"]})

    def undo(self, step: Step, prior: State) -> tuple[Call, ...]:
        """Return the call that detaches it; no other policy is touched."""
        del prior
        return (Call("detach_role_policy", {"RoleName": step.subject, "PolicyArn": step.wanted["policy"]}),)


class BoundaryWay:
    """Swaps the boundary. State: its ARN; empty where there is none."""

    service = "iam"
    restorable = True

    def read(self, step: Step, client: Any) -> State:  # noqa: ANN401 - of boto3
        """Read the role's boundary."""
        role = client.get_role(RoleName=step.subject)["Role"]
        return (role.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn", "")

    def holds(self, step: Step, state: State) -> bool:
        """Return whether the role has the boundary that denies all."""
        return bool(state == step.wanted["boundary"])

    def calls(self, step: Step, state: State) -> tuple[Call, ...]:
        """Return the call that swaps it."""
        del state
        return (_boundary(step.subject, step.wanted["boundary"]),)

    def left(self, step: Step, prior: State) -> State:
        """Return the boundary that denies all."""
        del prior
        return step.wanted["boundary"]

    def undo(self, step: Step, prior: State) -> tuple[Call, ...]:
        """Return the call that puts the one from before back; the response role may not leave a role without any."""
        if not prior:
            return (Call("delete_role_permissions_boundary", {"RoleName": step.subject}),)
        return (_boundary(step.subject, prior),)


def _boundary(role: str, arn: str) -> Call:
    return Call("put_role_permissions_boundary", {"RoleName": role, "PermissionsBoundary": arn})


class TrustWay:
    """Replaces the trust policy. State: its JSON as text, as IAM had it."""

    service = "iam"
    restorable = True

    def read(self, step: Step, client: Any) -> State:  # noqa: ANN401 - of boto3
        """Read the role's trust policy."""
        found = client.get_role(RoleName=step.subject)["Role"].get("AssumeRolePolicyDocument")
        # boto3 parses what IAM answers; other clients hand on the text, which IAM encodes as in a URL.
        if isinstance(found, str):
            return minified(_parsed(unquote(found) if found.startswith("%7B") else found, step))
        if not isinstance(found, dict):
            raise RecordError(f"trust policy of role {step.subject!r} is a {type(found).__name__}, expected an object")
        return minified(found)

    def holds(self, step: Step, state: State) -> bool:
        """Return whether nobody can assume the role."""
        return same_policy(state, step.wanted["document"])

    def calls(self, step: Step, state: State) -> tuple[Call, ...]:
        """Return the call that closes it."""
        del state
        return (_trust(step.subject, step.wanted["document"]),)

    def left(self, step: Step, prior: State) -> State:
        """Return the trust policy that nobody passes."""
        del prior
        return step.wanted["document"]

    def undo(self, step: Step, prior: State) -> tuple[Call, ...]:
        """Return the call that puts the one from before back.

        A principal that was deleted meanwhile stands there by its id, and IAM refuses it: then a person decides.
        """
        return (_trust(step.subject, prior),)


def _trust(role: str, document: str) -> Call:
    return Call("update_assume_role_policy", {"RoleName": role, "PolicyDocument": document})


def _parsed(text: str, step: Step) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise RecordError(f"trust policy of role {step.subject!r} is not JSON, expected a policy document") from None


def same_policy(one: str, other: str) -> bool:
    """Return whether two policies say the same in the same order; IAM may write a list of one element without brackets.

    Args:
        one: JSON as text.
        other: Likewise.
    """
    documents = []
    for text in (one, other):
        try:
            documents.append(parse_document(json.loads(text), name="trust"))
        except (PolicyError, ValueError, RecursionError):  # noqa: PERF203 - two rounds
            return one == other
    first, second = (_unordered(document) for document in documents)
    return first == second


def _unordered(document: PolicyDocument) -> list[tuple[object, ...]]:
    """Return the statements with their lists as sets, since IAM sorts principals as it likes."""
    return [
        (
            *(s.sid, s.effect, frozenset(s.actions), frozenset(s.not_actions)),
            *(frozenset(s.resources), frozenset(s.not_resources)),
            *(frozenset(_named(s.principals)), frozenset(_named(s.not_principals))),
            frozenset((operator, key, frozenset(values)) for operator, key, values in s.conditions),
        )
        for s in document.statements
    ]


def _named(principals: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Return principals with ``{"AWS": "*"}`` as ``*``, which is the same in a Deny and in a trust policy."""
    return tuple(("*", "*") if pair == ("AWS", "*") else pair for pair in principals)
