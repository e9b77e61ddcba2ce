"""The internal load balancer before the guards: TLS, tokens, and a lane by its host name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elb
from constructs import Construct

from sudo_mcp_guardrails.constructs.gateway.endpoints import HTTPS, NOWHERE, peer_rule
from sudo_mcp_guardrails.constructs.gateway.props import McpGatewayError
from sudo_mcp_guardrails.constructs.risk import accept_risk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_s3 as s3

    from sudo_mcp_guardrails.constructs.gateway.access_logs import AccessLogBucket
    from sudo_mcp_guardrails.constructs.gateway.props import GuardLane, McpTokens

METADATA: Final = "/.well-known/oauth-protected-resource"
"""Where a client learns which authorization server to ask (RFC 9728)."""
_TLS: Final = "ELBSecurityPolicy-TLS13-1-3-2021-06"
_PATH: Final = "/mcp"
_PACKS: Final = ("NIST.800.53.R4", "NIST.800.53.R5", "PCI.DSS.321")
_ATTRIBUTES: Final = {
    "deletion_protection.enabled": "true",
    "idle_timeout.timeout_seconds": "330",
    "routing.http.desync_mitigation_mode": "strictest",
    "routing.http.drop_invalid_header_fields.enabled": "true",
    "routing.http.xff_header_processing.mode": "remove",
    "routing.http2.enabled": "true",
}


@dataclass(frozen=True)
class BalancerSpec:
    """What the load balancer is.

    Args:
        vpc: Where.
        subnet_ids: In which subnets, two at least.
        certificate: ARN of its certificate.
        domain: Of the lanes' host names.
        tokens: What it verifies.
        clients: Peers that may connect.
        port: Of the guards.
        own_logs: The bucket of its access logs that was made for it.
        logs: The one that was given.
    """

    vpc: ec2.IVpc
    subnet_ids: Sequence[str]
    certificate: str
    domain: str
    tokens: McpTokens
    clients: Sequence[ec2.IPeer]
    port: int
    own_logs: AccessLogBucket | None
    logs: s3.IBucket | None


class LaneBalancer(Construct):
    """An internal Application Load Balancer with one listener, TLS 1.3 alone.

    For each lane there are two rules: what is under its host name and ``/mcp`` needs a token of the issuer, for this
    host, with the lane's scope, and goes to the lane's guard, which verifies the token once more; the metadata of the
    protected resource is answered to everybody. All else is a 404.

    Costs at rest, by list prices of us-east-1: 16.43 USD a month, and capacity units by use.

    Args:
        scope: The scope.
        id: The construct's id.
        spec: What it is.

    Raises:
        McpGatewayError: For no clients, or less than two subnets.
    """

    def __init__(self, scope: Construct, id: str, *, spec: BalancerSpec) -> None:
        super().__init__(scope, id)
        if not spec.clients:
            raise McpGatewayError("a gateway without clients is not allowed, expected peers that may connect")
        if len(spec.subnet_ids) < 2:  # noqa: PLR2004 - what a load balancer takes
            raise McpGatewayError(
                f"{len(spec.subnet_ids)} subnets are not allowed, expected two or more for a balancer"
            )
        self._spec = spec
        self.group: ec2.CfnSecurityGroup = ec2.CfnSecurityGroup(
            self,
            "Group",
            group_description="Load balancer of MCP guards",
            vpc_id=spec.vpc.vpc_id,
            security_group_egress=[NOWHERE],
        )
        """Its security group."""
        for index, peer in enumerate(spec.clients):
            self._admit(peer, index)
        self.balancer: elb.CfnLoadBalancer = elb.CfnLoadBalancer(
            self,
            "Resource",
            type="application",
            scheme="internal",
            subnets=list(spec.subnet_ids),
            security_groups=[self.group.attr_group_id],
            load_balancer_attributes=[
                elb.CfnLoadBalancer.LoadBalancerAttributeProperty(key=key, value=value)
                for key, value in sorted({**_ATTRIBUTES, **self._logging()}.items())
            ],
        )
        """The load balancer."""
        if spec.own_logs is not None:
            self.balancer.add_resource_dependency(spec.own_logs.policy)
        self.listener: elb.CfnListener = elb.CfnListener(
            self,
            "Listener",
            load_balancer_arn=self.balancer.ref,
            port=HTTPS,
            protocol="HTTPS",
            ssl_policy=_TLS,
            certificates=[elb.CfnListener.CertificateProperty(certificate_arn=spec.certificate)],
            default_actions=[_answer(elb.CfnListener, "404", "text/plain", "")],
        )
        """Its one listener."""
        accept_risk(
            self.balancer,
            nag=[f"{pack}::{pack}-ALBWAFEnabled" for pack in _PACKS],
            reason="it is internal, takes signed tokens alone, and the guard reads every message by its meaning",
        )

    def lane(self, lane: GuardLane, index: int) -> tuple[elb.CfnTargetGroup, elb.CfnListenerRule]:
        """Make the target group of a lane and the rules that lead to it.

        Args:
            lane: The lane.
            index: Of it, from 0; rules are read in this order.
        """
        spec, host = self._spec, lane.host(self._spec.domain)
        group = elb.CfnTargetGroup(
            self,
            f"Targets-{lane.name}",
            vpc_id=spec.vpc.vpc_id,
            target_type="ip",
            protocol="HTTP",
            protocol_version="HTTP1",
            port=spec.port,
            health_check_enabled=True,
            health_check_path=_PATH,
            # The guard answers nobody without a token: that it refuses is the sign that it lives.
            matcher=elb.CfnTargetGroup.MatcherProperty(http_code="400-499"),
            target_group_attributes=[
                elb.CfnTargetGroup.TargetGroupAttributeProperty(key="deregistration_delay.timeout_seconds", value="330")
            ],
        )
        accept_risk(
            group,
            checkov=["CKV_AWS_378"],
            reason="it leads to one security group in the same network, over a link that EC2 keeps to it",
        )
        here = elb.CfnListenerRule.RuleConditionProperty(
            field="host-header", host_header_config=elb.CfnListenerRule.HostHeaderConfigProperty(values=[host])
        )
        metadata = {
            "resource": f"https://{host}{_PATH}",
            "authorization_servers": [spec.tokens.issuer],
            "scopes_supported": [lane.needed_scope],
            "bearer_methods_supported": ["header"],
        }
        elb.CfnListenerRule(
            self,
            f"Metadata-{lane.name}",
            listener_arn=self.listener.ref,
            priority=2 * index + 1,
            conditions=[here, _under(METADATA, f"{METADATA}{_PATH}"), _methods("GET")],
            actions=[
                _answer(elb.CfnListenerRule, "200", "application/json", json.dumps(metadata, separators=(",", ":")))
            ],
        )
        rule = elb.CfnListenerRule(
            self,
            f"Lane-{lane.name}",
            listener_arn=self.listener.ref,
            priority=2 * index + 2,
            conditions=[here, _under(_PATH), _methods("DELETE", "GET", "POST")],
            actions=[
                elb.CfnListenerRule.ActionProperty(
                    type="jwt-validation",
                    order=1,
                    jwt_validation_config=elb.CfnListenerRule.JwtValidationConfigProperty(
                        issuer=spec.tokens.issuer,
                        jwks_endpoint=spec.tokens.jwks,
                        additional_claims=[
                            elb.CfnListenerRule.JwtValidationActionAdditionalClaimProperty(
                                name="aud", format="single-string", values=[f"https://{host}{_PATH}"]
                            ),
                            elb.CfnListenerRule.JwtValidationActionAdditionalClaimProperty(
                                name="scope", format="space-separated-values", values=[lane.needed_scope]
                            ),
                        ],
                    ),
                ),
                elb.CfnListenerRule.ActionProperty(type="forward", order=2, target_group_arn=group.ref),
            ],
        )
        return group, rule

    def _admit(self, peer: ec2.IPeer, index: int) -> None:
        ec2.CfnSecurityGroupIngress(
            self,
            f"Client{index}",
            group_id=self.group.attr_group_id,
            ip_protocol="tcp",
            from_port=HTTPS,
            to_port=HTTPS,
            description="a client of the MCP gateway",
            **peer_rule(peer.to_ingress_rule_config()),
        )

    def _logging(self) -> Mapping[str, str]:
        own, given = self._spec.own_logs, self._spec.logs
        bucket = own.bucket.ref if own is not None else given.bucket_name if given is not None else ""
        return {"access_logs.s3.enabled": "true", "access_logs.s3.bucket": bucket}


def _under(*paths: str) -> elb.CfnListenerRule.RuleConditionProperty:
    return elb.CfnListenerRule.RuleConditionProperty(
        field="path-pattern", path_pattern_config=elb.CfnListenerRule.PathPatternConfigProperty(values=list(paths))
    )


def _methods(*names: str) -> elb.CfnListenerRule.RuleConditionProperty:
    return elb.CfnListenerRule.RuleConditionProperty(
        field="http-request-method",
        http_request_method_config=elb.CfnListenerRule.HttpRequestMethodConfigProperty(values=list(names)),
    )


def _answer(kind: Any, status: str, content_type: str, body: str) -> Any:  # noqa: ANN401 - of a listener or a rule
    return kind.ActionProperty(
        type="fixed-response",
        fixed_response_config=kind.FixedResponseConfigProperty(
            status_code=status, content_type=content_type, message_body=body
        ),
    )
