"""The order of the layers, and what each may and may not do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.iam import (
    Layers,
    PolicyError,
    Principal,
    Request,
    evaluate,
    parse_document,
)

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam import (
        Decision,
        PolicyDocument,
    )

ROLE = "arn:aws:iam::111111111111:role/team/worker"
SESSION = "arn:aws:sts::111111111111:assumed-role/worker/s"
WORKER = Principal(ROLE, session="s", tags={"Team": "blue"}, source_identity="run-1")
KEY = "arn:aws:s3:::bucket/key"


def doc(name: str, *statements: dict[str, Any]) -> PolicyDocument:
    full = [
        {
            "Sid": f"{name}{i}",
            "Effect": "Allow",
            "Action": "*",
            **({"Resource": "*"} if "NotResource" not in s else {}),
            **s,
        }
        for i, s in enumerate(statements)
    ]
    for statement in full:
        if "NotAction" in statement:
            del statement["Action"]
    return parse_document({"Version": "2012-10-17", "Statement": full}, name=name)


ALL = doc("all", {})
NOTHING = doc("nothing", {"Action": "none:Nothing"})
DENY = doc("deny", {"Effect": "Deny"})


def granted(principal: Any, **more: Any) -> PolicyDocument:
    return doc("resource", {"Principal": principal, **more})


def decide(principal: Principal = WORKER, action: str = "s3:GetObject", on: str = KEY, **layers: Any) -> Decision:
    return evaluate(Request(action, on, principal), Layers(**layers))


class TestLayers:
    def test_nothing_allows_by_default(self) -> None:
        decision = decide()
        assert (decision.allowed, decision.explicit, decision.missing) == (False, False, ("identity",))
        assert str(decision) == "not allowed by identity"

    def test_identity_allows(self) -> None:
        decision = decide(identity=(NOTHING, ALL))
        assert decision.allowed
        assert decision.statements == (("identity", "all0"),)

    @pytest.mark.parametrize("layer", ["identity", "boundary", "session", "scps", "resource"])
    def test_a_deny_anywhere_decides(self, layer: str) -> None:
        deny = doc("deny", {"Effect": "Deny", "Principal": "*"}) if layer == "resource" else DENY
        value: Any = {"identity": (ALL, deny), "session": (deny,), "scps": ((ALL, deny),)}.get(layer, deny)
        decision = decide(**{"identity": (ALL,), layer: value})
        assert decision.explicit
        assert decision.statements == (("scp" if layer == "scps" else layer, "deny0"),)

    def test_all_denies_are_named(self) -> None:
        decision = decide(identity=(ALL, DENY), boundary=DENY)
        assert decision.statements == (("boundary", "deny0"), ("identity", "deny0"))
        assert str(decision) == "denied by boundary:deny0, identity:deny0"

    @pytest.mark.parametrize(
        ("layers", "missing"),
        [
            ({"boundary": NOTHING}, ("boundary",)),
            ({"session": (NOTHING,)}, ("session",)),
            ({"session": ()}, ("session",)),
            ({"scps": ((ALL,), (NOTHING,))}, ("scp level 1",)),
            ({"scps": ((),)}, ("scp level 0",)),
            ({"boundary": NOTHING, "session": (NOTHING,)}, ("boundary", "session")),
        ],
    )
    def test_every_layer_must_allow(self, layers: dict[str, Any], missing: tuple[str, ...]) -> None:
        assert decide(identity=(ALL,), **layers).missing == missing

    def test_one_policy_of_a_level_is_enough(self) -> None:
        assert decide(identity=(ALL,), scps=((NOTHING, ALL), (ALL,)), session=(NOTHING, ALL)).allowed

    def test_no_layer_grants_but_identity(self) -> None:
        assert decide(boundary=ALL, session=(ALL,), scps=((ALL,),)).missing == ("identity",)


class TestResourcePolicies:
    def test_naming_the_session_passes_boundary_and_session_policy(self) -> None:
        layers: dict[str, Any] = {"boundary": NOTHING, "session": (NOTHING,), "resource": granted({"AWS": SESSION})}
        decision = decide(**layers)
        assert decision.statements == (("resource", "resource0"),)
        assert not decide(**{**layers, "scps": ((NOTHING,),)}).allowed
        assert decide(**{**layers, "boundary": DENY}).explicit

    def test_naming_another_session_grants_nothing(self) -> None:
        assert not decide(resource=granted({"AWS": f"{SESSION}x"})).allowed

    def test_naming_the_role_passes_the_identity_policies_alone(self) -> None:
        resource = granted({"AWS": ROLE})
        assert decide(resource=resource).allowed
        assert decide(resource=resource, boundary=NOTHING).missing == ("boundary",)
        assert decide(resource=resource, session=(NOTHING,)).missing == ("session",)

    @pytest.mark.parametrize("account", ["111111111111", "arn:aws:iam::111111111111:root"])
    def test_naming_the_account_delegates(self, account: str) -> None:
        assert not decide(resource=granted({"AWS": account})).allowed
        assert decide(resource=granted({"AWS": account}), identity=(ALL,)).allowed

    def test_naming_a_user_passes_its_boundary(self) -> None:
        user = Principal("arn:aws:iam::111111111111:user/ann")
        assert decide(user, resource=granted({"AWS": user.arn}), boundary=NOTHING).allowed

    def test_other_account_needs_both_sides(self) -> None:
        there = Request("s3:GetObject", KEY, WORKER, resource_account="222222222222")
        assert evaluate(there, Layers(identity=(ALL,))).missing == ("resource",)
        assert evaluate(there, Layers(resource=granted({"AWS": SESSION}))).missing == ("identity",)
        assert evaluate(there, Layers(identity=(ALL,), resource=granted({"AWS": ROLE}))).allowed
        capped = Layers(identity=(ALL,), boundary=NOTHING, resource=granted({"AWS": SESSION}))
        assert evaluate(there, capped).missing == ("boundary",)

    def test_the_arn_says_whose_resource_it_is(self) -> None:
        assert decide(on="arn:aws:sqs:us-east-1:222222222222:q", identity=(ALL,)).missing == ("resource",)

    def test_not_principal(self) -> None:
        policy = doc("resource", {"Effect": "Deny", "NotPrincipal": {"AWS": ROLE}})
        assert decide(identity=(ALL,), resource=policy).allowed
        other = Principal("arn:aws:iam::111111111111:role/other", session="s")
        assert decide(other, identity=(ALL,), resource=policy).explicit

    def test_a_service_is_allowed_by_the_resource_alone(self) -> None:
        service = Principal("cloudformation.amazonaws.com")
        assert decide(service, resource=granted({"Service": "cloudformation.amazonaws.com"})).allowed
        assert not decide(service, resource=granted({"Service": "lambda.amazonaws.com"})).allowed
        assert not decide(service, identity=(ALL,)).allowed


class TestTrust:
    target = "arn:aws:iam::111111111111:role/target"

    @pytest.mark.parametrize("action", ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"])
    def test_the_trust_policy_must_allow_in_the_same_account_too(self, action: str) -> None:
        assert decide(action=action, on=self.target, identity=(ALL,)).missing == ("resource",)
        root = granted({"AWS": "arn:aws:iam::111111111111:root"})
        assert decide(action=action, on=self.target, identity=(ALL,), resource=root).allowed

    def test_trust_of_the_account_needs_permission(self) -> None:
        root = granted({"AWS": "111111111111"})
        assert evaluate(Request("sts:AssumeRole", self.target, WORKER), Layers(resource=root)).missing == ("identity",)

    def test_conditions_of_a_trust_policy(self) -> None:
        trust = granted({"AWS": ROLE}, Condition={"StringLike": {"sts:SourceIdentity": "run-*"}})
        plain = Request("sts:AssumeRole", self.target, WORKER)
        marked = Request("sts:AssumeRole", self.target, WORKER, {"sts:SourceIdentity": "run-1"})
        assert not evaluate(plain, Layers(identity=(ALL,), resource=trust)).allowed
        assert evaluate(marked, Layers(identity=(ALL,), resource=trust)).allowed

    def test_nobody(self) -> None:
        nobody = doc("trust", {"Effect": "Deny", "Principal": "*", "Action": "sts:*"})
        assert evaluate(
            Request("sts:AssumeRole", self.target, WORKER), Layers(identity=(ALL,), resource=nobody)
        ).explicit


def test_get_caller_identity_cannot_be_denied() -> None:
    decision = decide(action="sts:GetCallerIdentity", on="*", identity=(DENY,), boundary=DENY, scps=((DENY,),))
    assert decision.allowed
    assert str(decision) == "allowed without permission"


class TestStatements:
    @pytest.mark.parametrize(
        ("statement", "action", "resource", "expected"),
        [
            ({"NotAction": "s3:*"}, "s3:GetObject", KEY, False),
            ({"NotAction": ["iam:*", "sts:*"]}, "s3:GetObject", KEY, True),
            ({"NotResource": "arn:aws:s3:::bucket/*"}, "s3:GetObject", KEY, False),
            ({"NotResource": "arn:aws:s3:::other/*"}, "s3:GetObject", KEY, True),
            ({"Resource": ["arn:aws:s3:::other/*", "arn:aws:s3:::bucket/?ey"]}, "s3:GetObject", KEY, True),
            ({"Resource": "arn:aws:s3:::BUCKET/*"}, "s3:GetObject", KEY, False),
            ({"Action": "S3:getobject"}, "s3:GetObject", KEY, True),
            (
                {"Resource": "arn:aws:s3:::bucket/${aws:PrincipalTag/team}"},
                "s3:GetObject",
                "arn:aws:s3:::bucket/blue",
                True,
            ),
            ({"Resource": "arn:aws:s3:::bucket/${aws:username}"}, "s3:GetObject", "arn:aws:s3:::bucket/", False),
        ],
    )
    def test_applies(self, statement: dict[str, Any], action: str, resource: str, *, expected: bool) -> None:
        decision = evaluate(Request(action, resource, WORKER), Layers(identity=(doc("p", statement),)))
        assert decision.allowed == expected

    @pytest.mark.parametrize(
        ("condition", "expected"),
        [
            ({"StringEquals": {"aws:PrincipalArn": ROLE}}, True),
            ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/team/*"}}, True),
            ({"StringEquals": {"aws:PrincipalAccount": "111111111111"}}, True),
            ({"StringEquals": {"aws:ResourceAccount": "222222222222"}}, False),
            ({"StringEquals": {"aws:PrincipalTag/team": "blue"}}, True),
            ({"StringEquals": {"aws:SourceIdentity": "run-1"}}, True),
            ({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}, True),
            ({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, False),
            ({"Bool": {"aws:ViaAWSMCPService": "false"}}, True),
            ({"Null": {"aws:MultiFactorAuthAge": "true"}}, True),
        ],
    )
    def test_keys_that_follow_from_the_request(self, condition: dict[str, Any], *, expected: bool) -> None:
        assert decide(identity=(doc("p", {"Condition": condition}),)).allowed == expected

    def test_second_factor(self) -> None:
        fresh = doc("p", {"Condition": {"NumericLessThan": {"aws:MultiFactorAuthAge": 3600}}})
        with_mfa = Principal(ROLE, session="s", mfa_age=60)
        assert decide(with_mfa, identity=(fresh,)).allowed
        assert not decide(Principal(ROLE, session="s", mfa_age=7200), identity=(fresh,)).allowed

    def test_unknown_operator_is_an_error_and_no_decision(self) -> None:
        with pytest.raises(PolicyError, match="'StringIs' is not known"):
            decide(identity=(doc("p", {"Condition": {"StringIs": {"aws:a": "b"}}}),))
