"""Properties in their contexts: blocked, contained, strict, and asked of another account."""

from __future__ import annotations

import gc
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.iam import Layers, Principal, Statement, evaluate
from sudo_mcp_guardrails.iam.facts import Facts
from sudo_mcp_guardrails.iam.properties import (
    CALLED_VIA,
    CONTEXTS,
    VIA,
    Property,
    Subject,
    outside,
    prove_subject,
    prove_subjects,
)
from sudo_mcp_guardrails.iam.verdict import Verdict
from tests.iam.test_evaluate import ALL, NOTHING, doc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sudo_mcp_guardrails.iam.verdict import Proof

OWN = "111111111111"
WORKER = Principal(f"arn:aws:iam::{OWN}:role/team/worker", session="s")
PROVED, WITNESS = Verdict.PROVED, Verdict.WITNESS
BUCKETS = "arn:aws:s3:::app-*"
WORKLOADS = f"arn:aws:iam::{OWN}:role/team/workloads/*"
EXECUTION = f"arn:aws:iam::{OWN}:role/team/execution"


def step(*actions: str, on: str = "*", **more: Any) -> Statement:
    return Statement("Ask", "Allow", actions=actions, resources=(on,), **more)


def path(*steps: Statement, **more: Any) -> Property:
    return Property("escalation/x", "does it", steps, **more)


def subject(*, capability: str = "apply", own: tuple[str, ...] = (), **more: Any) -> Subject:
    """Return a role; what resource policies grant is no part of these tests."""
    layers = Layers(**{name: more.pop(name) for name in ("identity", "boundary", "scps") if name in more})
    return Subject("bot", capability, layers, Facts(WORKER, resource_policies="none"), own, **more)


def proofs(who: Subject, asked: Property) -> dict[str, Proof]:
    return {result.context: result.proof for result in prove_subject(who, [asked])}


def verdicts(who: Subject, asked: Property) -> dict[str, Verdict]:
    return {context: proof.verdict for context, proof in proofs(who, asked).items()}


DELETE = path(step("s3:DeleteBucket"))


class TestContexts:
    def guarded(self, condition: dict[str, Any]) -> Subject:
        return subject(identity=(doc("p", {}, {"Effect": "Deny", "Condition": condition}),))

    @pytest.mark.parametrize(
        ("condition", "closed"),
        [
            # A workshop publishes this one; the key's value is a service principal, so that it never denies.
            ({"StringEquals": {CALLED_VIA: "true"}}, set()),
            ({"Bool": {CALLED_VIA: "true"}}, set()),
            ({"StringEquals": {CALLED_VIA: "aws-mcp.amazonaws.com"}}, {"aws-mcp"}),
            # A server may set no name.
            ({"StringLike": {CALLED_VIA: "*-mcp.amazonaws.com"}}, {"aws-mcp"}),
            ({"StringLike": {CALLED_VIA: "*"}}, {"aws-mcp"}),
            ({"Bool": {VIA: "true"}}, {"aws-mcp", "other-mcp"}),
            # Without IfExists, what has no key at all goes through.
            ({"Bool": {VIA: "false"}}, set()),
            ({"BoolIfExists": {VIA: "false"}}, {"direct"}),
            ({"Null": {CALLED_VIA: "true"}}, {"direct"}),
            ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/team/*"}}, {"aws-mcp", "other-mcp", "direct"}),
        ],
    )
    def test_what_a_guard_closes(self, condition: dict[str, Any], closed: set[str]) -> None:
        found = proofs(self.guarded(condition), DELETE)
        assert {context for context, proof in found.items() if proof.verdict is PROVED} == closed
        assert {proof.verdict for context, proof in found.items() if context not in closed} <= {WITNESS}
        assert set(found) == {"aws-mcp", "other-mcp", "direct"}

    def test_a_witness_has_the_keys_of_its_context(self) -> None:
        found = proofs(self.guarded({"StringEquals": {CALLED_VIA: "true", VIA: "true"}}), DELETE)
        keys = {context: found[context].requests[0].keys for context in found}
        assert keys["aws-mcp"][CALLED_VIA.lower()] == ("aws-mcp.amazonaws.com",)
        assert keys["aws-mcp"][VIA.lower()] == keys["other-mcp"][VIA.lower()] == ("true",)
        assert CALLED_VIA.lower() not in keys["direct"]

    def test_one_of_the_other_servers_is_enough(self) -> None:
        known = ["eks-mcp", "ecs-mcp", "sagemaker-unified-studio-mcp"]
        named = {"StringEquals": {CALLED_VIA: [f"{name}.amazonaws.com" for name in known]}}
        assert verdicts(self.guarded(named), DELETE)["other-mcp"] is WITNESS

    def test_contexts_that_make_no_difference_are_proved_once(self) -> None:
        first, *others = proofs(subject(identity=(ALL,)), DELETE).values()
        assert all(proof is first for proof in others)
        # Both servers set this key alike; without a server it is absent.
        found = proofs(self.guarded({"Bool": {VIA: "true"}}), DELETE)
        assert found["aws-mcp"] is found["other-mcp"]
        assert found["aws-mcp"] is not found["direct"]

    def test_a_property_may_ask_about_the_keys_itself(self) -> None:
        asked = path(step("s3:DeleteBucket", conditions=(("Bool", VIA, ("true",)),)))
        found = verdicts(subject(identity=(ALL,)), asked)
        assert found == {"aws-mcp": WITNESS, "other-mcp": WITNESS, "direct": PROVED}

    def test_what_is_known_of_the_subject_stays_known(self) -> None:
        who = self.guarded({"StringEquals": {"aws:SourceVpc": "vpc-1"}, "Bool": {VIA: "true"}})
        inside = replace(who, facts=replace(who.facts, known={"aws:SourceVpc": ("vpc-1",)}))
        assert verdicts(who, DELETE)["aws-mcp"] is WITNESS
        assert verdicts(inside, DELETE) == {"aws-mcp": PROVED, "other-mcp": PROVED, "direct": WITNESS}

    def test_all_properties_in_all_contexts(self) -> None:
        asked = [replace(DELETE, id="a"), replace(DELETE, id="b")]
        results = list(prove_subject(subject(identity=(ALL,)), asked))
        assert sorted((r.property.id, r.context) for r in results) == sorted((i, c) for i in "ab" for c in CONTEXTS)


class TestContained:
    """A role that works on its own resources is held to change nothing else."""

    def working(self, *more: str, capability: str = "apply", own: tuple[str, ...] = (BUCKETS,)) -> Subject:
        identity = doc("p", {"Action": "s3:*", "Resource": [BUCKETS, *more]})
        return subject(capability=capability, own=own, identity=(identity,))

    def proof(self, who: Subject, asked: Property) -> Proof:
        return proofs(who, asked)["direct"]

    def test_work_on_its_own_is_contained(self) -> None:
        proof = self.proof(self.working(), DELETE)
        assert (proof.verdict, proof.reason.split(":")[0]) == (PROVED, "contained")

    def test_a_strict_property_allows_no_such_work(self) -> None:
        proof = self.proof(self.working(), replace(DELETE, strict=True))
        assert proof.verdict is WITNESS
        assert proof.requests[0].resource.startswith("arn:aws:s3:::app-")

    def test_anything_beyond_its_own_is_a_witness(self) -> None:
        proof = self.proof(self.working("arn:aws:s3:::apple-*"), DELETE)
        assert proof.verdict is WITNESS
        assert proof.requests[0].resource.startswith("arn:aws:s3:::apple-")

    def test_who_owns_nothing_is_not_contained(self) -> None:
        assert self.proof(self.working(own=()), DELETE).verdict is WITNESS

    @pytest.mark.parametrize("capability", ["read", "apply"])
    def test_what_is_blocked_is_said_to_be(self, capability: str) -> None:
        proof = self.proof(self.working(capability=capability), path(step("iam:CreateUser")))
        assert (proof.verdict, proof.reason) == (PROVED, "nothing in identity allows iam:CreateUser")

    def test_a_path_is_contained_where_every_change_is(self) -> None:
        both = path(step("s3:PutObject"), step("s3:DeleteBucket"))
        assert self.proof(self.working(), both).verdict is PROVED
        # Reading elsewhere is part of it and changes nothing.
        reads = doc("r", {"Action": "s3:GetObject"})
        who = self.working()
        reader = replace(who, layers=Layers(identity=(*who.layers.identity, reads)))
        assert self.proof(reader, path(step("s3:GetObject"), step("s3:DeleteBucket"))).verdict is PROVED
        assert self.proof(reader, path(step("s3:GetObject"))).verdict is WITNESS

    def test_whose_role_is_passed_counts(self) -> None:
        steps = (step("iam:PassRole"), step("lambda:CreateFunction"))
        functions = f"arn:aws:lambda:*:{OWN}:function:app-*"
        own = (functions, WORKLOADS)

        def passing(*roles: str) -> Verdict:
            allowed = ({"Action": "iam:PassRole", "Resource": [*roles]}, {"Action": "lambda:*", "Resource": functions})
            who = subject(own=own, passable=(EXECUTION,), identity=(doc("p", *allowed),))
            return self.proof(who, path(*steps)).verdict

        assert passing(WORKLOADS) is PROVED
        assert passing(WORKLOADS, EXECUTION) is PROVED
        assert passing(f"{EXECUTION}*") is WITNESS
        assert passing(f"arn:aws:iam::{OWN}:role/team/*") is WITNESS

    def test_what_may_be_passed_is_not_its_own(self) -> None:
        identity = doc("p", {"Action": "iam:UpdateAssumeRolePolicy", "Resource": [WORKLOADS, EXECUTION]})
        who = subject(own=(WORKLOADS,), passable=(EXECUTION,), identity=(identity,))
        proof = self.proof(who, path(step("iam:UpdateAssumeRolePolicy")))
        assert (proof.verdict, proof.requests[0].resource) == (WITNESS, EXECUTION)

    def test_only_changes_are_asked_about(self) -> None:
        identity = doc("p", {"Action": ["s3:Get*", "s3:List*"]}, {"Action": "s3:Put*", "Resource": BUCKETS})
        everything = Property(
            "i", "t", (Statement("A", "Allow", not_actions=("sts:*",), resources=("*",)),), changing=True
        )
        assert self.proof(subject(own=(BUCKETS,), identity=(identity,)), everything).verdict is PROVED
        assert (
            self.proof(subject(own=(BUCKETS,), identity=(identity,)), replace(everything, changing=False)).verdict
            is WITNESS
        )


class TestOutside:
    who = subject(own=(BUCKETS,), passable=(EXECUTION,))

    def beyond(self, *steps: Statement) -> list[tuple[tuple[str, ...], ...]]:
        return [tuple(s.not_resources for s in variant) for variant in outside(steps, self.who)]

    def test_each_step_that_changes_something_in_turn(self) -> None:
        read, first, second = step("s3:GetObject"), step("s3:PutObject"), step("s3:DeleteBucket")
        assert self.beyond(read, first, second) == [((), (BUCKETS,), ()), ((), (), (BUCKETS,))]

    def test_where_none_does_each_step(self) -> None:
        assert self.beyond(step("s3:GetObject"), step("s3:ListBucket")) == [((BUCKETS,), ()), ((), (BUCKETS,))]

    def test_roles_that_may_be_passed(self) -> None:
        assert self.beyond(step("iam:passrole"), step("s3:GetObject")) == [((BUCKETS, EXECUTION), ())]

    def test_what_a_step_leaves_out_itself_stays_out(self) -> None:
        assert self.beyond(step("s3:PutObject", not_resources=("arn:aws:s3:::b/*",))) == [
            (("arn:aws:s3:::b/*", BUCKETS),)
        ]

    def test_an_unknown_action_is_taken_to_change_something(self) -> None:
        assert self.beyond(step("new-service:Do"), step("s3:GetObject")) == [((BUCKETS,), ())]


class TestElsewhere:
    asked = path(step("s3:DeleteBucket"), elsewhere=True, strict=True)

    def test_the_same_policies_on_a_role_of_another_account(self) -> None:
        who = subject(identity=(ALL,), accounts=(OWN, "9" * 12))
        [proof, *_] = proofs(who, self.asked).values()
        [request] = proof.requests
        assert proof.verdict is WITNESS
        assert request.principal.arn == "arn:aws:iam::888888888888:role/team/worker"
        assert evaluate(request, who.layers).allowed

    def test_a_deny_of_other_accounts(self) -> None:
        away = {"Effect": "Deny", "Condition": {"StringNotEquals": {"aws:PrincipalAccount": OWN}}}
        who = subject(identity=(ALL,), boundary=doc("b", {}, away))
        assert set(verdicts(who, self.asked).values()) == {PROVED}
        assert set(verdicts(who, replace(self.asked, elsewhere=False)).values()) == {WITNESS}


class TestManySubjects:
    def test_each_is_asked_its_own(self) -> None:
        first, second = subject(identity=(ALL,)), subject(identity=(NOTHING,))
        results = prove_subjects([(first, [DELETE]), (second, [DELETE, replace(DELETE, id="other")])])
        assert [r.subject is first for r in results] == [True] * 3 + [False] * 6
        assert {r.proof.verdict for r in results if r.subject is second} == {PROVED}

    @pytest.mark.parametrize("was_on", [True, False])
    def test_the_collector_is_left_as_it_was(self, *, was_on: bool) -> None:
        seen = []

        def asked() -> Iterator[tuple[Subject, list[Property]]]:
            seen.append(gc.isenabled())
            yield subject(identity=(ALL,)), [DELETE]
            raise RuntimeError("stop")

        if not was_on:
            gc.disable()
        try:
            with pytest.raises(RuntimeError, match="stop"):
                prove_subjects(asked())
            after = gc.isenabled()
        finally:
            gc.enable()
        assert (seen, after) == ([False], was_on)
