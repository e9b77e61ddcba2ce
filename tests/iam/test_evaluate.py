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
from sudo_mcp_guardrails.iam.conditions import SEVERAL, SHORT_ARN, UNRESOLVED
from sudo_mcp_guardrails.iam.evaluate import KEY_POLICY_UNKNOWN
from sudo_mcp_guardrails.iam.principals import CANONICAL, EVERYBODY

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam import (
        Decision,
        PolicyDocument,
    )

ROLE = "arn:aws:iam::111111111111:role/team/worker"
SESSION = "arn:aws:sts::111111111111:assumed-role/worker/s"
WORKER = Principal(ROLE, session="s", tags={"Team": "blue"}, source_identity="run-1")
LINKED = Principal("arn:aws:iam::111111111111:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX", session="s")
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


class TestResourceControlPolicies:
    """Organizations user guide, "Resource control policies (RCPs)" and "RCP evaluation"."""

    @pytest.mark.parametrize(
        ("rcps", "missing"),
        [
            (((ALL,), (ALL,)), ()),
            (((NOTHING, ALL), (ALL,)), ()),
            (((ALL,), (NOTHING,)), ("rcp level 1",)),
            (((), (NOTHING,)), ("rcp level 0", "rcp level 1")),
        ],
    )
    def test_every_level_must_allow(self, rcps: Any, missing: tuple[str, ...]) -> None:
        assert decide(identity=(ALL,), rcps=rcps).missing == missing

    def test_a_deny_of_any_level_decides(self) -> None:
        assert decide(identity=(ALL,), rcps=((ALL,), (ALL, DENY))).statements == (("rcp", "deny0"),)

    def test_services_without_support_are_left_alone(self) -> None:
        on = "arn:aws:ec2:us-east-1:111111111111:instance/i-1"
        for rcps in ((DENY,),), ((NOTHING,),):
            assert decide(action="ec2:TerminateInstances", on=on, identity=(ALL,), rcps=rcps).allowed
            assert not decide(identity=(ALL,), rcps=rcps).allowed

    def test_no_resource_policy_passes_them(self) -> None:
        assert decide(resource=granted({"AWS": SESSION}), rcps=((NOTHING,),)).missing == ("rcp level 0",)

    def test_services_are_subject_to_them_and_service_linked_roles_are_not(self) -> None:
        # "RCPs do not restrict service-linked roles"; for services, data perimeters use aws:PrincipalIsAWSService.
        service = granted({"Service": "logs.amazonaws.com"})
        assert decide(Principal("logs.amazonaws.com"), resource=service, rcps=((ALL, DENY),)).explicit
        assert decide(LINKED, identity=(ALL,), rcps=((ALL, DENY),)).allowed

    def test_the_principal_of_an_rcp_counts(self) -> None:
        others = doc("rcp", {"Effect": "Deny", "Principal": {"AWS": "222222222222"}})
        everybody = doc("rcp", {"Effect": "Deny", "Principal": "*"})
        assert decide(identity=(ALL,), rcps=((ALL, others),)).allowed
        assert decide(identity=(ALL,), rcps=((ALL, everybody),)).explicit


class TestVpcEndpoints:
    """VPC user guide (PrivateLink), "Control access to VPC endpoints using endpoint policies"."""

    def test_it_must_allow_and_grants_nothing(self) -> None:
        assert decide(identity=(ALL,), vpc_endpoint=ALL).allowed
        assert decide(identity=(ALL,), vpc_endpoint=NOTHING).missing == ("vpc-endpoint",)
        assert decide(vpc_endpoint=ALL).missing == ("identity",)

    def test_its_deny_decides(self) -> None:
        assert decide(identity=(ALL,), vpc_endpoint=DENY).statements == (("vpc-endpoint", "deny0"),)

    def test_no_resource_policy_passes_it(self) -> None:
        assert decide(resource=granted({"AWS": SESSION}), vpc_endpoint=NOTHING).missing == ("vpc-endpoint",)

    def test_its_principal_counts(self) -> None:
        assert decide(identity=(ALL,), vpc_endpoint=granted({"AWS": ROLE})).allowed
        assert not decide(identity=(ALL,), vpc_endpoint=granted({"AWS": f"{ROLE}x"})).allowed


class TestScopeDown:
    """IAM user guide, "Permissions for GetScopedCredentials": the intersection with every policy of the chain."""

    def test_each_must_allow(self) -> None:
        assert decide(identity=(ALL,), scope_down=(ALL, ALL)).allowed
        assert decide(identity=(ALL,), scope_down=(ALL, NOTHING)).missing == ("scope-down policy 1",)
        assert len(decide(identity=(ALL,), scope_down=(NOTHING, NOTHING)).missing) == 2

    def test_a_deny_decides(self) -> None:
        assert decide(identity=(ALL,), scope_down=(ALL, DENY)).statements == (("scope-down", "deny0"),)

    def test_a_resource_policy_that_names_the_session_does_not_pass_them(self) -> None:
        layers: dict[str, Any] = {"resource": granted({"AWS": SESSION}), "session": (NOTHING,)}
        assert decide(**layers, scope_down=(ALL,)).allowed
        assert decide(**layers, scope_down=(NOTHING,)).missing == ("scope-down policy 0",)


class TestWhoIsExempt:
    def test_service_control_policies_are_not_for_services_and_service_linked_roles(self) -> None:
        # Organizations user guide, "Service control policies (SCPs)", "Tasks and entities not restricted by SCPs".
        service = granted({"Service": "logs.amazonaws.com"})
        for scps in ((DENY,),), ((NOTHING,),), ((),):
            assert decide(Principal("logs.amazonaws.com"), resource=service, scps=scps).allowed
            assert decide(LINKED, identity=(ALL,), scps=scps).allowed
            assert not decide(identity=(ALL,), scps=scps).allowed

    def test_a_role_that_only_sounds_like_one_is_not_exempt(self) -> None:
        fake = Principal("arn:aws:iam::111111111111:role/team/aws-service-role", session="s")
        assert decide(fake, identity=(ALL,), scps=((ALL, DENY),)).explicit

    def test_the_root_user_needs_no_identity_policy(self) -> None:
        # IAM user guide, "AWS account root user": SCPs and resource policies limit it, identity policies cannot.
        root = Principal("arn:aws:iam::111111111111:root")
        assert decide(root).allowed
        assert decide(root, scps=((NOTHING,),)).missing == ("scp level 0",)
        assert decide(root, resource=doc("resource", {"Effect": "Deny", "Principal": {"AWS": root.arn}})).explicit
        assert decide(root, on="arn:aws:sqs:us-east-1:222222222222:q", action="sqs:SendMessage").missing == (
            "resource",
        )
        typed = doc("p", {"Effect": "Deny", "Condition": {"StringEquals": {"aws:PrincipalType": "Account"}}})
        assert decide(root, scps=((ALL, typed),)).explicit


class TestKeys:
    """KMS developer guide, "Key policies in AWS KMS" and "Default key policy"."""

    key = "arn:aws:kms:us-east-1:111111111111:key/0"

    def test_without_a_key_policy_the_account_is_taken_to_decide(self) -> None:
        decision = decide(action="kms:Decrypt", on=self.key, identity=(ALL,))
        assert decision.allowed
        assert decision.assumptions == (KEY_POLICY_UNKNOWN,)
        assert str(decision) == f"allowed by identity:all0, assuming that {KEY_POLICY_UNKNOWN}"
        assert decide(action="kms:Decrypt", on=self.key).missing == ("identity",)

    @pytest.mark.parametrize(
        ("principal", "missing"),
        [
            ({"AWS": "111111111111"}, ()),
            ({"AWS": "arn:aws:iam::111111111111:root"}, ()),
            ({"AWS": ROLE}, ()),
            ({"AWS": f"{ROLE}x"}, ("resource",)),
            ({"AWS": "222222222222"}, ("resource",)),
        ],
    )
    @pytest.mark.parametrize("on", [key, "arn:aws:kms:us-east-1:111111111111:alias/a"])
    def test_its_policy_must_allow(self, principal: Any, missing: tuple[str, ...], on: str) -> None:
        decision = decide(action="kms:Decrypt", on=on, identity=(ALL,), resource=granted(principal))
        assert (decision.missing, decision.assumptions) == (missing, ())

    def test_a_key_policy_that_names_the_role_is_enough(self) -> None:
        assert decide(action="kms:Decrypt", on=self.key, resource=granted({"AWS": ROLE})).allowed
        assert decide(action="kms:Decrypt", on=self.key, resource=granted({"AWS": "111111111111"})).missing == (
            "identity",
        )

    def test_what_is_no_key_has_no_key_policy(self) -> None:
        decision = decide(action="kms:CreateKey", on="*", identity=(ALL,))
        assert (decision.allowed, decision.assumptions) == (True, ())


class TestNotPrincipal:
    """IAM user guide, "AWS JSON policy elements: NotPrincipal"."""

    policy = doc("resource", {"Effect": "Deny", "NotPrincipal": {"AWS": [ROLE, SESSION, "111111111111"]}})

    def test_a_deny_spares_whom_it_lists(self) -> None:
        assert decide(identity=(ALL,), resource=self.policy).allowed

    def test_a_deny_always_denies_principals_with_a_boundary(self) -> None:
        assert decide(identity=(ALL,), resource=self.policy, boundary=ALL).explicit

    def test_an_allow_grants_to_all_others(self) -> None:
        there = Request("s3:GetObject", KEY, WORKER, resource_account="222222222222")
        for named, allowed in ((ROLE, False), (f"{ROLE}x", True)):
            policy = doc("resource", {"NotPrincipal": {"AWS": named}})
            assert evaluate(there, Layers(identity=(ALL,), resource=policy)).allowed is allowed


class TestShortenedArns:
    """IAM user guide, "Identify AWS resources with ARNs": what is left out at the end of an ARN stands for ``*``."""

    queue = "arn:aws:sqs:us-east-1:111111111111:q"

    @pytest.mark.parametrize(
        ("pattern", "matches"),
        [
            ("arn:aws:sqs", True),
            ("arn:aws:sqs:us-east-1", True),
            ("arn:aws:sqs:*:111111111111", True),
            ("arn:aws:sqs:eu-*", False),
            ("arn:aws:sns", False),
            ("arn:aws:sqs:us-east-1:111111111111:", False),
            ("arn:aws:s*", True),
        ],
    )
    def test_resource(self, pattern: str, *, matches: bool) -> None:
        request = Request("sqs:SendMessage", self.queue, WORKER)
        for element in "Resource", "NotResource":
            allow = Layers(identity=(doc("p", {element: pattern}),))
            deny = Layers(identity=(ALL, doc("p", {"Effect": "Deny", element: pattern})))
            applies = matches is (element == "Resource")
            assert evaluate(request, allow).allowed is applies
            assert evaluate(request, deny).explicit is applies

    def test_a_colon_in_a_variable_is_none_of_the_arns(self) -> None:
        short = doc("p", {"Resource": "arn:aws:sqs:us-east-1:${aws:PrincipalAccount}"})
        assert evaluate(Request("sqs:SendMessage", self.queue, WORKER), Layers(identity=(short,))).allowed


class TestAssumptions:
    """Where AWS does not say what holds, the decision does, and more gets through rather than less."""

    @pytest.mark.parametrize(
        ("statement", "context", "assumption"),
        [
            ({"Condition": {"StringNotEquals": {"aws:SourceIdentity": "${aws:username}"}}}, {}, UNRESOLVED),
            ({"Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:*:iam::*:user/${aws:username}"}}}, {}, UNRESOLVED),
            ({"NotResource": "arn:aws:s3:::bucket/${aws:username}/*"}, {}, UNRESOLVED),
            ({"Condition": {"StringEquals": {"aws:RequestTag/t": "a"}}}, {"aws:RequestTag/t": ("a", "b")}, SEVERAL),
            ({"Condition": {"StringNotLike": {"aws:RequestTag/t": "a"}}}, {"aws:RequestTag/t": ("a", "b")}, SEVERAL),
            ({"Condition": {"ArnLike": {"aws:PrincipalArn": "*"}}}, {}, SHORT_ARN),
            ({"Condition": {"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam"}}}, {}, SHORT_ARN),
            ({"Condition": {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:sqs:*"}}}, {}, SHORT_ARN),
        ],
    )
    def test_doubtful_statements(self, statement: Any, context: Any, assumption: str) -> None:
        request = Request("s3:GetObject", KEY, WORKER, context)
        allow = evaluate(request, Layers(identity=(doc("p", statement),)))
        deny = evaluate(request, Layers(identity=(ALL, doc("p", {"Effect": "Deny", **statement}))))
        assert (allow.allowed, allow.assumptions) == (True, (assumption,))
        assert (deny.allowed, deny.assumptions) == (True, (assumption,))

    @pytest.mark.parametrize(
        ("operator", "key", "wanted", "value"),
        [
            ("NumericGreaterThan", "aws:RequestTag/ttl", "5", "forever"),
            ("DateLessThan", "aws:RequestTag/until", "2026-11-23", "never"),
            ("Bool", "aws:RequestTag/public", "false", "blue"),
            ("Bool", "aws:CalledViaAWSMCP", "true", "aws-mcp.amazonaws.com"),
            ("IpAddress", "aws:RequestTag/from", "10.0.0.0/8", "home"),
        ],
    )
    def test_a_value_of_another_kind_meets_no_comparison(
        self, operator: str, key: str, wanted: str, value: str
    ) -> None:
        request = Request("s3:GetObject", KEY, WORKER, {key: value})
        statement = {"Condition": {operator: {key: wanted}}}
        assert not evaluate(request, Layers(identity=(doc("p", statement),))).allowed
        assert evaluate(request, Layers(identity=(ALL, doc("p", {"Effect": "Deny", **statement})))).allowed

    def test_a_denial_says_what_it_assumed_too(self) -> None:
        statement = {"Effect": "Deny", "Condition": {"ArnLike": {"aws:PrincipalArn": "*"}}}
        decision = decide(identity=(doc("p", statement),))
        assert str(decision) == f"not allowed by identity, assuming that {SHORT_ARN}"

    def test_a_resource_policy_for_everybody(self) -> None:
        decision = decide(resource=granted("*"), boundary=NOTHING)
        assert (decision.allowed, decision.assumptions) == (True, (EVERYBODY,))
        assert decide(resource=granted({"AWS": [SESSION]}), boundary=NOTHING).assumptions == ()

    def test_a_canonical_user_id_may_be_of_the_callers_account(self) -> None:
        request = Request("s3:GetObject", KEY, WORKER, resource_account="222222222222")
        canonical = {"CanonicalUser": ["79a59df900b949e5"]}
        allowed = evaluate(request, Layers(identity=(ALL,), resource=granted(canonical)))
        assert (allowed.allowed, allowed.assumptions) == (True, (CANONICAL,))
        assert not evaluate(request, Layers(identity=(NOTHING,), resource=granted(canonical))).allowed
        deny = {"Effect": "Deny", "Principal": canonical}
        everybody = {"Effect": "Allow", "Principal": "*"}
        assert evaluate(request, Layers(identity=(ALL,), resource=doc("r", everybody, deny))).allowed

    @pytest.mark.parametrize(
        "statement",
        [
            {"Condition": {"StringNotEquals": {"aws:SourceIdentity": "${aws:PrincipalTag/team}"}}},
            # A variable without a value in what is not negated: documented to match nothing.
            {"Condition": {"StringEquals": {"aws:SourceIdentity": ["${aws:username}", "run-1"]}}},
            {"NotResource": "arn:aws:s3:::other/${aws:PrincipalTag/team}"},
            {"NotResource": "arn:aws:s3:::other/${aws:username, 'nobody'}"},
            {"Condition": {"ArnLike": {"aws:PrincipalArn": "arn:*:iam::*:*"}}},
            {"Condition": {"ForAnyValue:StringEquals": {"aws:TagKeys": "a"}}},
        ],
    )
    def test_nothing_is_assumed_where_aws_says_what_holds(self, statement: Any) -> None:
        request = Request("s3:GetObject", KEY, WORKER, {"aws:TagKeys": ("a", "b")})
        decision = evaluate(request, Layers(identity=(doc("p", statement),)))
        assert (decision.allowed, decision.assumptions) == (True, ())


class TestSeveralValues:
    """IAM user guide, "Set operators for multivalued context keys"."""

    @pytest.mark.parametrize(
        ("operator", "given", "expected"),
        [
            ("ForAnyValue:StringEquals", ("a", "x"), True),
            ("ForAnyValue:StringEquals", ("x", "y"), False),
            ("ForAnyValue:StringEquals", (), False),
            ("ForAnyValue:StringNotEquals", ("a", "x"), True),
            ("ForAnyValue:StringNotEquals", ("a", "b"), False),
            ("ForAllValues:StringEquals", ("a", "b"), True),
            ("ForAllValues:StringEquals", ("a", "x"), False),
            ("ForAllValues:StringEquals", (), True),
            ("ForAllValues:StringNotEquals", ("x", "y"), True),
            ("ForAllValues:StringNotEquals", ("x", "a"), False),
        ],
    )
    @pytest.mark.parametrize("effect", ["Allow", "Deny"])
    def test_quantifiers(self, operator: str, given: tuple[str, ...], effect: str, *, expected: bool) -> None:
        statement = doc("p", {"Effect": effect, "Condition": {operator: {"aws:TagKeys": ["a", "b"]}}})
        request = Request("s3:GetObject", KEY, WORKER, {"aws:TagKeys": given})
        decision = evaluate(request, Layers(identity=(statement, *((ALL,) if effect == "Deny" else ()))))
        assert (decision.explicit if effect == "Deny" else decision.allowed) is expected

    def test_a_key_without_values_is_absent(self) -> None:
        absent = doc("p", {"Condition": {"Null": {"aws:SourceIdentity": "true"}}})
        assert not decide(identity=(absent,)).allowed
        for key in ("aws:SourceIdentity", "AWS:sourceidentity"):
            assert evaluate(Request("s3:GetObject", KEY, WORKER, {key: ()}), Layers(identity=(absent,))).allowed
