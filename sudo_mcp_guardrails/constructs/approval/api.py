"""The page and its API: an HTTP API with a JWT authorizer, and for IAM users the function's own URL."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_apigatewayv2 as http
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from sudo_mcp_guardrails.constructs.approval.function import log_group
from sudo_mcp_guardrails.constructs.approval.statements import allow
from sudo_mcp_guardrails.constructs.policy import GuardrailPolicy
from sudo_mcp_guardrails.constructs.risk import accept_risk
from sudo_mcp_guardrails.iam.documents import PolicyDocument
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION

if TYPE_CHECKING:
    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_logs as logs

    from sudo_mcp_guardrails.constructs.approval.function import ApprovalFunction
    from sudo_mcp_guardrails.constructs.approval.identity import ApprovalIdentity
    from sudo_mcp_guardrails.constructs.approval.names import WorkflowNames

MFA_SECONDS: Final = 300
"""How old a second factor of an IAM user may be when he decides."""
_METHODS: Final = ("GET", "POST")
_LOG_FIELDS: Final = {
    "requestId": "$context.requestId",
    "ip": "$context.identity.sourceIp",
    "time": "$context.requestTime",
    "method": "$context.httpMethod",
    "route": "$context.routeKey",
    "status": "$context.status",
    "error": "$context.authorizer.error",
    "subject": "$context.authorizer.claims.sub",
}


class ApprovalApi(Construct):
    """The API. 1 USD per million requests, nothing at rest.

    What is below ``/api`` takes a token of the identity provider, which API Gateway verifies. The page's own files do
    not: whoever signs in has none yet. They hold nothing but the page.

    Args:
        scope: The scope.
        id: The construct's id.
        identity: Who signs people in.
        names: Of the workflow.
        key: Encrypts the log.
        log_retention: Of the log.
        removal_policy: Of the log.
        rate: Requests a second, over all who ask.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        identity: ApprovalIdentity,
        names: WorkflowNames,
        key: kms.IKey,
        log_retention: logs.RetentionDays,
        removal_policy: cdk.RemovalPolicy,
        rate: int = 50,
    ) -> None:
        super().__init__(scope, id)
        self._names = names
        log = log_group(self, "LogGroup", f"/aws/vendedlogs/apis/{names.machine}", key, log_retention, removal_policy)
        self.api: http.CfnApi = http.CfnApi(
            self, "Resource", name=names.machine, description="Approvals", protocol_type="HTTP"
        )
        """The API."""
        self.authorizer: http.CfnAuthorizer = http.CfnAuthorizer(
            self,
            "Authorizer",
            api_id=self.api.ref,
            name="people",
            authorizer_type="JWT",
            identity_source=["$request.header.Authorization"],
            jwt_configuration=http.CfnAuthorizer.JWTConfigurationProperty(
                issuer=identity.issuer, audience=[identity.audience]
            ),
        )
        """Verifies tokens."""
        self.stage: http.CfnStage = http.CfnStage(
            self,
            "Stage",
            api_id=self.api.ref,
            stage_name="$default",
            auto_deploy=True,
            access_log_settings=http.CfnStage.AccessLogSettingsProperty(
                destination_arn=log.attr_arn, format=json.dumps(_LOG_FIELDS, sort_keys=True)
            ),
            default_route_settings=http.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=rate, throttling_burst_limit=2 * rate
            ),
        )
        """The stage."""

    @property
    def url(self) -> str:
        """Address of the API, without a slash at its end."""
        return self.api.attr_api_endpoint

    def serve(self, function: ApprovalFunction) -> None:
        """Have a function answer. Apart from the rest, since the function is told the API's address. Call it once."""
        integration = http.CfnIntegration(
            self,
            "Integration",
            api_id=self.api.ref,
            integration_type="AWS_PROXY",
            integration_uri=function.function.attr_arn,
            payload_format_version="2.0",
            timeout_in_millis=29_000,
        )
        target = f"integrations/{integration.ref}"
        for method in _METHODS:
            http.CfnRoute(
                self,
                f"Api{method.capitalize()}",
                api_id=self.api.ref,
                route_key=f"{method} /api/{{proxy+}}",
                target=target,
                authorization_type="JWT",
                authorizer_id=self.authorizer.ref,
            )
        for id_, path in (("Page", "/"), ("Files", "/{proxy+}")):
            route = http.CfnRoute(
                self, id_, api_id=self.api.ref, route_key=f"GET {path}", target=target, authorization_type="NONE"
            )
            accept_risk(
                route,
                nag=["AwsSolutions::AwsSolutions-APIG4", "SudoGuardHooks::SMG_HOOK_PUBLIC_ENDPOINTS"],
                checkov=["CKV_AWS_309"],
                reason="these are the page's own files, which who is yet to sign in has to get; they hold no data",
            )
        lambda_.CfnPermission(
            self,
            "Call",
            action="lambda:InvokeFunction",
            function_name=function.function.ref,
            principal="apigateway.amazonaws.com",
            source_account=cdk.Aws.ACCOUNT_ID,
            source_arn=cdk.Stack.of(self).format_arn(service="execute-api", resource=self.api.ref, resource_name="*/*"),
        )

    def grant_decide(self, user: iam.IUser, *, id: str) -> None:
        """Let an IAM user approve by the function's URL, with a second factor of the last five minutes.

        Args:
            user: In this account.
            id: Id of the policy.
        """
        function = f"arn:{PARTITION}:lambda:{REGION}:{ACCOUNT}:function:{self._names.of('api')}"
        mfa = (
            ("Bool", "aws:MultiFactorAuthPresent", ("true",)),
            ("NumericLessThan", "aws:MultiFactorAuthAge", (str(MFA_SECONDS),)),
        )
        statements = (
            allow(
                "ApprovalDecide",
                ("lambda:InvokeFunctionUrl",),
                (function,),
                "approves",
                (("StringEquals", "lambda:FunctionUrlAuthType", ("AWS_IAM",)), *mfa),
            ),
            # Through the URL alone: a direct invocation would let the caller write its own identity into the event.
            allow(
                "ApprovalDecideFunction",
                ("lambda:InvokeFunction",),
                (function,),
                "approves",
                (("Bool", "lambda:InvokedViaFunctionUrl", ("true",)), *mfa),
            ),
        )
        policy = GuardrailPolicy(
            self, id, document=PolicyDocument("decide", statements), path=self._names.path, description="Approves"
        )
        user.add_managed_policy(policy.managed_policy)
