"""The gateway's template: who reaches whom, what each task may do, and which tokens pass."""

from __future__ import annotations

import inspect
import json
from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.cli.gateway.run import run
from tests.constructs.gateway.making import (
    CHECKS,
    DIGEST,
    TOKENS,
    new_stack,
    of_role,
    resources,
    rules,
    tasks,
    whole,
)

if TYPE_CHECKING:
    import aws_cdk as cdk


@pytest.fixture(scope="module")
def stack() -> cdk.Stack:
    found = new_stack()
    whole(found)
    return found


def test_the_server_has_no_way_out_but_the_endpoints_and_none_in_but_guards(stack: cdk.Stack) -> None:
    groups = resources(stack, "AWS::EC2::SecurityGroup")
    names = {each["GroupDescription"]: id_ for id_, each in groups.items()}
    server, endpoints = names["MCP task billing"], names["VPC endpoints of MCP guards and servers"]
    guards = {names[f"MCP task release-bot-{lane}"] for lane in ("read", "plan")}
    out = rules(stack, "AWS::EC2::SecurityGroupEgress")
    into = rules(stack, "AWS::EC2::SecurityGroupIngress")
    assert [(other, port) for own, other, port in out if own == server] == [(endpoints, 443)]
    assert {(other, port) for own, other, port in into if own == server} == {(guard, 8080) for guard in guards}
    for each in groups.values():
        # The rule that stands for none, without which EC2 allows everything.
        [nowhere] = each["SecurityGroupEgress"]
        assert nowhere["CidrIp"] == "255.255.255.255/32"
        assert "SecurityGroupIngress" not in each


def test_guards_are_reached_by_the_load_balancer_alone_and_it_by_its_clients(stack: cdk.Stack) -> None:
    groups = {each["GroupDescription"]: id_ for id_, each in resources(stack, "AWS::EC2::SecurityGroup").items()}
    into = rules(stack, "AWS::EC2::SecurityGroupIngress")
    front = groups["Load balancer of MCP guards"]
    for lane in ("read", "plan"):
        assert [(o, p) for g, o, p in into if g == groups[f"MCP task release-bot-{lane}"]] == [(front, 8484)]
    assert [(o, p) for g, o, p in into if g == front] == [("sg-00000000000000001", 443)]
    out = {(o, p) for g, o, p in rules(stack, "AWS::EC2::SecurityGroupEgress") if g == front}
    assert out == {(groups[f"MCP task release-bot-{lane}"], 8484) for lane in ("read", "plan")} | {("pl-00000001", 443)}


def test_every_task_is_read_only_without_root_without_a_public_address_and_pinned(stack: cdk.Stack) -> None:
    scratch = {"ContainerPath": "/tmp", "ReadOnly": False, "SourceVolume": "scratch"}  # noqa: S108 - of the container
    assert len(tasks(stack)) == 3
    for definition in tasks(stack).values():
        [container] = definition["ContainerDefinitions"]
        assert container["ReadonlyRootFilesystem"] is True
        assert container["User"] == "65532:65532"
        assert container["Privileged"] is False
        assert container["LinuxParameters"]["Capabilities"] == {"Drop": ["ALL"]}
        assert container["MountPoints"] == [scratch]
        assert json.dumps(container["Image"]).rstrip('"]}').endswith(f"@{DIGEST}")
        assert container["LogConfiguration"]["Options"]["mode"] == "blocking"
        assert "Secrets" not in container
        assert definition["TaskRoleArn"] != definition["ExecutionRoleArn"]
    for service in resources(stack, "AWS::ECS::Service").values():
        assert service["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"] == "DISABLED"
        assert service["EnableExecuteCommand"] is False


def test_a_guards_role_asks_the_broker_and_a_servers_may_do_nothing(stack: cdk.Stack) -> None:
    found = tasks(stack)
    assert of_role(stack, found["billing"]["TaskRoleArn"]) == []
    for lane in ("read", "plan"):
        statements = of_role(stack, found[f"release-bot-{lane}"]["TaskRoleArn"])
        assert [each["Action"] for each in statements] == ["lambda:InvokeFunctionUrl", "lambda:InvokeFunction"]
        assert all("mcp-guardrails-session-broker" in json.dumps(each["Resource"]) for each in statements)
    for name, definition in found.items():
        starting = of_role(stack, definition["ExecutionRoleArn"])
        wild = [each for each in starting if each["Resource"] == "*"]
        assert [each["Action"] for each in wild] == ["ecr:GetAuthorizationToken"], name


def test_ecs_alone_assumes_the_roles_of_tasks_and_for_this_account(stack: cdk.Stack) -> None:
    roles = resources(stack, "AWS::IAM::Role")
    arns = {a["Fn::GetAtt"][0] for d in tasks(stack).values() for a in (d["TaskRoleArn"], d["ExecutionRoleArn"])}
    assert len(arns) == 6
    for arn in arns:
        [trust] = roles[arn]["AssumeRolePolicyDocument"]["Statement"]
        assert trust["Principal"] == {"Service": "ecs-tasks.amazonaws.com"}
        assert trust["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
        assert "aws:SourceArn" in trust["Condition"]["ArnLike"]


def test_the_broker_gives_each_guard_its_own_capability_alone(stack: cdk.Stack) -> None:
    [function] = resources(stack, "AWS::Lambda::Function").values()
    joined = function["Environment"]["Variables"]["CALLERS"]["Fn::Join"][1]
    callers = json.loads("".join(part if isinstance(part, str) else "X" for part in joined))
    assert [(c["pattern"].rpartition("assumed-role/")[2], c["agents"], c["capabilities"]) for c in callers] == [
        ("mcp-guardrails-guard-release-bot-read/*", ["release-bot"], ["read"]),
        ("mcp-guardrails-guard-release-bot-plan/*", ["release-bot"], ["plan"]),
    ]
    roles = {each.get("RoleName") for each in resources(stack, "AWS::IAM::Role").values()}
    assert {"mcp-guardrails-guard-release-bot-read", "mcp-guardrails-guard-release-bot-plan"} <= roles
    for lane in ("read", "plan"):
        [container] = tasks(stack)[f"release-bot-{lane}"]["ContainerDefinitions"]
        variables = {each["Name"]: each["Value"] for each in container["Environment"]}
        assert variables["MCP_GUARDRAILS_CAPABILITY"] == lane
        assert "FunctionUrl" in json.dumps(variables["MCP_GUARDRAILS_BROKER"])
        assert not [name for name in variables if "KEY" in name or "SECRET" in name]


def test_the_guards_command_is_one_that_the_command_line_takes(stack: cdk.Stack) -> None:
    known = {f"--{name.replace('_', '-')}" for name in inspect.signature(run).parameters}
    for lane in ("read", "plan"):
        [container] = tasks(stack)[f"release-bot-{lane}"]["ContainerDefinitions"]
        command = container["Command"]
        assert command[0] == "gateway"
        assert {part for part in command if part.startswith("--")} <= known
        given = dict(zip(command[1::2], command[2::2], strict=True))
        assert given["--capability"] == lane
        assert given["--scope"] == f"mcp:release-bot:{lane}"
        assert given["--audience"] == f"https://release-bot-{lane}.mcp.example.com/mcp"
        assert given["--allowed-host"] == f"release-bot-{lane}.mcp.example.com"
        assert given["--config"] == f"/opt/guard/lanes/release-bot-{lane}.json"
        assert given["--url"] == "http://server.billing.mcp.internal:8080/mcp"
        assert [command[i + 1] for i, part in enumerate(command) if part == "--check"] == CHECKS


def test_a_lane_takes_tokens_for_itself_alone_and_says_whom_to_ask(stack: cdk.Stack) -> None:
    [listener] = resources(stack, "AWS::ElasticLoadBalancingV2::Listener").values()
    assert (listener["Port"], listener["Protocol"]) == (443, "HTTPS")
    assert listener["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-3-2021-06"
    assert listener["DefaultActions"][0]["FixedResponseConfig"]["StatusCode"] == "404"
    found = resources(stack, "AWS::ElasticLoadBalancingV2::ListenerRule").values()
    assert len({each["Priority"] for each in found}) == len(found) == 4
    forwarding = [each for each in found if any(a["Type"] == "forward" for a in each["Actions"])]
    for each in forwarding:
        [host] = [c["HostHeaderConfig"]["Values"] for c in each["Conditions"] if c["Field"] == "host-header"]
        first, second = each["Actions"]
        assert (first["Type"], first["Order"], second["Type"], second["Order"]) == ("jwt-validation", 1, "forward", 2)
        config = first["JwtValidationConfig"]
        assert (config["Issuer"], config["JwksEndpoint"]) == (TOKENS.issuer, TOKENS.jwks)
        claims = {claim["Name"]: (claim["Format"], claim["Values"]) for claim in config["AdditionalClaims"]}
        lane = host[0].removesuffix(".mcp.example.com").removeprefix("release-bot-")
        assert claims == {
            "aud": ("single-string", [f"https://{host[0]}/mcp"]),
            "scope": ("space-separated-values", [f"mcp:release-bot:{lane}"]),
        }
    answers = [a for each in found for a in each["Actions"] if a["Type"] == "fixed-response"]
    metadata = [json.loads(a["FixedResponseConfig"]["MessageBody"]) for a in answers]
    assert sorted(each["resource"] for each in metadata) == [
        "https://release-bot-plan.mcp.example.com/mcp",
        "https://release-bot-read.mcp.example.com/mcp",
    ]
    assert all(each["authorization_servers"] == [TOKENS.issuer] for each in metadata)


def test_the_load_balancer_is_internal_logged_and_strict(stack: cdk.Stack) -> None:
    [balancer] = resources(stack, "AWS::ElasticLoadBalancingV2::LoadBalancer").values()
    assert balancer["Scheme"] == "internal"
    attributes = {each["Key"]: each["Value"] for each in balancer["LoadBalancerAttributes"]}
    assert attributes["routing.http.drop_invalid_header_fields.enabled"] == "true"
    assert attributes["routing.http.desync_mitigation_mode"] == "strictest"
    assert attributes["deletion_protection.enabled"] == "true"
    assert attributes["access_logs.s3.enabled"] == "true"
    [policy] = resources(stack, "AWS::S3::BucketPolicy").values()
    write, tls = policy["PolicyDocument"]["Statement"]
    assert write["Principal"] == {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"}
    assert (tls["Effect"], tls["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_every_endpoint_has_a_policy_that_lets_nothing_else_through(stack: cdk.Stack) -> None:
    found = {
        json.dumps(each["ServiceName"]).strip('"').rpartition("eu-central-1.")[2]: each["PolicyDocument"]["Statement"]
        for each in resources(stack, "AWS::EC2::VPCEndpoint").values()
    }
    assert sorted(found) == ["ecr.api", "ecr.dkr", "logs", "s3"]
    for service in ("ecr.api", "ecr.dkr", "logs"):
        [statement] = found[service]
        assert statement["Condition"] == {"StringEquals": {"aws:PrincipalAccount": {"Ref": "AWS::AccountId"}}}
    actions = {action for s in found.values() for each in s for action in _listed(each["Action"])}
    assert actions == {
        *("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetAuthorizationToken"),
        *("ecr:GetDownloadUrlForLayer", "logs:CreateLogStream", "logs:PutLogEvents", "s3:GetObject"),
    }
    [layers] = found["s3"]
    assert "starport-layer-bucket" in json.dumps(layers["Resource"])


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
