"""Who approvers are: the provider that they sign in at, and the directory that says which groups they are in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import aws_cdk as cdk

from sudo_mcp_guardrails.constructs.approval.names import WorkflowError
from sudo_mcp_guardrails.iam.documents import Statement
from sudo_mcp_guardrails.policies.naming import ACCOUNT, PARTITION

if TYPE_CHECKING:
    from aws_cdk import aws_cognito as cognito
    from aws_cdk import aws_dynamodb as dynamodb

_STORE: Final = re.compile(r"d-[0-9a-f]{10}|[0-9a-f-]{36}")


@dataclass(frozen=True)
class ApprovalIdentity:
    """The provider of OpenID Connect that approvers sign in at. Make one with a class method.

    IAM Identity Center signs in to applications by SAML, which an HTTP API does not take: put a Cognito user pool in
    between, with Identity Center as its SAML provider, and ask Identity Center for the groups
    (:meth:`ApprovalDirectory.identity_center`).

    Args:
        issuer: As ``iss`` in its tokens; the same text stands in the policy's ``Freshness``.
        audience: Id of the page's client, as ``aud`` (or ``client_id``) in its tokens.
        authorize_url: Where the page sends people to sign in. Default: as the issuer's discovery document says, which
            a page must then be able to read.
        token_url: Where it gets tokens. Default: likewise.

    Raises:
        WorkflowError: For an issuer that is no address with https, or no audience.
    """

    issuer: str
    audience: str
    authorize_url: str = ""
    token_url: str = ""

    def __post_init__(self) -> None:
        """Validate."""
        known = not cdk.Token.is_unresolved(self.issuer)
        local = self.issuer.startswith(("http://127.0.0.1:", "http://localhost:"))
        if known and not local and not re.fullmatch(r"https://[^\s/?#]+[^\s?#]*", self.issuer):
            raise WorkflowError(
                f"issuer {self.issuer!r} is not allowed, expected an address with https, without a query"
            )
        if not self.audience:
            raise WorkflowError("an audience that is empty is not allowed, expected the id of the page's client")

    @classmethod
    def oidc(cls, issuer: str, audience: str) -> ApprovalIdentity:
        """Return a provider by its issuer and the id of the page's client, which has no secret and uses PKCE."""
        return cls(issuer, audience)

    @classmethod
    def cognito(
        cls, pool: cognito.IUserPool, client: cognito.IUserPoolClient, *, domain_url: str = ""
    ) -> ApprovalIdentity:
        """Return a Cognito user pool. Its tokens say no ``amr``: people approve with a passkey there.

        Args:
            pool: The pool.
            client: The page's client: without a secret, with the code grant, and the page as callback.
            domain_url: Of the pool's sign-in pages, such as ``https://people.auth.eu-central-1.amazoncognito.com``.
                Default: as the pool's discovery document says.
        """
        region = cdk.Stack.of(pool).region
        return cls(
            f"https://cognito-idp.{region}.{cdk.Aws.URL_SUFFIX}/{pool.user_pool_id}",
            client.user_pool_client_id,
            f"{domain_url}/oauth2/authorize" if domain_url else "",
            f"{domain_url}/oauth2/token" if domain_url else "",
        )


@dataclass(frozen=True)
class ApprovalDirectory:
    """Who says which groups somebody is in, asked at each decision. Make one with a class method.

    Args:
        text: As the functions read it.
        actions: What they may do there.
        resources: On what.
    """

    text: str
    actions: tuple[str, ...]
    resources: tuple[str, ...]

    @classmethod
    def cognito(cls, pool: cognito.IUserPool) -> ApprovalDirectory:
        """Return the groups of a Cognito user pool."""
        return cls(f"cognito:{pool.user_pool_id}", ("cognito-idp:AdminListGroupsForUser",), (pool.user_pool_arn,))

    @classmethod
    def identity_center(cls, identity_store_id: str) -> ApprovalDirectory:
        """Return the groups of IAM Identity Center, which is in this account or has delegated to it.

        Raises:
            WorkflowError: For what is no id of an identity store.
        """
        if not cdk.Token.is_unresolved(identity_store_id) and not _STORE.fullmatch(identity_store_id):
            raise WorkflowError(f"identity store {identity_store_id!r} is not allowed, expected d- and ten digits")
        return cls(
            f"identity-center:{identity_store_id}",
            (
                "identitystore:DescribeGroup",
                "identitystore:GetUserId",
                "identitystore:ListGroupMembershipsForMember",
            ),
            # Service Authorization Reference, "AWS Identity Store": members of a store have ARNs of no account.
            (
                f"arn:{PARTITION}:identitystore::{ACCOUNT}:identitystore/{identity_store_id}",
                *(f"arn:{PARTITION}:identitystore:::{kind}/*" for kind in ("group", "membership", "user")),
            ),
        )

    @classmethod
    def table(cls, table: dynamodb.ITable) -> ApprovalDirectory:
        """Return a table of one's own: key ``identity`` (text), attribute ``groups`` (set of texts)."""
        return cls(f"table:{table.table_name}", ("dynamodb:GetItem",), (table.table_arn,))

    @classmethod
    def iam(cls) -> ApprovalDirectory:
        """Return the groups of this account's IAM users, for those who approve by the function's URL."""
        return cls(
            f"iam:{cdk.Aws.ACCOUNT_ID}",
            ("iam:ListGroupsForUser",),
            (f"arn:{PARTITION}:iam::{ACCOUNT}:user/*",),
        )

    def statement(self, index: int) -> Statement:
        """Return how it is asked; ``index`` makes its Sid one of its own."""
        return Statement(
            f"ApprovalApiGroups{index or ''}",
            "Allow",
            self.actions,
            resources=self.resources,
            reason="asks the directory for the groups of who decides; its members have ids that it chose",
        )
