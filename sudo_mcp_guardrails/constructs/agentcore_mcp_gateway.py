"""The MCP gateway as AgentCore Gateway: a policy engine that enforces, tokens of one issuer, and an interceptor."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_bedrockagentcore as agentcore
from aws_cdk import aws_iam as iam
from constructs import Construct

from sudo_mcp_guardrails.constructs.gateway.agentcore_policies import gateway_policy, gateway_trust
from sudo_mcp_guardrails.constructs.gateway.props import McpGatewayError
from sudo_mcp_guardrails.constructs.policy import GuardrailPolicy
from sudo_mcp_guardrails.constructs.rendering import policy_json
from sudo_mcp_guardrails.constructs.wildcards import accept_wildcards
from sudo_mcp_guardrails.policies.naming import GuardrailNames

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_lambda as lambda_

    from sudo_mcp_guardrails.constructs.gateway.props import McpTokens

GATEWAY: Final = "{{gateway}}"
"""Stands in a policy for the gateway's ARN, which nobody knows before it is made."""
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,46}[a-z0-9]")
_POLICY_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,47}")
_TARGET: Final = re.compile(r"[a-z][a-z0-9-]{0,30}[a-z0-9]")
_LEAST, _MOST = 35, 10_000
_DISCOVERY: Final = "/.well-known/openid-configuration"
_WARNING: Final = "sudo-mcp-guardrails:agentCoreMcpGateway."


@dataclass(frozen=True)
class GatewayServer:
    """An MCP server behind an AgentCore gateway.

    Args:
        url: Its endpoint, ``https``.
        service: Its service, where the gateway signs its requests by SigV4 as its own role. Default: it does not.
        region: Of that.

    Raises:
        McpGatewayError: For a URL without TLS, or a service without its Region.
    """

    url: str
    service: str = ""
    region: str = ""

    def __post_init__(self) -> None:
        """Validate."""
        if not re.fullmatch(r"https://[A-Za-z0-9.-]+(:\d+)?(/[^\s?#@]*)?", self.url):
            raise McpGatewayError(f"server {self.url[:80]!r} is not allowed, expected an https URL without a user")
        if bool(self.service) != bool(self.region):
            raise McpGatewayError(f"service {self.service!r} and Region {self.region!r} are not allowed, expected both")


class AgentCoreMcpGateway(Construct):
    """AgentCore Gateway, with all that it leaves off by default: authorizer, policy engine in ENFORCE, no debug.

    A policy sees the name of a tool and its arguments; what a script in an argument does it cannot tell. That takes the
    guard (:class:`McpGateway`), or an interceptor of yours.

    Costs nothing at rest; 5 USD for a million calls of tools and 25 for a million authorizations, by list prices.

    Args:
        scope: The scope.
        id: The construct's id.
        name: Of the gateway.
        servers: Servers by the names that their tools carry before them, ``<name>___<tool>``.
        policies: Cedar policies by name, ``{{gateway}}`` for the gateway's ARN. What none of them permits is denied.
        tokens: The authorization server, which must be one of OpenID Connect discovery.
        audience: What a token's ``aud`` must hold.
        scopes: What a token's ``scope`` may hold; one of them it must.
        interceptor: Sees every request before it goes on, and every answer; it is given no headers. Default: none,
            which is a warning (``sudo-mcp-guardrails:agentCoreMcpGateway.noInterceptor``).
        encryption_key: Of gateway and policies. Default: the service's.
        names: Names of the guardrails' own resources.

    Raises:
        McpGatewayError: For names of another form, no servers, no policies, no audience or scope, and a policy that is
            too short, too long, or does not name the gateway.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        name: str,
        servers: Mapping[str, GatewayServer],
        policies: Mapping[str, str],
        tokens: McpTokens,
        audience: str,
        scopes: Sequence[str],
        interceptor: lambda_.IFunction | None = None,
        encryption_key: kms.IKey | None = None,
        names: GuardrailNames | None = None,
    ) -> None:
        super().__init__(scope, id)
        _check(name, servers, policies, audience, scopes)
        names = names or GuardrailNames()
        key = None if encryption_key is None else encryption_key.key_arn
        self.engine: agentcore.CfnPolicyEngine = agentcore.CfnPolicyEngine(
            self, "Engine", name=name.replace("-", "_"), encryption_key_arn=key
        )
        """The policy engine."""
        function = None if interceptor is None else interceptor.function_arn
        self.policy: GuardrailPolicy = GuardrailPolicy(
            self,
            "RolePolicy",
            document=gateway_policy(self.engine.attr_policy_engine_arn, name, function),
            path=f"/{names.prefix}/",
            description=f"The MCP gateway {name}",
            accept=False,
        )
        """What the gateway may do."""
        accept_wildcards(self.policy)
        self.role: iam.CfnRole = iam.CfnRole(
            self,
            "Role",
            path=f"/{names.prefix}/",
            description=f"The MCP gateway {name}",
            assume_role_policy_document=policy_json(gateway_trust(name)),
            managed_policy_arns=[self.policy.policy_arn],
        )
        """The gateway's role, by which it signs; grant it what a signed server needs, and nothing else."""
        self.gateway: agentcore.CfnGateway = agentcore.CfnGateway(
            self,
            "Resource",
            name=name,
            role_arn=self.role.attr_arn,
            protocol_type="MCP",
            authorizer_type="CUSTOM_JWT",
            authorizer_configuration=agentcore.CfnGateway.AuthorizerConfigurationProperty(
                custom_jwt_authorizer=agentcore.CfnGateway.CustomJWTAuthorizerConfigurationProperty(
                    discovery_url=f"{tokens.issuer.rstrip('/')}{_DISCOVERY}",
                    allowed_audience=[audience],
                    allowed_scopes=list(scopes),
                )
            ),
            policy_engine_configuration=agentcore.CfnGateway.GatewayPolicyEngineConfigurationProperty(
                arn=self.engine.attr_policy_engine_arn, mode="ENFORCE"
            ),
            interceptor_configurations=None if function is None else [_intercepting(function)],
            kms_key_arn=key,
        )
        """The gateway; what went wrong inside it is told to nobody."""
        if function is None:
            cdk.Annotations.of(self).add_warning_v2(
                f"{_WARNING}noInterceptor", f"nothing reads what scripts in calls through gateway {name!r} do"
            )
        self.targets: dict[str, agentcore.CfnGatewayTarget] = {
            target: self._target(target, server) for target, server in sorted(servers.items())
        }
        """Its targets, by name."""
        for policy, text in sorted(policies.items()):
            made = agentcore.CfnPolicy(
                self,
                f"Policy-{policy}",
                name=policy,
                policy_engine_id=self.engine.attr_policy_engine_id,
                definition=agentcore.CfnPolicy.PolicyDefinitionProperty(
                    cedar=agentcore.CfnPolicy.CedarPolicyProperty(
                        statement=text.replace(GATEWAY, self.gateway.attr_gateway_arn)
                    )
                ),
                enforcement_mode="ACTIVE",
                validation_mode="FAIL_ON_ANY_FINDINGS",
            )
            for each in self.targets.values():
                made.add_resource_dependency(each)  # validated against the tools of the targets

    def _target(self, name: str, server: GatewayServer) -> agentcore.CfnGatewayTarget:
        credentials = None
        if server.service:
            provider = agentcore.CfnGatewayTarget.CredentialProviderProperty(
                iam_credential_provider=agentcore.CfnGatewayTarget.IamCredentialProviderProperty(
                    service=server.service, region=server.region
                )
            )
            credentials = [
                agentcore.CfnGatewayTarget.CredentialProviderConfigurationProperty(
                    credential_provider_type="GATEWAY_IAM_ROLE", credential_provider=provider
                )
            ]
        return agentcore.CfnGatewayTarget(
            self,
            f"Target-{name}",
            name=name,
            gateway_identifier=self.gateway.attr_gateway_identifier,
            credential_provider_configurations=credentials,
            target_configuration=agentcore.CfnGatewayTarget.TargetConfigurationProperty(
                mcp=agentcore.CfnGatewayTarget.McpTargetConfigurationProperty(
                    mcp_server=agentcore.CfnGatewayTarget.McpServerTargetConfigurationProperty(endpoint=server.url)
                )
            ),
        )


def _intercepting(function: str) -> agentcore.CfnGateway.GatewayInterceptorConfigurationProperty:
    return agentcore.CfnGateway.GatewayInterceptorConfigurationProperty(
        interception_points=["REQUEST", "RESPONSE"],
        interceptor=agentcore.CfnGateway.InterceptorConfigurationProperty(
            lambda_=agentcore.CfnGateway.LambdaInterceptorConfigurationProperty(arn=function)
        ),
        # Headers hold the caller's token.
        input_configuration=agentcore.CfnGateway.InterceptorInputConfigurationProperty(pass_request_headers=False),
    )


def _check(
    name: str,
    servers: Mapping[str, GatewayServer],
    policies: Mapping[str, str],
    audience: str,
    scopes: Sequence[str],
) -> None:
    if not _NAME.fullmatch(name):
        raise McpGatewayError(f"gateway {name!r} is not allowed, expected 2 to 48 lower-case letters, digits, hyphens")
    if not servers or not policies or not audience or not scopes:
        raise McpGatewayError("a gateway without servers, policies, audience or scopes is not allowed, expected each")
    for target in servers:
        if not _TARGET.fullmatch(target):
            raise McpGatewayError(f"server {target!r} is not allowed, expected 2 to 32 lower-case letters, digits, -")
    for policy, text in policies.items():
        if not _POLICY_NAME.fullmatch(policy):
            raise McpGatewayError(f"policy {policy!r} is not allowed, expected letters, digits and _, 48 at most")
        if not _LEAST <= len(text) <= _MOST or GATEWAY not in text:
            raise McpGatewayError(
                f"policy {policy!r} is not allowed, expected {_LEAST} to {_MOST} characters with {GATEWAY} in them"
            )
