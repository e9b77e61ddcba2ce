"""The gateway's props: what is brought, what is weaker, what is refused, and which risks are accepted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3

from sudo_mcp_guardrails import (
    Capability,
    GuardLane,
    GuardrailNames,
    Guardrails,
    IsolatedMcpServer,
    McpEndpoints,
    McpGatewayError,
    McpImage,
    McpTokens,
    Upstream,
)
from sudo_mcp_guardrails.iam import Statement
from tests.constructs.gateway.making import (
    DIGEST,
    LANES,
    TOKENS,
    gateway,
    image,
    network,
    new_stack,
    resources,
    tasks,
    whole,
)

ACCEPTED = (Path(__file__).parent / "accepted_risks.txt").read_text(encoding="utf-8").splitlines()


def test_what_is_brought_is_not_made() -> None:
    found = new_stack()
    vpc = network(found)
    gateway(
        found,
        vpc=vpc,
        endpoints=McpEndpoints(found, "Endpoints", vpc=vpc),
        cluster=ecs.Cluster.from_cluster_attributes(found, "Cluster", cluster_name="agents", vpc=vpc),
        log_group=logs.LogGroup.from_log_group_name(found, "Logs", "agents"),
        access_logs=s3.Bucket.from_bucket_name(found, "Access", "access-logs"),
    )
    for kind in ("AWS::ECS::Cluster", "AWS::Logs::LogGroup", "AWS::KMS::Key", "AWS::S3::Bucket"):
        assert resources(found, kind) == {}
    assert len(resources(found, "AWS::EC2::VPCEndpoint")) == 4
    [balancer] = resources(found, "AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    assert {"Key": "access_logs.s3.bucket", "Value": "access-logs"} in balancer["LoadBalancerAttributes"]


def test_the_aws_mcp_server_is_signed_for_and_nothing_else_is() -> None:
    found = new_stack()
    gateway(found)
    for definition in tasks(found).values():
        command = definition["ContainerDefinitions"][0]["Command"]
        assert command[command.index("--url") + 1] == "https://aws-mcp.eu-central-1.api.aws/mcp"
        assert command[command.index("--sign") + 1] == "aws-mcp/eu-central-1"


def test_what_is_weaker_is_a_warning() -> None:
    found = new_stack()
    gateway(found, egress=None)
    statement = Statement("BillingRead", "Allow", ("ce:GetCostAndUsage",), resources=("*",), reason="reads costs")
    IsolatedMcpServer(
        found,
        "Server",
        name="billing",
        vpc=ec2.Vpc.from_vpc_attributes(
            found, "Other", vpc_id="vpc-1", availability_zones=["a"], isolated_subnet_ids=["subnet-1"]
        ),
        image=McpImage(ecr.Repository.from_repository_name(found, "Others", "other"), DIGEST),
        statements=[statement],
    )
    warnings = assertions.Annotations.from_stack(found)
    warnings.has_warning("/Stack/Gateway", assertions.Match.string_like_regexp("may go anywhere on port 443"))
    warnings.has_warning("/Stack/Server", assertions.Match.string_like_regexp("has permissions of its own"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lanes": []}, "without lanes"),
        ({"lanes": [LANES[0], LANES[0]]}, "'release-bot-read' is given twice"),
        ({"configurations": "lanes"}, "folder 'lanes'"),
        ({"configurations": "/opt/../etc"}, "absolute path in the image"),
        ({"checks": ["--no-checks"]}, "expected MODULE:NAME"),
        ({"domain": "MCP.example.com"}, "domain 'MCP.example.com'"),
        ({"domain": "mcp.example.com/x"}, "domain"),
        ({"clients": []}, "without clients"),
    ],
)
def test_props_that_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(McpGatewayError, match=message):
        gateway(new_stack(), **options)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda s: McpImage(image(s).repository, "latest"), "digest 'latest'"),
        (lambda _: McpTokens("http://issuer.example.com", TOKENS.jwks), "issuer 'http"),
        (lambda _: McpTokens(TOKENS.issuer, "https://a@b/keys"), "jwks 'https://a@b/keys'"),
        (lambda _: GuardLane("release-bot", Capability.APPLY, "T"), "approved plans alone"),
        (lambda _: GuardLane("release_bot", Capability.READ, "T"), "agent 'release_bot'"),
        (lambda _: GuardLane("release-bot", Capability.READ, ""), "ticket ''"),
        (lambda _: GuardLane("release-bot", Capability.READ, "T", scope="a b"), "scope 'a b'"),
        (lambda _: Upstream.https("http://x", name="x"), "upstream 'http://x'"),
        (lambda _: Upstream.aws("anywhere"), "Region 'anywhere'"),
        (lambda s: IsolatedMcpServer(s, "S", name="X", vpc=network(s), image=image(s)), "server 'X'"),
        (lambda s: IsolatedMcpServer(s, "S", name="xx", vpc=network(s), image=image(s), port=80), "port 80"),
        (lambda s: IsolatedMcpServer(s, "S", name="xx", vpc=network(s), image=image(s), path="mcp"), "path 'mcp'"),
    ],
)
def test_values_that_are_refused(make: Any, message: str) -> None:
    with pytest.raises(McpGatewayError, match=message):
        make(new_stack())


@pytest.mark.parametrize("region", ["us-gov-west-1", "cn-north-1"])
def test_other_partitions_synthesize_without_a_literal_arn(region: str) -> None:
    found = new_stack(region)
    certificate = acm.Certificate.from_certificate_arn(found, "Own", cdk.Fn.import_value("certificate"))
    gateway(found, certificate=certificate, upstream=Upstream.https("https://mcp.example.com/mcp", name="own"))
    template = json.dumps(assertions.Template.from_stack(found).to_json())
    assert "arn:aws:" not in template
    assert ("cn.com.amazonaws" in template) == region.startswith("cn-")


def test_two_copies_coexist_under_names_of_their_own() -> None:
    found = new_stack()
    vpc = network(found)
    for name in ("one", "two"):
        IsolatedMcpServer(
            found,
            name.title(),
            name=name,
            vpc=vpc,
            image=McpImage(ecr.Repository.from_repository_name(found, f"Images{name}", "mcp"), DIGEST),
            names=GuardrailNames(f"guards-{name}"),
        )
    names = [each["Name"] for each in resources(found, "AWS::ServiceDiscovery::PrivateDnsNamespace").values()]
    assert sorted(names) == ["one.mcp.internal", "two.mcp.internal"]


def test_the_packs_and_the_proof_pass_and_what_is_accepted_is_exactly_this(
    flags: dict[str, Any], tmp_path: Path
) -> None:
    found = new_stack(context=flags, outdir=str(tmp_path / "out"))
    whole(found)
    app = cdk.App.of(found)
    assert isinstance(app, cdk.App)
    Guardrails.of(app).enforce()
    out = Path(app.synth().directory)
    report = json.loads((out / "validation-report.json").read_text(encoding="utf-8"))
    open_ = [(v["ruleName"], v.get("severity")) for plugin in report["pluginReports"] for v in plugin["violations"]]
    assert open_ == []
    accepted = {
        f"nag {v['ruleName']} {c['constructPath']}"
        for plugin in report["pluginReports"]
        for v in plugin["suppressedViolations"]
        for c in v["violatingConstructs"]
        if "/Agents/" not in c["constructPath"]
    }
    template = json.loads((out / "Stack.template.json").read_text(encoding="utf-8"))
    for id_, resource in template["Resources"].items():
        if not id_.startswith("Agents"):
            for skip in resource.get("Metadata", {}).get("checkov", {}).get("skip", ()):
                assert len(skip["comment"]) >= 20
                accepted.add(f"checkov {skip['id']} {id_}")
    assert sorted(accepted) == ACCEPTED
