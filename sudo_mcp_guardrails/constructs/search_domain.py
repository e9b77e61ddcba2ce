"""An OpenSearch domain for the trail: in a VPC, encrypted, each request signed by a role that is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_logs as logs
from aws_cdk import aws_opensearchservice as opensearch
from constructs import Construct

from sudo_mcp_guardrails.constructs.rendering import policy_json
from sudo_mcp_guardrails.constructs.risk import accept_risk
from sudo_mcp_guardrails.constructs.search_domain_size import DomainError, DomainSize, cluster_config
from sudo_mcp_guardrails.constructs.search_network import HTTPS, ZONES
from sudo_mcp_guardrails.iam.documents import PolicyDocument, Statement
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION, REGION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_kms as kms

    from sudo_mcp_guardrails.constructs.search_network import Placement

_NAME_LENGTH: Final = 28
_TLS: Final = "Policy-Min-TLS-1-2-PFS-2023-10"
_LOGS: Final = ("SEARCH_SLOW_LOGS", "INDEX_SLOW_LOGS", "ES_APPLICATION_LOGS", "AUDIT_LOGS")


class SearchDomain(Construct):
    """A domain of OpenSearch 3 over three zones, with dedicated masters, its logs, and a security group.

    Encrypted at rest and between nodes, TLS 1.2 or later with forward secrecy, fine-grained access control with one
    IAM role as master and no user database, so that there is no password. Whoever else is to search needs a mapping of
    its role in the domain, a line in ``readers`` and a way into the VPC. Kept when the stack goes.

    A domain is no immutable store: what the law asks for stays in the bucket, and the domain can be filled again from
    it. Nobody may use it before :meth:`open_to` says who.

    Args:
        scope: The scope.
        id: The construct's id.
        placement: Subnets in three zones.
        key: Encrypts the domain and its logs.
        size: Default: see :class:`DomainSize`.
        log_retention: Of the domain's logs.
        engine_version: Default: OpenSearch 3.5.
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        placement: Placement,
        key: kms.IKey,
        size: DomainSize | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.ONE_YEAR,
        engine_version: opensearch.EngineVersion | None = None,
    ) -> None:
        super().__init__(scope, id)
        size = size or DomainSize()
        self.size: DomainSize = size
        """How large it is."""
        if not cdk.Token.is_unresolved(list(placement.subnet_ids)) and len(placement.subnet_ids) != ZONES:
            raise DomainError(f"domain is given {len(placement.subnet_ids)} subnets, expected {ZONES} in as many zones")
        name = domain_name(self)
        self.security_group: ec2.CfnSecurityGroup = ec2.CfnSecurityGroup(
            self,
            "SecurityGroup",
            group_description="Reaches the search domain of the audit trail",
            vpc_id=placement.vpc_id,
            security_group_egress=[
                ec2.CfnSecurityGroup.EgressProperty(
                    ip_protocol="tcp", from_port=HTTPS, to_port=HTTPS, cidr_ip="0.0.0.0/0", description="HTTPS"
                )
            ],
        )
        """What is in it may talk to the domain, on port 443."""
        own = ec2.CfnSecurityGroup(
            self,
            "DomainSecurityGroup",
            group_description="The search domain of the audit trail",
            vpc_id=placement.vpc_id,
            security_group_ingress=[
                ec2.CfnSecurityGroup.IngressProperty(
                    ip_protocol="tcp",
                    from_port=HTTPS,
                    to_port=HTTPS,
                    source_security_group_id=self.security_group.attr_group_id,
                    description="HTTPS from what writes and searches",
                )
            ],
            # Without a rule of its own a security group may send anywhere; the domain has nobody to send to.
            security_group_egress=[
                ec2.CfnSecurityGroup.EgressProperty(
                    ip_protocol="icmp", from_port=252, to_port=86, cidr_ip="255.255.255.255/32", description="Nothing"
                )
            ],
        )
        publishing, log_policy = self._logs(key, log_retention)
        self.domain: opensearch.CfnDomain = opensearch.CfnDomain(
            self,
            "Resource",
            domain_name=name,
            engine_version=(engine_version or opensearch.EngineVersion.OPENSEARCH_3_5).version,
            cluster_config=cluster_config(size),
            ebs_options=opensearch.CfnDomain.EBSOptionsProperty(
                ebs_enabled=True, volume_type="gp3", volume_size=size.gib
            ),
            encryption_at_rest_options=opensearch.CfnDomain.EncryptionAtRestOptionsProperty(
                enabled=True, kms_key_id=key.key_id
            ),
            node_to_node_encryption_options=opensearch.CfnDomain.NodeToNodeEncryptionOptionsProperty(enabled=True),
            domain_endpoint_options=opensearch.CfnDomain.DomainEndpointOptionsProperty(
                enforce_https=True, tls_security_policy=_TLS
            ),
            vpc_options=opensearch.CfnDomain.VPCOptionsProperty(
                subnet_ids=list(placement.subnet_ids), security_group_ids=[own.attr_group_id]
            ),
            # Bulk requests of the pipeline name their indexes in the body; who may write which, the domain's roles say.
            advanced_options={
                "rest.action.multi.allow_explicit_index": "true",
                "override_main_response_version": "false",
            },
            log_publishing_options=publishing,
            software_update_options=opensearch.CfnDomain.SoftwareUpdateOptionsProperty(
                auto_software_update_enabled=True
            ),
            off_peak_window_options=opensearch.CfnDomain.OffPeakWindowOptionsProperty(enabled=True),
        )
        """The domain."""
        self.domain.add_resource_dependency(log_policy)
        self.domain.apply_removal_policy(cdk.RemovalPolicy.RETAIN)
        self.domain.cfn_options.update_policy = cdk.CfnUpdatePolicy(enable_version_upgrade=True)
        self.domain_arn: str = domain_arn(name)
        """Its ARN, with pseudo parameters, and without a reference to it."""
        self.name: str = name
        """Its name."""
        self.endpoint: str = cdk.Fn.join("", ["https://", self.domain.attr_domain_endpoint])
        """Its URL."""
        accept_risk(
            self.domain,
            nag=["AwsSolutions::AwsSolutions-OS3"],
            reason="it is in a VPC, takes requests of two named roles alone, and one security group reaches it",
        )
        accept_risk(
            self.security_group,
            checkov=["CKV_AWS_382"],
            reason="the prefix lists of S3 and DynamoDB have no name before a lookup; the subnets lead nowhere else",
        )

    def open_to(self, *, master_arn: str, writers: Sequence[str]) -> None:
        """Say who may use the domain.

        Args:
            master_arn: ARN of the role that may do everything in it.
            writers: ARNs of roles that may send requests; what they may do in it, its own roles say.
        """
        self.domain.advanced_security_options = opensearch.CfnDomain.AdvancedSecurityOptionsInputProperty(
            enabled=True,
            internal_user_database_enabled=False,
            master_user_options=opensearch.CfnDomain.MasterUserOptionsProperty(master_user_arn=master_arn),
        )
        self.domain.access_policies = policy_json(_access(self.name, [master_arn, *writers]))

    def _logs(
        self, key: kms.IKey, retention: logs.RetentionDays
    ) -> tuple[dict[str, opensearch.CfnDomain.LogPublishingOptionProperty], logs.CfnResourcePolicy]:
        """Make the log groups, and the resource policy that lets the service write to them.

        An account has ten such policies in a Region; the CDK's own way to make one is a custom resource.
        """
        groups = {
            kind: logs.LogGroup(
                self,
                "".join(word.title() for word in kind.split("_")),
                encryption_key=key,
                retention=retention,
                removal_policy=cdk.RemovalPolicy.RETAIN,
            )
            for kind in _LOGS
        }
        write = Statement(
            "PipelineDomainLogs",
            "Allow",
            ("logs:CreateLogStream", "logs:PutLogEvents"),
            resources=tuple(group.log_group_arn for group in groups.values()),
            principals=(("Service", "es.amazonaws.com"),),
            conditions=(("StringEquals", "aws:SourceAccount", (ACCOUNT,)),),
        )
        stack = cdk.Stack.of(self)
        policy = logs.CfnResourcePolicy(
            self,
            "LogPolicy",
            policy_name=cdk.Names.unique_resource_name(self, max_length=60),
            policy_document=stack.to_json_string(policy_json(PolicyDocument("logs of the domain", (write,)))),
        )
        options = {
            kind: opensearch.CfnDomain.LogPublishingOptionProperty(
                enabled=True, cloud_watch_logs_log_group_arn=group.log_group_arn
            )
            for kind, group in groups.items()
        }
        return options, policy


def domain_name(construct: Construct) -> str:
    """Return a name for a domain, the same at every synthesis: policies name it before it is there."""
    name = cdk.Names.unique_resource_name(construct, max_length=_NAME_LENGTH, separator="-").lower()
    return name if name[0].isalpha() else f"d{name[1:]}"


def domain_arn(name: str) -> str:
    """Return a domain's ARN, with pseudo parameters."""
    return f"arn:{PARTITION}:es:{REGION}:{ACCOUNT}:domain/{name}"


def _access(name: str, roles: Sequence[str]) -> PolicyDocument:
    return PolicyDocument(
        "access to the domain",
        (
            Statement(
                "PipelineDomainAccess",
                "Allow",
                ("es:ESHttp*",),
                resources=(f"{domain_arn(name)}/*",),
                principals=tuple(("AWS", role) for role in roles),
                reason="what each may do in the domain is said by its own roles",
            ),
        ),
    )
