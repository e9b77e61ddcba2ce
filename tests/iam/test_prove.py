"""What the prover answers, one behaviour a test; that it is right on anything is in test_soundness.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.iam import Layers, PolicyDocument, PolicyError, Principal, Request, Statement, evaluate
from sudo_mcp_guardrails.iam.facts import Facts
from sudo_mcp_guardrails.iam.prove import MAX_ACTIONS, Prover
from sudo_mcp_guardrails.iam.verdict import Verdict
from tests.iam.test_evaluate import ALL, DENY, NOTHING, doc, granted

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.verdict import Proof

OWN, OTHER = "111111111111", "222222222222"
ROLE = f"arn:aws:iam::{OWN}:role/team/worker"
SESSION = f"arn:aws:sts::{OWN}:assumed-role/worker/s"
WORKER = Principal(ROLE, session="s")
QUIET = Facts(WORKER, resource_policies="none")
"""No resource policy grants anything: what is proved is the principal's own policies."""
WORST = Facts(WORKER)
PROVED, WITNESS, NOT_PROVED = Verdict.PROVED, Verdict.WITNESS, Verdict.NOT_PROVED
LETTERS = "abcdefghijklmno"


def step(*actions: str, on: str | tuple[str, ...] = "*", conditions: Any = (), **more: Any) -> Statement:
    """Return a question."""
    resources = () if "not_resources" in more else (on,) if isinstance(on, str) else on
    return Statement("Ask", "Allow", actions=actions, resources=resources, conditions=conditions, **more)


def prove(*steps: Statement, facts: Facts = QUIET, changing: bool = False, **layers: Any) -> Proof:
    """Prove, and replay a witness as the prover says it has done."""
    existing = Layers(**layers)
    proof = Prover(existing, facts).prove(steps, changing=changing)
    assert bool(proof.requests) is (proof.verdict is WITNESS)
    assert proof.reason
    if proof.verdict is WITNESS and facts.resource_policies == "none":
        assert len(proof.requests) == len(steps)
        assert all(evaluate(request, existing).allowed for request in proof.requests)
    return proof


def key(proof: Proof, name: str) -> tuple[str, ...] | None:
    """Return what a witness has for a context key."""
    return proof.requests[0].keys.get(name.lower())


DELETE = step("s3:DeleteBucket")
GET = step("s3:GetObject")


class TestClosed:
    @pytest.mark.parametrize(
        "layer", ["identity", "boundary", "session", "scps", "scope_down", "vpc_endpoint", "resource"]
    )
    def test_an_unconditional_deny_is_named(self, layer: str) -> None:
        values: dict[str, Any] = {
            "identity": (ALL, DENY),
            "boundary": DENY,
            "session": (DENY,),
            "scps": ((ALL,), (ALL, DENY)),
            "scope_down": (ALL, DENY),
            "vpc_endpoint": DENY,
            "resource": doc("deny", {"Effect": "Deny", "Principal": "*"}),
        }
        proof = prove(DELETE, **{"identity": (ALL,), layer: values[layer]})
        named = {"scps": "scp", "scope_down": "scope-down", "vpc_endpoint": "vpc-endpoint"}.get(layer, layer)
        assert (proof.verdict, proof.statements) == (PROVED, ((named, "deny0"),))
        assert proof.reason == f"s3:DeleteBucket is denied by {named}:deny0"

    @pytest.mark.parametrize(
        ("layers", "lacking"),
        [
            ({"identity": ()}, "identity"),
            ({"boundary": NOTHING}, "boundary"),
            ({"session": ()}, "session"),
            ({"scps": ((ALL,), (NOTHING,))}, "scp level 1"),
            ({"scope_down": (ALL, NOTHING)}, "scope-down policy 1"),
            ({"vpc_endpoint": NOTHING}, "vpc-endpoint"),
            ({"rcps": ((NOTHING,),)}, "rcp level 0"),
        ],
    )
    def test_without_an_allow_the_layer_is_named(self, layers: dict[str, Any], lacking: str) -> None:
        proof = prove(DELETE, **{"identity": (ALL,), **layers})
        assert (proof.verdict, proof.statements) == (PROVED, ())
        assert proof.reason == f"nothing in {lacking} allows s3:DeleteBucket"

    def test_denies_that_close_it_together_are_all_named(self) -> None:
        near, far = ({"Effect": "Deny", e: "arn:aws:s3:::a*"} for e in ("Resource", "NotResource"))
        proof = prove(DELETE, identity=(ALL,), boundary=doc("b", {}, near), scps=((ALL, doc("s", far)),))
        assert proof.verdict is PROVED
        assert set(proof.statements) == {("boundary", "b1"), ("scp", "s0")}
        assert proof.reason.startswith("every request is denied by one of ")

    def test_a_question_about_nothing(self) -> None:
        assert prove(step("s3:DeleteBucket", on="arn:aws:sqs:*:*:*"), identity=(ALL,)).verdict is PROVED
        contradiction = (("StringEquals", "aws:RequestTag/a", ("x",)), ("StringNotEquals", "aws:RequestTag/a", ("x",)))
        assert prove(step("s3:DeleteBucket", conditions=contradiction), identity=(ALL,)).verdict is PROVED


class TestWitness:
    def test_it_is_a_request_that_the_evaluator_allows(self) -> None:
        narrow = {
            "Resource": "arn:aws:s3:::logs-*",
            "Condition": {"StringLike": {"s3:prefix": "x?"}, "IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
        }
        proof = prove(DELETE, identity=(doc("p", {"Action": "iam:*"}, narrow),), boundary=ALL)
        [request] = proof.requests
        assert proof.verdict is WITNESS
        assert proof.statements == (("identity", "p1"),)
        assert request.resource.startswith("arn:aws:s3:::logs-")
        assert request.principal == WORKER
        assert proof.reason == f"allowed: s3:DeleteBucket on {request.resource}"
        bare = Request("s3:DeleteBucket", request.resource, WORKER)
        assert not evaluate(bare, Layers(identity=(doc("p", narrow),))).allowed

    def test_it_is_of_the_kind_that_is_asked_about(self) -> None:
        asked = step(
            "s3:GetObject",
            on="arn:aws:s3:::b/k*",
            conditions=(("StringEquals", "aws:RequestedRegion", ("eu-west-1",)),),
        )
        [request] = prove(asked, identity=(ALL,)).requests
        assert request.resource.startswith("arn:aws:s3:::b/k")
        assert request.region == "eu-west-1"

    def test_what_it_names_are_the_resources_that_the_action_knows(self) -> None:
        [request] = prove(step("sqs:SendMessage"), identity=(ALL,)).requests
        assert request.resource.startswith("arn:aws:sqs:")
        assert prove(step("s3:ListAllMyBuckets"), identity=(ALL,)).requests[0].resource == "*"

    def test_partitions(self) -> None:
        china = Facts(
            Principal("arn:aws-cn:iam::111111111111:role/r", session="s"), partition="aws-cn", resource_policies="none"
        )
        [request] = prove(step("sqs:SendMessage"), facts=china, identity=(ALL,)).requests
        assert request.resource.startswith("arn:aws-cn:sqs:")


class TestElements:
    @pytest.mark.parametrize(
        ("statement", "asked", "verdict"),
        [
            ({"NotAction": ["iam:*", "sts:*"]}, step("iam:CreateUser"), PROVED),
            ({"NotAction": ["iam:*", "sts:*"]}, DELETE, WITNESS),
            ({"Action": "S3:delete*"}, DELETE, WITNESS),
            (
                {"Resource": "arn:aws:s3:::own-*"},
                step("s3:DeleteBucket", not_resources=("arn:aws:s3:::own-*",)),
                PROVED,
            ),
            (
                {"Resource": "arn:aws:s3:::own*"},
                step("s3:DeleteBucket", not_resources=("arn:aws:s3:::own-*",)),
                WITNESS,
            ),
            ({"NotResource": "arn:aws:s3:::own-*"}, step("s3:DeleteBucket", on="arn:aws:s3:::own-?*"), PROVED),
            ({"NotResource": "arn:aws:s3:::own-*"}, step("s3:DeleteBucket", on="arn:aws:s3:::own*"), WITNESS),
            (
                {"NotResource": ["arn:aws:s3:::own-*", "arn:aws:s3:::own"]},
                step("s3:DeleteBucket", on="arn:aws:s3:::own"),
                PROVED,
            ),
            ({"Resource": "arn:aws:s3:::a/*"}, step("s3:GetObject", on="arn:aws:s3:::a*"), WITNESS),
            ({"Resource": "arn:aws:s3:::a/*"}, step("s3:GetObject", on="arn:aws:s3:::ab*"), PROVED),
            # A bucket has no slash in its name, an object's ARN has one.
            ({"Resource": "arn:aws:s3:::a/*"}, DELETE, PROVED),
            ({"Resource": "arn:aws:s3"}, DELETE, WITNESS),
        ],
    )
    def test_allow(self, statement: dict[str, Any], asked: Statement, verdict: Verdict) -> None:
        assert prove(asked, identity=(doc("p", statement),)).verdict is verdict

    @pytest.mark.parametrize(
        ("statement", "asked", "verdict"),
        [
            ({"NotAction": "s3:Get*"}, DELETE, PROVED),
            ({"NotAction": "s3:*"}, DELETE, WITNESS),
            (
                {"NotResource": "arn:aws:s3:::own-*"},
                step("s3:DeleteBucket", not_resources=("arn:aws:s3:::own-*",)),
                PROVED,
            ),
            (
                {"NotResource": "arn:aws:s3:::own-*"},
                step("s3:DeleteBucket", not_resources=("arn:aws:s3:::own-a*",)),
                WITNESS,
            ),
            ({"NotResource": "arn:aws:s3:::own-*"}, step("s3:DeleteBucket", on="arn:aws:s3:::other-*"), PROVED),
            (
                {"Resource": ["arn:aws:s3:::a*", "arn:aws:s3:::b*"]},
                step("s3:DeleteBucket", on="arn:aws:s3:::b"),
                PROVED,
            ),
            ({"Resource": "arn:aws:s3:::*"}, DELETE, PROVED),
            ({"Resource": "arn:aws:s3:::*/*"}, DELETE, WITNESS),
        ],
    )
    def test_deny(self, statement: dict[str, Any], asked: Statement, verdict: Verdict) -> None:
        boundary = doc("b", {}, {"Effect": "Deny", **statement})
        assert prove(asked, identity=(ALL,), boundary=boundary).verdict is verdict

    def test_principals_of_outer_layers(self) -> None:
        for named, verdict in ((ROLE, PROVED), (f"{ROLE}x", WITNESS)):
            endpoint = doc("e", {"Principal": "*"}, {"Effect": "Deny", "Principal": {"AWS": named}})
            assert prove(DELETE, identity=(ALL,), vpc_endpoint=endpoint).verdict is verdict

    def test_an_operator_that_iam_does_not_have(self) -> None:
        unknown = Statement("S", "Deny", actions=("*",), resources=("*",), conditions=(("StringIs", "aws:a", ("b",)),))
        with pytest.raises(PolicyError, match="'StringIs' is not known"):
            Prover(Layers(boundary=PolicyDocument("b", (unknown,))), QUIET)


def denied(*conditions: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return layers that allow everything, but under each of several conditions."""
    return {"identity": (doc("p", {}, *({"Effect": "Deny", "Condition": c} for c in conditions)),)}


class TestConditions:
    """Deny statements that leave no request at all, or just the one that is found."""

    @pytest.mark.parametrize(
        "conditions",
        [
            ({"StringEquals": {"s3:prefix": "a"}}, {"StringNotEquals": {"s3:prefix": "a"}}),
            ({"StringEqualsIgnoreCase": {"s3:prefix": "a"}}, {"StringNotEqualsIgnoreCase": {"s3:prefix": "A"}}),
            ({"StringLike": {"s3:prefix": ["a*", "?"]}}, {"StringNotLike": {"s3:prefix": ["a*", "?"]}}),
            ({"StringLike": {"s3:prefix": "*"}}, {"Null": {"s3:prefix": "true"}}),
            ({"ArnLike": {"aws:SourceArn": "arn:*:s3:*:*:a*"}}, {"ArnNotLike": {"aws:SourceArn": "arn:*:s3:*:*:a*"}}),
            ({"NumericLessThan": {"s3:max-keys": "5"}}, {"NumericGreaterThanEqualsIfExists": {"s3:max-keys": "5"}}),
            ({"NumericEquals": {"s3:max-keys": "5"}}, {"NumericNotEquals": {"s3:max-keys": "5.0"}}),
            (
                {"DateLessThan": {"aws:TokenIssueTime": "2026-11-23T00:00:00Z"}},
                {"DateGreaterThanEquals": {"aws:TokenIssueTime": "2026-11-23T01:00:00+01:00"}},
                {"Null": {"aws:TokenIssueTime": "true"}},
            ),
            ({"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "::/0"]}}, {"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
            ({"IpAddressIfExists": {"aws:SourceIp": ["0.0.0.0/0", "::/0"]}},),
            ({"Bool": {"aws:SecureTransport": "true"}}, {"BoolIfExists": {"aws:SecureTransport": "false"}}),
            ({"Null": {"s3:prefix": "true"}}, {"Null": {"s3:prefix": "false"}}),
            ({"StringEqualsIfExists": {"s3:prefix": "a"}}, {"StringNotEqualsIfExists": {"s3:prefix": "a"}}),
            (
                {"BinaryEquals": {"s3:prefix": "YQ=="}},
                {"StringNotEquals": {"s3:prefix": "YQ=="}},
            ),
            (
                {"ForAnyValue:StringEquals": {"aws:TagKeys": "a"}},
                {"ForAllValues:StringNotEquals": {"aws:TagKeys": "a"}},
            ),
            (
                {"ForAllValues:StringEquals": {"aws:TagKeys": "a"}},
                {"ForAnyValue:StringNotEquals": {"aws:TagKeys": "a"}},
            ),
        ],
    )
    def test_what_leaves_nothing_is_proved(self, conditions: tuple[Any, ...]) -> None:
        assert prove(DELETE, **denied(*conditions)).verdict is PROVED
        # Each of them is needed: without it, something gets through.
        for missing in conditions if len(conditions) > 1 else ():
            assert prove(DELETE, **denied(*(c for c in conditions if c is not missing))).verdict is WITNESS

    @pytest.mark.parametrize(
        ("name", "conditions", "left"),
        [
            (
                "s3:prefix",
                ({"StringEquals": {"s3:prefix": "a"}}, {"StringNotEqualsIgnoreCase": {"s3:prefix": "a"}}),
                ("A",),
            ),
            ("s3:prefix", ({"StringNotLike": {"s3:prefix": "a?"}}, {"StringNotLike": {"s3:prefix": "?b"}}), ("ab",)),
            ("s3:prefix", ({"StringLike": {"s3:prefix": "*"}},), None),
            (
                "s3:prefix",
                (
                    {"StringEquals": {"s3:prefix": "a"}},
                    {"StringEqualsIfExists": {"s3:prefix": "b"}},
                    {"StringNotLike": {"s3:prefix": ""}},
                ),
                ("",),
            ),
            (
                "s3:max-keys",
                (
                    {"NumericLessThan": {"s3:max-keys": "5"}},
                    {"NumericGreaterThan": {"s3:max-keys": "5"}},
                    {"Null": {"s3:max-keys": "true"}},
                ),
                ("5",),
            ),
            (
                "s3:max-keys",
                (
                    {"NumericLessThanEquals": {"s3:max-keys": "5"}},
                    {"NumericGreaterThanEqualsIfExists": {"s3:max-keys": "6"}},
                ),
                ("5.5",),
            ),
            (
                "aws:CurrentTime",
                (
                    {"DateLessThan": {"aws:CurrentTime": "2026-11-23T00:00:00Z"}},
                    {"DateGreaterThanIfExists": {"aws:CurrentTime": "2026-11-23T00:00:00Z"}},
                ),
                ("2026-11-23T00:00:00Z",),
            ),
            (
                "aws:SourceIp",
                ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/31"}}, {"IpAddress": {"aws:SourceIp": "10.0.0.0"}}),
                ("10.0.0.1",),
            ),
            ("aws:SourceIp", ({"IpAddressIfExists": {"aws:SourceIp": "0.0.0.0/0"}},), ("::",)),
            (
                "aws:SecureTransport",
                ({"Bool": {"aws:SecureTransport": "true"}}, {"Bool": {"aws:SecureTransport": "false"}}),
                None,
            ),
            ("aws:SecureTransport", ({"BoolIfExists": {"aws:SecureTransport": "true"}},), ("false",)),
            (
                "aws:TagKeys",
                (
                    {"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}},
                    {"ForAllValues:StringNotEquals": {"aws:TagKeys": "a"}},
                ),
                ("", "a"),
            ),
            (
                "aws:TagKeys",
                (
                    {"ForAnyValue:StringLike": {"aws:TagKeys": "?*"}},
                    {"ForAllValues:StringEquals": {"aws:TagKeys": "x"}},
                ),
                ("",),
            ),
        ],
    )
    def test_what_is_left_is_found(self, name: str, conditions: tuple[Any, ...], left: tuple[str, ...] | None) -> None:
        proof = prove(DELETE, **denied(*conditions))
        assert proof.verdict is WITNESS
        found = key(proof, name)
        if name == "aws:TagKeys" and left is not None:
            assert found is not None
            assert len(found) == len(left)
            assert ("a" in found) is ("a" in left)
        else:
            assert found == left

    def test_a_tag_may_be_of_no_kind_at_all(self) -> None:
        limits = (
            {"NumericGreaterThan": {"aws:RequestTag/ttl": "5"}},
            {"NumericLessThanEquals": {"aws:RequestTag/ttl": "5"}},
        )
        assert prove(DELETE, **denied(*limits, {"Null": {"aws:RequestTag/ttl": "true"}})).verdict is WITNESS

    def test_what_a_fact_says_is_used(self) -> None:
        layers = denied({"DateLessThan": {"aws:CurrentTime": "2026-12-01T00:00:00Z"}})
        today = Facts(WORKER, known={"aws:CurrentTime": ("2026-11-23T12:00:00Z",)}, resource_policies="none")
        assert prove(DELETE, **layers).verdict is WITNESS
        assert prove(DELETE, facts=today, **layers).verdict is PROVED

    def test_alternatives_are_all_tried(self) -> None:
        layers = denied({"StringEquals": {"aws:SourceVpc": "vpc-1"}})
        for options, verdict in ((("vpc-1",), PROVED), (("vpc-1", None), WITNESS), (("vpc-1", "vpc-2"), WITNESS)):
            facts = Facts(WORKER, known={"aws:SourceVpc": options}, resource_policies="none")
            assert prove(DELETE, facts=facts, **layers).verdict is verdict

    def test_facts_about_the_principal(self) -> None:
        mine = denied({"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/team/*"}})
        others = denied({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/team/*"}})
        assert prove(DELETE, **mine).verdict is WITNESS
        assert prove(DELETE, **others).verdict is PROVED

    def test_a_second_factor_is_free_unless_stated(self) -> None:
        layers = denied({"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}})
        assert prove(DELETE, **layers).verdict is WITNESS
        without = Facts(WORKER, known={"aws:MultiFactorAuthPresent": (None, "false")}, resource_policies="none")
        assert prove(DELETE, facts=without, **layers).verdict is PROVED


class TestVariables:
    pattern = "arn:aws:s3:::b/${aws:PrincipalTag/team}/*"
    blue = Facts(Principal(ROLE, session="s", tags={"team": "blue"}), resource_policies="none")
    untagged = Facts(WORKER, known={"aws:PrincipalTag/team": (None,)}, resource_policies="none")

    def ask(self, on: str, facts: Facts, **layers: Any) -> Verdict:
        return prove(step("s3:GetObject", on=on), facts=facts, **layers).verdict

    def test_known(self) -> None:
        layers: dict[str, Any] = {"identity": (doc("p", {"Resource": self.pattern}),)}
        assert self.ask("arn:aws:s3:::b/blue/*", self.blue, **layers) is WITNESS
        assert self.ask("arn:aws:s3:::b/red/*", self.blue, **layers) is PROVED
        assert self.ask("*", self.untagged, **layers) is PROVED

    def test_a_tag_does_not_widen_a_pattern(self) -> None:
        star = Facts(Principal(ROLE, session="s", tags={"team": "*"}), resource_policies="none")
        layers: dict[str, Any] = {"identity": (doc("p", {"Resource": self.pattern}),)}
        assert self.ask("arn:aws:s3:::b/red/*", star, **layers) is PROVED

    def test_unknown_in_an_allow(self) -> None:
        layers: dict[str, Any] = {"identity": (doc("p", {"Resource": self.pattern}),)}
        proof = prove(step("s3:GetObject", on="arn:aws:s3:::b/red/*"), **layers)
        assert proof.verdict is WITNESS
        assert key(proof, "aws:PrincipalTag/team") == ("red",)
        assert self.ask("arn:aws:s3:::c/*", QUIET, **layers) is PROVED

    def test_unknown_in_a_deny_does_not_help(self) -> None:
        layers: dict[str, Any] = {
            "identity": (ALL,),
            "boundary": doc("b", {}, {"Effect": "Deny", "Resource": self.pattern}),
        }
        assert self.ask("arn:aws:s3:::b/red/*", QUIET, **layers) is WITNESS
        assert self.ask("arn:aws:s3:::b/blue/*", self.blue, **layers) is PROVED

    def test_not_resource_of_a_deny(self) -> None:
        layers: dict[str, Any] = {
            "identity": (ALL,),
            "boundary": doc("b", {}, {"Effect": "Deny", "NotResource": self.pattern}),
        }
        tagged = Facts(WORKER, known={"aws:PrincipalTag/team": ("blue", "red")}, resource_policies="none")
        assert self.ask("arn:aws:s3:::c/*", tagged, **layers) is PROVED
        assert self.ask("arn:aws:s3:::b/red/*", tagged, **layers) is WITNESS
        # Without the tag AWS does not say what holds, and the Deny is taken not to.
        assert self.ask("arn:aws:s3:::c/*", QUIET, **layers) is WITNESS
        assert self.ask("arn:aws:s3:::c/*", self.untagged, **layers) is WITNESS

    def test_defaults(self) -> None:
        pattern = "arn:aws:s3:::b/${aws:PrincipalTag/team, 'nobody'}/*"
        layers: dict[str, Any] = {"identity": (doc("p", {"Resource": pattern}),)}
        assert self.ask("arn:aws:s3:::b/nobody/*", self.untagged, **layers) is WITNESS
        assert self.ask("arn:aws:s3:::b/red/*", self.untagged, **layers) is PROVED
        assert self.ask("arn:aws:s3:::b/red/*", QUIET, **layers) is WITNESS
        assert self.ask("arn:aws:s3:::b/nobody/*", self.blue, **layers) is PROVED

    @pytest.mark.parametrize("operator", ["StringEquals", "StringLike", "StringEqualsIgnoreCase"])
    def test_in_conditions(self, operator: str) -> None:
        same = {"Condition": {operator: {"s3:prefix": "${aws:PrincipalTag/team}"}}}
        asked = step("s3:ListBucket", conditions=(("StringEquals", "s3:prefix", ("red",)),))
        layers: dict[str, Any] = {"identity": (doc("p", same),)}
        assert prove(asked, facts=self.blue, **layers).verdict is PROVED
        proof = prove(asked, **layers)
        assert proof.verdict is WITNESS
        assert key(proof, "aws:PrincipalTag/team") == ("red",)

    @pytest.mark.parametrize(
        ("pattern", "asked", "tags"),
        [
            ("arn:aws:s3:::b/${aws:PrincipalTag/a}/x", "arn:aws:s3:::b/red/x", ("red", None)),
            ("arn:aws:s3:::b/*/${aws:PrincipalTag/a}", "arn:aws:s3:::b/x/red", ("red", None)),
            ("arn:aws:s3:::b/${aws:PrincipalTag/a}-?/*", "arn:aws:s3:::b/red-1/x", ("red", None)),
            ("arn:aws:s3:::b/${*}${aws:PrincipalTag/a}", "arn:aws:s3:::b/${*}red", ("red", None)),
            ("arn:aws:s3:::b/$${aws:PrincipalTag/a}", "arn:aws:s3:::b/$red", ("red", None)),
            (
                "arn:aws:s3:::b/${aws:PrincipalTag/a}/${aws:PrincipalTag/b}",
                "arn:aws:s3:::b/red/blue",
                ("red", "blue"),
            ),
        ],
    )
    def test_what_a_variable_has_to_stand_for(self, pattern: str, asked: str, tags: tuple[str | None, ...]) -> None:
        proof = prove(step("s3:GetObject", on=asked), identity=(doc("p", {"Resource": pattern}),))
        assert proof.verdict is WITNESS
        assert [key(proof, f"aws:PrincipalTag/{n}") for n in "ab"] == [tag and (tag,) for tag in tags]

    @pytest.mark.usefixtures("no_hang")
    def test_a_pattern_of_variables_built_to_explode(self) -> None:
        tags = "*".join(f"${{aws:PrincipalTag/{n}}}a" for n in range(60))
        pattern = f"arn:aws:s3:::b/{tags}*b"
        assert self.ask("arn:aws:s3:::b/" + "a" * 900, QUIET, identity=(doc("p", {"Resource": pattern}),)) is PROVED
        assert self.ask("arn:aws:s3:::b/*", QUIET, identity=(doc("p", {"Resource": pattern}),)) is not PROVED

    def test_what_cannot_be_guessed_is_not_proved(self) -> None:
        less = {"Condition": {"NumericLessThan": {"s3:max-keys": "${aws:PrincipalTag/limit}"}}}
        proof = prove(
            step("s3:ListBucket", conditions=(("NumericEquals", "s3:max-keys", ("7",)),)), identity=(doc("p", less),)
        )
        assert proof.verdict is NOT_PROVED
        assert proof.reason.startswith("depends on a policy variable of unknown value: s3:ListBucket on ")

    @pytest.mark.parametrize(
        "statement",
        [
            {"NotResource": ["arn:aws:s3:::b/a", "arn:aws:s3:::b/${aws:PrincipalTag/t}"]},
            {"NotResource": "arn:aws:s3:::b/${aws:username}${aws:PrincipalTag/t}"},
            {"Condition": {"StringNotEquals": {"aws:RequestTag/x": ["a", "${aws:PrincipalTag/t}"]}}},
        ],
    )
    def test_a_doubt_of_the_evaluator_is_never_called_safe(self, statement: dict[str, Any]) -> None:
        layers = Layers(identity=(doc("p", statement),))
        request = Request("s3:GetObject", "arn:aws:s3:::b/a", WORKER, {"aws:RequestTag/x": "a"})
        asked = step("s3:GetObject", on=request.resource, conditions=(("StringEquals", "aws:RequestTag/x", ("a",)),))
        proved = Prover(layers, QUIET).prove([asked]).verdict is PROVED
        assert not (proved and evaluate(request, layers).allowed)


class TestSeveralSteps:
    def test_steps_that_need_different_sessions(self) -> None:
        tagged = [
            {"Action": a, "Condition": {"StringEquals": {"aws:PrincipalTag/t": t}}}
            for a, t in (("s3:GetObject", "x"), ("s3:DeleteBucket", "y"))
        ]
        layers: dict[str, Any] = {"identity": (doc("p", *tagged),)}
        assert prove(GET, **layers).verdict is WITNESS
        assert prove(DELETE, **layers).verdict is WITNESS
        assert prove(GET, DELETE, **layers).verdict is PROVED
        assert prove(DELETE, GET, **layers).verdict is PROVED

    @pytest.mark.parametrize("name", ["aws:RequestedRegion", "aws:RequestTag/t", "aws:SourceIp", "aws:CurrentTime"])
    def test_keys_of_a_request_may_differ(self, name: str) -> None:
        tagged = [
            {"Action": a, "Condition": {"StringEquals": {name: t}}}
            for a, t in (("s3:GetObject", "x"), ("s3:DeleteBucket", "y"))
        ]
        proof = prove(GET, DELETE, identity=(doc("p", *tagged),))
        assert proof.verdict is WITNESS
        assert [r.keys[name.lower()] for r in proof.requests] == [("x",), ("y",)]

    def test_one_key_of_the_session_for_all(self) -> None:
        tagged = [
            {"Action": a, "Condition": {"StringLike": {"aws:PrincipalTag/t": t}}}
            for a, t in (("s3:GetObject", "x*"), ("s3:DeleteBucket", "*y"))
        ]
        first, second = prove(GET, DELETE, identity=(doc("p", *tagged),)).requests
        assert first.keys["aws:principaltag/t"] == second.keys["aws:principaltag/t"]

    def test_one_closed_step_closes_the_path(self) -> None:
        layers: dict[str, Any] = {
            "identity": (ALL,),
            "boundary": doc("b", {}, {"Effect": "Deny", "Action": "iam:PassRole"}),
        }
        proof = prove(step("lambda:CreateFunction"), step("iam:PassRole"), **layers)
        assert (proof.verdict, proof.statements) == (PROVED, (("boundary", "b1"),))

    def test_an_undecided_step_does(self) -> None:
        open_ = doc(
            "p", {}, {"Effect": "Deny", "Action": "s3:GetObject", "Resource": [f"arn:aws:s3:::*{c}*" for c in LETTERS]}
        )
        assert prove(DELETE, GET, identity=(open_,)).verdict is NOT_PROVED
        assert (
            prove(GET, step("iam:CreateUser"), identity=(open_,), boundary=doc("b", {"Action": "s3:*"})).verdict
            is PROVED
        )

    def test_alternative_actions(self) -> None:
        either = step("iam:CreateUser", "s3:DeleteBucket")
        assert prove(either, GET, identity=(doc("p", {"Action": ["s3:Delete*", "s3:Get*"]}),)).verdict is WITNESS
        assert prove(either, GET, identity=(doc("p", {"Action": "s3:Get*"}),)).verdict is PROVED


class TestGivenResourcePolicies:
    @pytest.mark.parametrize(
        ("principal", "boundary", "identity", "verdict"),
        [
            (SESSION, NOTHING, (), WITNESS),
            (f"{SESSION}x", ALL, (), PROVED),
            (ROLE, ALL, (), WITNESS),
            (ROLE, NOTHING, (), PROVED),
            (OWN, ALL, (), PROVED),
            (OWN, ALL, (ALL,), WITNESS),
            (OWN, NOTHING, (ALL,), PROVED),
            (OTHER, ALL, (ALL,), WITNESS),
            ("*", NOTHING, (), WITNESS),
        ],
    )
    def test_own_account(self, principal: str, boundary: Any, identity: Any, verdict: Verdict) -> None:
        on = f"arn:aws:sqs:us-east-1:{OWN}:q"
        layers: dict[str, Any] = {"identity": identity, "boundary": boundary, "resource": granted({"AWS": principal})}
        assert prove(step("sqs:SendMessage", on=on), **layers).verdict is verdict

    @pytest.mark.parametrize(
        ("principal", "boundary", "identity", "verdict"),
        [
            (SESSION, ALL, (), PROVED),
            (SESSION, NOTHING, (ALL,), PROVED),
            (SESSION, ALL, (ALL,), WITNESS),
            (OWN, ALL, (ALL,), WITNESS),
            (OTHER, ALL, (ALL,), PROVED),
        ],
    )
    def test_other_account(self, principal: str, boundary: Any, identity: Any, verdict: Verdict) -> None:
        on = f"arn:aws:sqs:us-east-1:{OTHER}:q"
        layers: dict[str, Any] = {"identity": identity, "boundary": boundary, "resource": granted({"AWS": principal})}
        assert prove(step("sqs:SendMessage", on=on), **layers).verdict is verdict

    def test_its_deny(self) -> None:
        policy = doc("r", {"Principal": "*"}, {"Effect": "Deny", "Principal": {"AWS": ROLE}, "Action": "s3:Delete*"})
        proof = prove(DELETE, identity=(ALL,), resource=policy)
        assert (proof.verdict, proof.statements) == (PROVED, (("resource", "r1"),))
        assert prove(GET, identity=(ALL,), resource=policy).verdict is WITNESS

    def test_a_deny_for_all_but_someone_with_a_boundary(self) -> None:
        policy = doc("r", {"Effect": "Deny", "NotPrincipal": {"AWS": [ROLE, SESSION]}})
        assert prove(DELETE, identity=(ALL,), resource=policy).verdict is WITNESS
        assert prove(DELETE, identity=(ALL,), boundary=ALL, resource=policy).verdict is PROVED

    def test_what_needs_its_own_policy(self) -> None:
        assume = step("sts:AssumeRole", on=f"arn:aws:iam::{OWN}:role/x")
        decrypt = step("kms:Decrypt", on=f"arn:aws:kms:us-east-1:{OWN}:key/*")
        for asked in assume, decrypt:
            assert prove(asked, identity=(ALL,), resource=granted({"AWS": OTHER})).verdict is PROVED
            assert prove(asked, identity=(ALL,), resource=granted({"AWS": OWN})).verdict is WITNESS
            assert prove(asked, resource=granted({"AWS": ROLE})).verdict is WITNESS


class TestAssumedResourcePolicies:
    def test_the_worst_names_the_session(self) -> None:
        proof = prove(DELETE, facts=WORST, boundary=NOTHING)
        assert proof.verdict is WITNESS
        assert proof.statements == (("resource", "AssumedResourcePolicy"),)
        assert prove(DELETE, boundary=NOTHING).verdict is PROVED

    def test_it_passes_no_deny_and_no_outer_layer(self) -> None:
        assert prove(DELETE, facts=WORST, boundary=DENY).verdict is PROVED
        assert prove(DELETE, facts=WORST, identity=(DENY,)).verdict is PROVED
        assert prove(DELETE, facts=WORST, scps=((NOTHING,),)).verdict is PROVED
        assert prove(DELETE, facts=WORST, scope_down=(NOTHING,)).verdict is PROVED

    @pytest.mark.parametrize("action", ["ec2:TerminateInstances", "iam:CreateUser", "s3:ListAllMyBuckets"])
    def test_where_there_is_no_resource_with_a_policy(self, action: str) -> None:
        assert prove(step(action), facts=WORST, boundary=NOTHING, identity=(ALL,)).verdict is PROVED
        assert prove(step(action), facts=WORST, identity=(ALL,)).verdict is WITNESS

    def test_the_other_account_allows(self) -> None:
        there = step("sqs:SendMessage", on=f"arn:aws:sqs:*:{OTHER}:*")
        proof = prove(there, facts=WORST, identity=(ALL,))
        assert (proof.verdict, proof.requests[0].owner) == (WITNESS, OTHER)
        assert prove(there, facts=WORST).verdict is PROVED
        assert prove(there, identity=(ALL,)).verdict is PROVED

    def test_a_deny_of_other_accounts(self) -> None:
        condition = {"StringNotEquals": {"aws:ResourceAccount": OWN}}
        layers = denied(condition)
        there = step("sqs:SendMessage", on=f"arn:aws:sqs:*:{OTHER}:*")
        here = step("sqs:SendMessage", on=f"arn:aws:sqs:*:{OWN}:*")
        assert prove(there, facts=WORST, **layers).verdict is PROVED
        assert prove(here, facts=WORST, **layers).verdict is WITNESS

    def test_the_owner_of_a_bucket_is_not_in_its_arn(self) -> None:
        foreign = step("s3:DeleteBucket", conditions=(("StringEquals", "aws:ResourceAccount", (OTHER,)),))
        proof = prove(foreign, facts=WORST, identity=(ALL,))
        assert (proof.verdict, proof.requests[0].resource_account) == (WITNESS, OTHER)
        limited = doc("p", {"Condition": {"StringEquals": {"s3:ResourceAccount": OWN}}})
        assert prove(foreign, facts=WORST, identity=(limited,)).verdict is PROVED


class TestWhoAsks:
    def test_the_root_user_needs_no_identity_policy(self) -> None:
        root = Facts(Principal(f"arn:aws:iam::{OWN}:root"), resource_policies="none")
        assert prove(DELETE, facts=root).verdict is WITNESS
        assert prove(DELETE, facts=root, scps=((NOTHING,),)).verdict is PROVED

    def test_a_service_linked_role_is_under_no_scp(self) -> None:
        arn = f"arn:aws:iam::{OWN}:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX"
        linked = Facts(Principal(arn, session="s"), resource_policies="none")
        assert prove(DELETE, facts=linked, identity=(ALL,), scps=((DENY,),), rcps=((DENY,),)).verdict is WITNESS
        assert prove(DELETE, identity=(ALL,), scps=((ALL, DENY),)).verdict is PROVED

    def test_a_user(self) -> None:
        user = Facts(Principal(f"arn:aws:iam::{OWN}:user/ann"), resource_policies="none")
        own = {"Resource": "arn:aws:iam::*:user/${aws:username}"}
        mine, other = (step("iam:CreateAccessKey", on=f"arn:aws:iam::{OWN}:user/{name}") for name in ("ann", "bob"))
        assert prove(mine, facts=user, identity=(doc("p", own),)).verdict is WITNESS
        assert prove(other, facts=user, identity=(doc("p", own),)).verdict is PROVED

    def test_who_may_ask_who_they_are(self) -> None:
        assert prove(step("sts:GetCallerIdentity"), scps=((DENY,),), identity=(DENY,)).verdict is WITNESS

    def test_rcps_are_for_the_services_that_support_them(self) -> None:
        terminate = step("ec2:TerminateInstances")
        assert prove(DELETE, identity=(ALL,), rcps=((ALL, DENY),)).verdict is PROVED
        assert prove(terminate, identity=(ALL,), rcps=((ALL, DENY),)).verdict is WITNESS
        assert prove(step("s3:*", "sqs:*"), identity=(ALL,), rcps=((ALL, DENY),)).verdict is PROVED


class TestManyActions:
    def test_a_wildcard_is_any_action_that_it_covers(self) -> None:
        layers: dict[str, Any] = {"identity": (doc("p", {"Action": ["iam:CreateUser", "s3:*"]}),)}
        proof = prove(step("iam:Create*"), **layers)
        assert (proof.verdict, proof.requests[0].action) == (WITNESS, "iam:CreateUser")
        assert prove(step("iam:Delete*"), **layers).verdict is PROVED
        buckets = doc("p", {"Resource": "arn:aws:s3:::*"})
        assert prove(step("s3:*", "sqs:*", not_resources=("arn:aws:s3:::*",)), identity=(buckets,)).verdict is PROVED

    def test_not_action(self) -> None:
        layers: dict[str, Any] = {"identity": (doc("p", {"Action": "s3:*"}),)}
        assert prove(step(not_actions=("s3:*", "sts:*")), **layers).verdict is PROVED
        assert prove(step(not_actions=("s3:Get*", "sts:*")), **layers).verdict is WITNESS
        # Who one is, everybody may ask.
        assert prove(step(not_actions=("s3:*",)), **layers).requests[0].action == "sts:GetCallerIdentity"

    def test_only_what_changes_something(self) -> None:
        reader: dict[str, Any] = {"identity": (doc("p", {"Action": ["s3:Get*", "s3:List*", "ec2:Describe*"]}),)}
        for asked in step("*"), step("s3:*"), step(not_actions=("iam:PassRole",)):
            assert prove(asked, **reader).verdict is WITNESS
            assert prove(asked, changing=True, **reader).verdict is PROVED
        writer: dict[str, Any] = {"identity": (doc("p", {"Action": ["s3:Get*", "s3:DeleteBucket"]}),)}
        assert prove(step("*"), changing=True, **writer).requests[0].action == "s3:DeleteBucket"

    def test_it_is_about_the_resources_that_are_asked_about(self) -> None:
        layers: dict[str, Any] = {
            "identity": (
                doc("p", {"Action": ["s3:DeleteBucket", "sqs:*"], "Resource": ["arn:aws:s3:::a", "arn:aws:sqs:*:*:a"]}),
            )
        }
        assert prove(step("*", on="arn:aws:s3:::a*"), **layers).requests[0].action == "s3:DeleteBucket"
        assert prove(step("*", on="arn:aws:s3:::b*"), **layers).verdict is PROVED
        assert prove(step("*", on="arn:aws:dynamodb:*:*:*"), **layers).verdict is PROVED

    def test_an_unknown_action_can_be_about_anything(self) -> None:
        unknown = step("new-service:Do")
        assert prove(unknown, identity=(doc("p", {"Action": "new-service:*"}),)).verdict is WITNESS
        assert (
            prove(unknown, identity=(doc("p", {"Action": "new-service:*", "Resource": "arn:aws:x:::y"}),)).verdict
            is WITNESS
        )
        assert prove(unknown, identity=(doc("p", {"Action": "s3:*"}),)).verdict is PROVED
        assert (
            prove(unknown, identity=(ALL,), boundary=doc("b", {}, {"Effect": "Deny", "NotAction": "s3:*"})).verdict
            is PROVED
        )

    @pytest.mark.parametrize("asked", [step("new-*", "?ew-service:*"), step(not_actions=("sts:*",))])
    @pytest.mark.parametrize("changing", [False, True])
    def test_what_an_allow_names_beyond_the_catalogue_is_not_safe(self, asked: Statement, *, changing: bool) -> None:
        by_name = prove(asked, changing=changing, identity=(doc("p", {"Action": "new-service:DeleteAll"}),))
        assert by_name.verdict is WITNESS
        by_pattern = prove(asked, changing=changing, identity=(doc("p", {"Action": "new-service:*"}),))
        assert by_pattern.verdict is NOT_PROVED


class TestCaps:
    """What is too much work is not known, and says which cap it was."""

    def test_too_many_resource_patterns(self) -> None:
        boundary = doc("b", {}, {"Effect": "Deny", "Resource": [f"arn:aws:s3:::*{c}*" for c in LETTERS]})
        proof = prove(DELETE, identity=(ALL,), boundary=boundary)
        assert proof.verdict is NOT_PROVED
        assert "patterns apart takes more than" in proof.reason

    def test_too_many_values(self) -> None:
        conditions = ({"StringLike": {"s3:prefix": [f"*{c}*" for c in LETTERS]}},)
        assert prove(DELETE, **denied(*conditions)).verdict is NOT_PROVED

    def test_too_many_values_of_a_key_with_several(self) -> None:
        proof = prove(DELETE, **denied({"ForAnyValue:StringEquals": {"aws:TagKeys": list(LETTERS)}}))
        assert proof.verdict is NOT_PROVED
        assert proof.reason.endswith("classes of them, over the cap of 10")

    def test_a_key_of_two_kinds(self) -> None:
        proof = prove(
            DELETE, **denied({"NumericLessThan": {"s3:max-keys": "5"}}, {"StringLike": {"s3:max-keys": "a*"}})
        )
        assert (proof.verdict, proof.reason) == (NOT_PROVED, "a key is compared as number and as string")

    def test_too_many_combinations_of_actions(self) -> None:
        proof = prove(step("*"), step("*"), identity=(ALL,))
        assert proof.verdict is NOT_PROVED
        assert proof.reason.endswith(f"combinations of actions are over the cap of {MAX_ACTIONS}")

    def test_too_many_combinations_of_values(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sudo_mcp_guardrails.iam.search.MAX_CHOICES", 5)
        conditions = [{"StringNotEquals": {f"aws:RequestTag/{c}": "x"}} for c in LETTERS]
        proof = prove(DELETE, **denied(*conditions, {"StringEquals": {"aws:RequestTag/a": "x"}}))
        assert (proof.verdict, proof.reason) == (NOT_PROVED, "more than 5 combinations of values")

    @pytest.mark.usefixtures("no_hang")
    def test_a_pattern_built_to_explode(self) -> None:
        boundary = doc("b", {}, {"Effect": "Deny", "Resource": ["arn:aws:s3:::" + "*a*b*c" * 60, "*a?" * 150]})
        assert prove(DELETE, identity=(ALL,), boundary=boundary).verdict in {WITNESS, NOT_PROVED}

    def test_no_witness_is_better_than_a_proof_that_was_given_up(self) -> None:
        # Of several alternatives a witness comes first, then what is not known.
        boundary = doc(
            "b", {}, {"Effect": "Deny", "Action": "s3:GetObject", "Resource": [f"arn:aws:s3:::*{c}*" for c in LETTERS]}
        )
        assert prove(step("s3:GetObject", "s3:DeleteBucket"), identity=(ALL,), boundary=boundary).verdict is WITNESS
        assert (
            prove(
                step("s3:GetObject", "iam:CreateUser"), identity=(doc("p", {"Action": "s3:*"}),), boundary=boundary
            ).verdict
            is NOT_PROVED
        )


STACKS: dict[str, dict[str, Any]] = {
    "closed": {},
    "all": {"identity": (ALL,)},
    "own": {
        "identity": (
            doc("p", {"Action": ["s3:*", "sqs:*"], "Resource": ["arn:aws:s3:::own-*", f"arn:aws:sqs:*:{OWN}:own-*"]}),
        )
    },
    "not": {
        "identity": (doc("p", {"NotAction": ["iam:*", "kms:*"]}),),
        "boundary": doc("b", {"NotAction": "s3:Delete*"}, {"Effect": "Deny", "NotResource": "arn:aws:s3:::*"}),
    },
    "keys": {
        "identity": (doc("p", {"Action": "*", "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}}),),
        "boundary": doc(
            "b",
            {},
            {
                "Effect": "Deny",
                "Action": ["ec2:*", "iam:*"],
                "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}},
            },
        ),
    },
    "levels": {
        "identity": (ALL,),
        "scps": (
            (ALL, doc("s", {"Effect": "Deny", "Action": "sts:*"})),
            (doc("t", {"Action": ["s3:*", "sts:*", "kms:*"]}),),
        ),
    },
    "resource": {"identity": (), "resource": doc("r", {"Principal": {"AWS": ROLE}, "Action": ["s3:*", "sqs:Send*"]})},
}
SAMPLE = (
    *("s3:GetObject", "s3:DeleteBucket", "s3:ListAllMyBuckets", "sqs:SendMessage", "sqs:ListQueues", "iam:CreateUser"),
    *("iam:PassRole", "kms:Decrypt", "kms:CreateKey", "sts:AssumeRole", "sts:GetCallerIdentity", "sts:TagSession"),
    *(
        "ec2:RunInstances",
        "ec2:DescribeInstances",
        "lambda:InvokeFunction",
        "dynamodb:GetItem",
        "cloudformation:CreateStack",
    ),
)


@pytest.mark.parametrize("facts", [QUIET, WORST], ids=["none", "worst"])
@pytest.mark.parametrize("stack", STACKS)
def test_all_actions_at_once_are_decided_as_one_by_one(stack: str, facts: Facts) -> None:
    prover = Prover(Layers(**STACKS[stack]), facts)
    together = prover.actions(SAMPLE)
    assert set(together) == set(SAMPLE)
    alone = {action: prover.prove([step(action)]).verdict for action in SAMPLE}
    assert {action: proof.verdict for action, proof in together.items()} == alone
    assert {request.action for proof in together.values() for request in proof.requests} == {
        action for action, verdict in alone.items() if verdict is WITNESS
    }


def test_witnesses_of_all_actions_replay() -> None:
    layers = Layers(**STACKS["keys"])
    proofs = Prover(layers, QUIET).actions(("s3:*", "ec2:*", "sqs:*"))
    allowed = [request for proof in proofs.values() for request in proof.requests]
    assert len(allowed) > 150
    assert all(evaluate(request, layers).allowed for request in allowed)
    assert not any(request.action.startswith("ec2:") for request in allowed)


ONCE_OVERLOOKED = {
    "a whole stack": ("cloudformation:DeleteStack", f"arn:aws:cloudformation:us-east-1:{OWN}:stack/app-x/abc", ""),
    "a whole stream": ("logs:DeleteLogStream", f"arn:aws:logs:us-east-1:{OWN}:log-group:g:log-stream:s", ""),
    "a document of AWS": ("ssm:SendCommand", "arn:aws:ssm:us-east-1::document/AWS-RunShellScript", ""),
    "a policy of AWS": ("iam:GetPolicy", "arn:aws:iam::aws:policy/AdministratorAccess", ""),
    "a transform": ("cloudformation:CreateChangeSet", "arn:aws:cloudformation:us-east-1:aws:transform/Serverless", ""),
    "a qualifier": ("lambda:DeleteFunction", f"arn:aws:lambda:us-east-1:{OWN}:function:f:1", ""),
    "two formats": ("apigateway:POST", "arn:aws:apigateway:us-east-1::/restapis/x/deployments", ""),
    "a star that runs on": (
        *("lambda:DeleteFunction", f"arn:aws:lambda:us-east-1:{OWN}:function:app-x", "arn:aws:*:*:function:app-*"),
    ),
    "a star over the account": (
        *("lambda:DeleteFunction", f"arn:aws:lambda:us-east-1:{OWN}:function:app-x:2"),
        "arn:aws:lambda:*:function:app-*:*",
    ),
    "a key with colons": ("s3:PutObject", "arn:aws:s3:::victim/x:own/y", "arn:aws:s3:*:*:own/*"),
    "a path with colons": (
        *("iam:CreateRole", f"arn:aws:iam::{OWN}:role/x:role/team/a", "arn:aws:iam::*:role/team/*"),
    ),
    "a shortened ARN": ("s3:ListBucket", "arn:aws:s3:::b", "arn:aws:s3"),
}
"""Requests that a first version of the prover called impossible: action, resource, and what the Allow names."""


@pytest.mark.parametrize("name", ONCE_OVERLOOKED)
def test_once_overlooked(name: str) -> None:
    action, resource, pattern = ONCE_OVERLOOKED[name]
    pattern = pattern or resource
    layers: dict[str, Any] = {"identity": (doc("p", {"Action": action, "Resource": pattern}),)}
    assert evaluate(Request(action, resource, WORKER), Layers(**layers)).allowed
    facts = Facts(WORKER)
    assert prove(step(action), facts=facts, **layers).verdict is not PROVED
    assert prove(step(action, on=resource), facts=facts, **layers).verdict is not PROVED
    apart = doc("b", {}, {"Effect": "Deny", "NotResource": pattern})
    assert prove(step(action, on=resource), facts=facts, **layers, boundary=apart).verdict is not PROVED
