"""Each lint rule, on a document that keeps it and on one that does not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from docs.policies import EXAMPLE
from sudo_mcp_guardrails.iam import PolicyDocument, Statement, parse_document
from sudo_mcp_guardrails.iam.lint import RULES, Kind, Severity, guess_kind, lint
from sudo_mcp_guardrails.iam.lint_rules.elements import LIMITS
from sudo_mcp_guardrails.policies.boundary.execution import execution_boundary
from sudo_mcp_guardrails.policies.bundle import AgentPolicies
from sudo_mcp_guardrails.policies.organization.packs import agent_scps
from sudo_mcp_guardrails.policies.scope import AgentScope

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.lint import Finding

AGENT = {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/agents/*"}}
VIA = {"Bool": {"aws:ViaAWSMCPService": "true"}}
CALLED = {"StringEquals": {"aws:CalledViaAWSMCP": "aws-mcp.amazonaws.com"}}


def statement(effect: str = "Deny", **more: Any) -> dict[str, Any]:
    merged = {"Sid": "S", "Effect": effect, "Action": "s3:DeleteBucket", "Resource": "*", **more}
    return {key: value for key, value in merged.items() if value is not None}


def conditioned(effect: str, **condition: Any) -> dict[str, Any]:
    return statement(effect, Condition=condition)


def found(*statements: dict[str, Any], kind: Kind = Kind.IDENTITY, rule: str) -> list[Finding]:
    sids = [{**s, "Sid": f"{s['Sid']}{i}"} for i, s in enumerate(statements)]
    document = parse_document({"Version": "2012-10-17", "Statement": sids})
    return [finding for finding in lint(document, kind) if finding.rule == rule]


BAD: list[tuple[str, str, str, Kind, list[dict[str, Any]]]] = [
    # rule, place, part of the message, kind, statements
    ("mcp-dead-action", "Statement[0].Action", "no effect in a Deny", Kind.SCP, [statement(Action="aws-mcp:*")]),
    (
        "mcp-dead-action",
        "Statement[1].Action",
        "'aws-mcp:InvokeMcp' has no effect in an Allow",
        Kind.IDENTITY,
        [statement(), statement("Allow", Action=["s3:GetObject", "aws-mcp:InvokeMcp"])],
    ),
    (
        "mcp-dead-action",
        "Statement[0].NotAction",
        "'AWS-MCP:CallReadOnlyTool'",
        Kind.IDENTITY,
        [statement(Action=None, NotAction="AWS-MCP:CallReadOnlyTool")],
    ),
    (
        # As an AWS workshop teaches it.
        "mcp-key-value",
        "Statement[0].Condition.StringEquals.aws:CalledViaAWSMCP",
        "'true' with StringEquals never equals a value of aws:CalledViaAWSMCP",
        Kind.IDENTITY,
        [conditioned("Deny", StringEquals={"aws:CalledViaAWSMCP": "true"})],
    ),
    (
        "mcp-key-value",
        "Statement[0].Condition.Bool.aws:calledviaawsmcp",
        "a string operator",
        Kind.IDENTITY,
        [conditioned("Deny", Bool={"aws:calledviaawsmcp": "true"})],
    ),
    (
        "mcp-key-value",
        "Statement[0].Condition.StringLike.aws:CalledViaAWSMCP",
        "'*-mcp'",
        Kind.IDENTITY,
        [conditioned("Deny", StringLike={"aws:CalledViaAWSMCP": ["*-mcp", "eks-*"]})],
    ),
    (
        "mcp-key-value",
        "Statement[0].Condition.StringEquals.aws:CalledViaAWSMCP",
        "'AWS-MCP.amazonaws.com'",
        Kind.IDENTITY,
        [conditioned("Deny", StringEquals={"aws:CalledViaAWSMCP": "AWS-MCP.amazonaws.com"})],
    ),
    (
        "mcp-key-value",
        "Statement[0].Condition.StringEquals.aws:ViaAWSMCPService",
        "expected 'true' or 'false'",
        Kind.IDENTITY,
        [conditioned("Deny", StringEquals={"aws:ViaAWSMCPService": "aws-mcp.amazonaws.com"})],
    ),
    (
        "mcp-deny-without-twin",
        "Statement[0].Condition",
        "rests on aws:ViaAWSMCPService",
        Kind.SCP,
        [conditioned("Deny", **VIA)],
    ),
    (
        "mcp-deny-without-twin",
        "Statement[0].Condition",
        "rests on aws:CalledViaAWSMCP",
        Kind.SCP,
        # The twin leaves an action out.
        [
            statement(Action=["s3:DeleteBucket", "s3:DeleteObject"], Condition=CALLED),
            statement(Action="s3:DeleteB*", Condition=AGENT),
        ],
    ),
    (
        "mcp-deny-without-twin",
        "Statement[0].Condition",
        "rests on",
        Kind.SCP,
        # The twin leaves resources out.
        [statement(Condition=CALLED), statement(Resource="arn:aws:s3:::mine*", Condition=AGENT)],
    ),
    (
        "mcp-deny-without-twin",
        "Statement[0].Condition",
        "rests on",
        Kind.SCP,
        # The other one has a condition that is not on the principal.
        [
            statement(Condition=CALLED),
            statement(Condition={**AGENT, "StringEquals": {"aws:RequestedRegion": "eu-central-1"}}),
        ],
    ),
    (
        "mcp-deny-without-twin",
        "Statement[0].Condition",
        "rests on",
        Kind.SCP,
        # The other one excepts an action that this one denies.
        [statement(Condition=CALLED), statement(Action=None, NotAction="s3:Delete*", Condition=AGENT)],
    ),
    (
        "deny-false-without-if-exists",
        "Statement[0].Condition.Bool.aws:ViaAWSMCPService",
        "expected BoolIfExists",
        Kind.SCP,
        [conditioned("Deny", Bool={"aws:ViaAWSMCPService": "false"})],
    ),
    (
        "deny-false-without-if-exists",
        "Statement[0].Condition.StringEquals.aws:MultiFactorAuthPresent",
        "StringEquals 'false' does not hold for an absent key",
        Kind.IDENTITY,
        [conditioned("Deny", StringEquals={"aws:MultiFactorAuthPresent": False})],
    ),
    (
        "allow-if-exists",
        "Statement[0].Condition.BoolIfExists.aws:MultiFactorAuthPresent",
        "expected Bool",
        Kind.IDENTITY,
        [conditioned("Allow", BoolIfExists={"aws:MultiFactorAuthPresent": "true"})],
    ),
    (
        "for-all-values-without-null",
        "Statement[0].Condition.ForAllValues:StringEquals.aws:TagKeys",
        '"Null": {"aws:TagKeys": "false"}',
        Kind.IDENTITY,
        [conditioned("Allow", **{"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}})],
    ),
    (
        "for-all-values-without-null",
        "Statement[0].Condition.ForAllValues:StringEquals.aws:TagKeys",
        "holds where aws:TagKeys is absent",
        Kind.IDENTITY,
        # Null the wrong way round.
        [conditioned("Allow", Null={"aws:TagKeys": "true"}, **{"ForAllValues:StringEquals": {"aws:TagKeys": "a"}})],
    ),
    (
        "for-any-value-negated",
        "Statement[0].Condition.ForAnyValue:StringNotEquals.aws:TagKeys",
        "as soon as one value of aws:TagKeys is not listed",
        Kind.IDENTITY,
        [conditioned("Allow", **{"ForAnyValue:StringNotEquals": {"aws:TagKeys": "secret"}})],
    ),
    (
        "allow-not-action",
        "Statement[0].NotAction",
        "every action but 2 patterns",
        Kind.IDENTITY,
        [statement("Allow", Action=None, NotAction=["iam:*", "sts:*"])],
    ),
    (
        "not-principal",
        "Statement[0].NotPrincipal",
        "Deny with NotPrincipal always denies a principal that has a permissions boundary",
        Kind.RESOURCE,
        [statement("Deny", NotPrincipal={"AWS": "arn:aws:iam::111111111111:root"})],
    ),
    (
        "not-principal",
        "Statement[0].NotPrincipal",
        "AWS does not support it",
        Kind.RESOURCE,
        [statement("Allow", NotPrincipal={"AWS": "arn:aws:iam::111111111111:root"})],
    ),
    (
        "unsupported-element",
        "Statement[0].Principal",
        "kind scp takes no principal",
        Kind.SCP,
        [statement(Principal="*")],
    ),
    ("unsupported-element", "Statement[0]", "kind rcp needs a Principal", Kind.RCP, [statement()]),
    (
        "rcp-syntax",
        "Statement[0].Effect",
        "an RCP cannot Allow",
        Kind.RCP,
        [statement("Allow", Action="s3:*", Principal="*")],
    ),
    (
        "rcp-syntax",
        "Statement[0].NotAction",
        "takes no NotAction",
        Kind.RCP,
        [statement(Action=None, NotAction="s3:*", Principal="*")],
    ),
    (
        "rcp-syntax",
        "Statement[0].Principal",
        "no principal but '*'",
        Kind.RCP,
        [statement(Principal={"AWS": "111111111111"})],
    ),
    (
        "unknown-action",
        "Statement[0].Action",
        "did you mean 's3:DeleteBucket'?",
        Kind.IDENTITY,
        [statement(Action="s3:DeletBucket")],
    ),
    (
        "unknown-action",
        "Statement[0].Action",
        "has no service 'macie'",
        Kind.IDENTITY,
        [statement(Action=["s3:GetObject", "macie:*"])],
    ),
    ("unknown-action", "Statement[0].Action", "'s3:Frob*'", Kind.IDENTITY, [statement(Action="s3:Frob*")]),
    (
        "resource-never-matches",
        "Statement[0].Resource",
        "'arn:aws:dynamodb:*:*:table/x' is no resource of any action",
        Kind.IDENTITY,
        [statement(Action="s3:*", Resource=["arn:aws:s3:::x/*", "arn:aws:dynamodb:*:*:table/x"])],
    ),
    (
        # Decided on '*' alone, so that a Deny on a bucket is none.
        "resource-never-matches",
        "Statement[0].Action",
        "no effect on s3:ListAllMyBuckets: decided on '*' alone",
        Kind.SCP,
        [statement(Action=["s3:ListAllMyBuckets", "s3:DeleteBucket"], Resource="arn:aws:s3:::secret")],
    ),
    (
        "resource-never-matches",
        "Statement[0].Action",
        "no effect on s3:GetObject: decided on other resources",
        Kind.IDENTITY,
        [statement("Allow", Action=["s3:GetObject", "s3:ListBucket"], Resource="arn:aws:s3:::mine")],
    ),
    (
        "oversize",
        "",
        "over the 6144 of kind identity; the largest statements are S0",
        Kind.IDENTITY,
        [statement(Action=[f"s3:GetObject{n}" for n in range(500)])],
    ),
]

GOOD: list[tuple[str, Kind, list[dict[str, Any]]]] = [
    ("mcp-dead-action", Kind.SCP, [statement(Action=["eks-mcp:*", "*"])]),
    ("mcp-key-value", Kind.SCP, [conditioned("Deny", **CALLED)]),
    ("mcp-key-value", Kind.SCP, [conditioned("Deny", **VIA)]),
    ("mcp-key-value", Kind.SCP, [conditioned("Deny", Null={"aws:CalledViaAWSMCP": "false"})]),
    ("mcp-key-value", Kind.SCP, [conditioned("Deny", StringLike={"aws:CalledViaAWSMCP": ["*", "eks-*", "*.com"]})]),
    (
        "mcp-key-value",
        Kind.SCP,
        [conditioned("Deny", StringEqualsIgnoreCase={"aws:CalledViaAWSMCP": "ECS-MCP.amazonaws.com"})],
    ),
    ("mcp-key-value", Kind.SCP, [conditioned("Deny", StringEquals={"aws:CalledViaAWSMCP": "${aws:PrincipalTag/s}"})]),
    ("mcp-deny-without-twin", Kind.SCP, [conditioned("Deny", **CALLED), conditioned("Deny", **AGENT)]),
    ("mcp-deny-without-twin", Kind.SCP, [conditioned("Deny", **CALLED), statement()]),
    (
        "mcp-deny-without-twin",
        Kind.SCP,
        [conditioned("Deny", **CALLED), statement(Action=None, NotAction="iam:*", Condition=AGENT)],
    ),
    (
        "mcp-deny-without-twin",
        Kind.SCP,
        [
            statement(Action=None, NotAction=["iam:*", "sts:*"], Condition=CALLED),
            statement(Action=None, NotAction="iam:*", Condition={"StringEquals": {"aws:PrincipalTag/agent": "x"}}),
        ],
    ),
    # Holds for an absent key, so nobody sheds it.
    ("mcp-deny-without-twin", Kind.SCP, [conditioned("Deny", BoolIfExists={"aws:ViaAWSMCPService": "false"})]),
    ("mcp-deny-without-twin", Kind.SCP, [conditioned("Allow", **VIA)]),
    ("deny-false-without-if-exists", Kind.SCP, [conditioned("Deny", BoolIfExists={"aws:ViaAWSMCPService": "false"})]),
    (
        "deny-false-without-if-exists",
        Kind.SCP,
        [
            conditioned(
                "Deny", Bool={"aws:MultiFactorAuthPresent": "false"}, Null={"aws:MultiFactorAuthPresent": "false"}
            )
        ],
    ),
    ("deny-false-without-if-exists", Kind.SCP, [conditioned("Deny", Bool={"aws:SecureTransport": "false"})]),
    ("deny-false-without-if-exists", Kind.SCP, [conditioned("Deny", Bool={"aws:ViaAWSMCPService": "true"})]),
    ("deny-false-without-if-exists", Kind.SCP, [conditioned("Allow", Bool={"aws:ViaAWSMCPService": "false"})]),
    ("allow-if-exists", Kind.IDENTITY, [conditioned("Allow", Bool={"aws:MultiFactorAuthPresent": "true"})]),
    (
        "allow-if-exists",
        Kind.IDENTITY,
        [conditioned("Allow", BoolIfExists={"aws:ViaAWSMCPService": "true"}, Null={"aws:ViaAWSMCPService": "false"})],
    ),
    ("allow-if-exists", Kind.IDENTITY, [conditioned("Deny", BoolIfExists={"aws:ViaAWSMCPService": "true"})]),
    (
        "for-all-values-without-null",
        Kind.IDENTITY,
        [conditioned("Allow", Null={"aws:tagkeys": "false"}, **{"ForAllValues:StringLike": {"aws:TagKeys": "a*"}})],
    ),
    (
        "for-all-values-without-null",
        Kind.IDENTITY,
        [conditioned("Deny", **{"ForAllValues:StringLike": {"aws:TagKeys": "a*"}})],
    ),
    (
        "for-any-value-negated",
        Kind.IDENTITY,
        [conditioned("Deny", **{"ForAnyValue:StringNotEquals": {"aws:TagKeys": "a"}})],
    ),
    (
        "for-any-value-negated",
        Kind.IDENTITY,
        [
            conditioned(
                "Allow",
                **{
                    "ForAnyValue:StringNotEquals": {"aws:TagKeys": "a"},
                    "ForAllValues:StringNotEquals": {"aws:TagKeys": "a"},
                },
            )
        ],
    ),
    ("for-any-value-negated", Kind.IDENTITY, [conditioned("Allow", StringNotEquals={"aws:RequestedRegion": "a"})]),
    ("allow-not-action", Kind.BOUNDARY, [statement("Allow", Action=None, NotAction="iam:*")]),
    ("allow-not-action", Kind.IDENTITY, [statement("Deny", Action=None, NotAction="iam:*")]),
    ("not-principal", Kind.RESOURCE, [statement(Principal="*", Condition=AGENT)]),
    ("unsupported-element", Kind.SCP, [statement()]),
    ("unsupported-element", Kind.TRUST, [statement("Allow", Action="sts:AssumeRole", Resource=None, Principal="*")]),
    ("rcp-syntax", Kind.RCP, [statement("Allow", Action="*", Principal="*"), statement(Principal="*")]),
    ("rcp-syntax", Kind.RESOURCE, [statement("Allow", Principal={"AWS": "111111111111"})]),
    (
        "unknown-action",
        Kind.IDENTITY,
        [statement(Action=["*:*", "*", "S3:getobject", "s3:*", "sts:GetWebIdentityToken", "aws-mcp:InvokeMcp"])],
    ),
    (
        "resource-never-matches",
        Kind.IDENTITY,
        [statement(Action="*", Resource="arn:aws:s3:::x")],
    ),
    (
        "resource-never-matches",
        Kind.IDENTITY,
        [
            statement(
                Action=["s3:GetObject", "s3:ListBucket"],
                Resource=["arn:aws:s3:::${aws:PrincipalTag/team}", "arn:*:s3:::x/*"],
            )
        ],
    ),
    ("resource-never-matches", Kind.IDENTITY, [statement(Action="s3:NotKnown", Resource="arn:aws:s3:::x")]),
    (
        "resource-never-matches",
        Kind.TRUST,
        [statement("Allow", Action="sts:AssumeRole", Resource=None, Principal={"Service": "ec2.amazonaws.com"})],
    ),
    ("oversize", Kind.RESOURCE, [statement(Principal="*", Action=[f"s3:GetObject{n}" for n in range(900)])]),
    ("oversize", Kind.SCP, [statement(Action=[f"s3:GetObject{n}" for n in range(450)])]),
]


@pytest.mark.parametrize(("rule", "place", "message", "kind", "statements"), BAD)
def test_finds(rule: str, place: str, message: str, kind: Kind, statements: list[dict[str, Any]]) -> None:
    findings = found(*statements, kind=kind, rule=rule)
    assert [finding.place for finding in findings] == [place]
    assert message in findings[0].message
    assert findings[0].severity is RULES[rule].severity


@pytest.mark.parametrize(("rule", "kind", "statements"), GOOD)
def test_passes(rule: str, kind: Kind, statements: list[dict[str, Any]]) -> None:
    assert found(*statements, kind=kind, rule=rule) == []


def test_every_rule_is_shown_both_ways() -> None:
    assert {case[0] for case in BAD} == set(RULES) == {case[0] for case in GOOD}


def test_every_rule_names_aws_documentation() -> None:
    for rule in RULES.values():
        assert rule.source.startswith("https://docs.aws.amazon.com/"), rule.id
        assert rule.title
        assert rule.why.endswith("."), rule.id


@pytest.mark.parametrize("kind", LIMITS)
def test_size_is_counted_to_the_character(kind: Kind) -> None:
    def of(length: int) -> PolicyDocument:
        # IAM does not count Sids apart, so one fills the document.
        base = Statement("", "Deny", actions=("s3:*",), resources=("*",))
        empty = len(PolicyDocument("p", (base,)).to_json()) + len('"Sid":"",')
        return PolicyDocument("p", (Statement("x" * (length - empty), "Deny", ("s3:*",), resources=("*",)),))

    assert len(of(LIMITS[kind]).to_json()) == LIMITS[kind]
    assert not [f for f in lint(of(LIMITS[kind]), kind) if f.rule == "oversize"]
    assert [f.severity for f in lint(of(LIMITS[kind] + 1), kind) if f.rule == "oversize"] == [Severity.ERROR]


def test_findings_come_in_the_order_of_statements() -> None:
    document = parse_document(
        {
            "Version": "2012-10-17",
            "Statement": [
                {**conditioned("Deny", **CALLED), "Sid": "Keyed"},
                {**statement(Action=["s3:X", "aws-mcp:*"]), "Sid": "Dead"},
                {**statement(Action=[f"s3:GetObject{n}" for n in range(500)]), "Sid": "Long"},
            ],
        }
    )
    findings = lint(document)
    assert findings[0].rule == "oversize"
    assert [f.sid for f in findings[:4]] == ["", "Keyed", "Dead", "Dead"]
    assert {f.sid for f in findings[4:]} == {"Long"}


def test_own_policies_have_no_finding() -> None:
    scope = AgentScope(EXAMPLE)
    policies = AgentPolicies(scope)
    values = {"Partition": "aws", "AccountId": "1" * 12, "Region": "eu-central-1"}
    documents = [
        *((d, Kind.IDENTITY) for d in (policies.read, policies.plan, policies.apply, policies.execution)),
        *((d, Kind.IDENTITY) for d in policies.sensitive),
        (policies.boundary, Kind.BOUNDARY),
        (execution_boundary((scope,)), Kind.BOUNDARY),
        *((d, Kind.SCP) for d in agent_scps()),
    ]
    found = {(f.rule, f.sid) for d, kind in documents for f in lint(d.resolve(values), kind)}
    # An action that the documentation has and the catalogue has not, and a key whose twin is the list of servers.
    assert found == {
        ("unknown-action", "AgentsIdentities"),
        ("mcp-deny-without-twin", "AgentsMcpServiceActions"),
    }


@pytest.mark.parametrize(
    ("statements", "kind"),
    [
        ([statement()], Kind.IDENTITY),
        ([statement(Principal="*")], Kind.RESOURCE),
        ([statement("Allow", Action="sts:AssumeRole", Resource=None, Principal="*")], Kind.TRUST),
        ([statement("Allow", Action="sts:*", Principal="*")], Kind.RESOURCE),
    ],
)
def test_kind_is_guessed_from_the_words(statements: list[dict[str, Any]], kind: Kind) -> None:
    assert guess_kind(parse_document({"Version": "2012-10-17", "Statement": statements})) is kind
