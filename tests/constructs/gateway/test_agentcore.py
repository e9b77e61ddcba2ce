"""AgentCore Gateway: it enforces, knows one issuer, tells its interceptor no token, and needs rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions
from aws_cdk import aws_lambda as lambda_

from sudo_mcp_guardrails import AgentCoreMcpGateway, GatewayServer, Guardrails, McpGatewayError
from tests.constructs.gateway.making import ACCOUNT, TOKENS, new_stack, resources

SERVERS = {
    "aws": GatewayServer("https://aws-mcp.eu-central-1.api.aws/mcp", service="aws-mcp", region="eu-central-1"),
    "notes": GatewayServer("https://notes.example.com/mcp"),
}
READ = """permit(principal is AgentCore::OAuthUser, action == AgentCore::Action::"notes___read_notes",
  resource == AgentCore::Gateway::"{{gateway}}");"""
AUDIENCE = "https://mcp.example.com"


def made(stack: cdk.Stack, **options: Any) -> AgentCoreMcpGateway:
    given = {
        "name": "agents",
        "servers": SERVERS,
        "policies": {"read_notes": READ},
        "tokens": TOKENS,
        "audience": AUDIENCE,
        "scopes": ["mcp:release-bot:read"],
        **options,
    }
    return AgentCoreMcpGateway(stack, "Gateway", **given)


def interceptor(stack: cdk.Stack) -> lambda_.IFunction:
    return lambda_.Function.from_function_arn(
        stack, "Interceptor", f"arn:aws:lambda:eu-central-1:{ACCOUNT}:function:intercept"
    )


def test_it_enforces_and_takes_tokens_of_one_issuer_for_itself() -> None:
    stack = new_stack()
    made(stack, interceptor=interceptor(stack))
    [gateway] = resources(stack, "AWS::BedrockAgentCore::Gateway").values()
    assert gateway["PolicyEngineConfiguration"]["Mode"] == "ENFORCE"
    assert gateway["AuthorizerType"] == "CUSTOM_JWT"
    assert gateway["AuthorizerConfiguration"]["CustomJWTAuthorizer"] == {
        "DiscoveryUrl": "https://issuer.example.com/.well-known/openid-configuration",
        "AllowedAudience": [AUDIENCE],
        "AllowedScopes": ["mcp:release-bot:read"],
    }
    assert "ExceptionLevel" not in gateway
    [each] = gateway["InterceptorConfigurations"]
    assert each["InterceptionPoints"] == ["REQUEST", "RESPONSE"]
    assert each["InputConfiguration"] == {"PassRequestHeaders": False}


def test_policies_are_active_validated_and_about_this_gateway() -> None:
    stack = new_stack()
    made(stack)
    template = assertions.Template.from_stack(stack)
    [policy] = template.find_resources("AWS::BedrockAgentCore::Policy").values()
    properties = policy["Properties"]
    assert (properties["EnforcementMode"], properties["ValidationMode"]) == ("ACTIVE", "FAIL_ON_ANY_FINDINGS")
    statement = json.dumps(properties["Definition"]["Cedar"]["Statement"])
    assert "GatewayArn" in statement
    assert "{{" not in statement
    targets = template.find_resources("AWS::BedrockAgentCore::GatewayTarget")
    assert set(targets) <= set(policy["DependsOn"])


def test_it_signs_for_the_server_that_is_signed_for_alone() -> None:
    stack = new_stack()
    made(stack)
    found = {each["Name"]: each for each in resources(stack, "AWS::BedrockAgentCore::GatewayTarget").values()}
    [credentials] = found["aws"]["CredentialProviderConfigurations"]
    assert credentials["CredentialProviderType"] == "GATEWAY_IAM_ROLE"
    provider = credentials["CredentialProvider"]["IamCredentialProvider"]
    assert provider == {"Service": "aws-mcp", "Region": "eu-central-1"}
    assert "CredentialProviderConfigurations" not in found["notes"]


def test_its_role_asks_the_engine_and_calls_the_interceptor_and_nothing_else() -> None:
    stack = new_stack()
    made(stack, interceptor=interceptor(stack))
    [policy] = resources(stack, "AWS::IAM::ManagedPolicy").values()
    authorize, intercept = policy["PolicyDocument"]["Statement"]
    assert {action.partition(":")[0] for action in authorize["Action"]} == {"bedrock-agentcore"}
    assert intercept["Action"] == "lambda:InvokeFunction"
    assert intercept["Resource"].endswith("function:intercept")
    [role] = resources(stack, "AWS::IAM::Role").values()
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "bedrock-agentcore.amazonaws.com"}
    assert set(trust["Condition"]) == {"ArnLike", "StringEquals"}


def test_without_an_interceptor_it_warns() -> None:
    stack = new_stack()
    made(stack)
    warned = assertions.Annotations.from_stack(stack)
    warned.has_warning("/Stack/Gateway", assertions.Match.string_like_regexp("nothing reads what scripts"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"name": "A"}, "gateway 'A'"),
        ({"servers": {}}, "expected each"),
        ({"policies": {}}, "expected each"),
        ({"audience": ""}, "expected each"),
        ({"scopes": []}, "expected each"),
        ({"servers": {"Notes": SERVERS["notes"]}}, "server 'Notes'"),
        ({"policies": {"read-notes": READ}}, "policy 'read-notes'"),
        ({"policies": {"short": "{{gateway}}"}}, "35 to 10000 characters"),
        ({"policies": {"long": READ * 100}}, "35 to 10000 characters"),
        ({"policies": {"any": READ.replace("{{gateway}}", "*")}}, "with {{gateway}} in them"),
    ],
)
def test_props_that_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(McpGatewayError, match=message.replace("{", r"\{")):
        made(new_stack(), **options)


def test_servers_that_are_refused() -> None:
    for url in ("http://notes.example.com", "https://a@b", "https://a b"):
        with pytest.raises(McpGatewayError, match="expected an https URL"):
            GatewayServer(url)
    with pytest.raises(McpGatewayError, match="expected both"):
        GatewayServer("https://x", service="aws-mcp")


def test_the_packs_and_the_hooks_rules_pass(flags: dict[str, Any], tmp_path: Path) -> None:
    stack = new_stack(context=flags, outdir=str(tmp_path / "out"))
    made(stack, interceptor=interceptor(stack))
    app = cdk.App.of(stack)
    assert isinstance(app, cdk.App)
    Guardrails.of(app).enforce()
    report = json.loads((Path(app.synth().directory) / "validation-report.json").read_text(encoding="utf-8"))
    assert [v["ruleName"] for plugin in report["pluginReports"] for v in plugin["violations"]] == []
    accepted = {v["ruleName"] for plugin in report["pluginReports"] for v in plugin["suppressedViolations"]}
    wildcard = "arn:<AWS::Partition>:bedrock-agentcore:<AWS::Region>:<AWS::AccountId>:gateway/agents-*"
    assert accepted == {f"AwsSolutions-IAM5[Resource::{wildcard}]"}
