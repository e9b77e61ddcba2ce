"""The deployments that the tests of the whole workflow share."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws
from sudo_mcp_guardrails.local.oidc import OidcProvider, Person
from tests.local.approvals import app
from tests.local.approvals.site import Site
from tests.local.hooks import Hooks

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

pytestmark = pytest.mark.integration
SECOND_ACCOUNT = "310000000005"
HEADS_BUCKET = "approval-heads-of-the-second-account"


@pytest.fixture(scope="session")
def provider() -> Iterator[OidcProvider]:
    """Where people sign in."""
    people = [Person(name, f"made up for {name}") for name in app.PEOPLE]
    people = [replace(each, amr=("pwd",)) if each.username == "kim" else each for each in people]
    with OidcProvider(people) as running:
        yield running


@pytest.fixture(scope="session")
def workflow_aws() -> Iterator[EmbeddedAws]:
    """An embedded AWS that waits a twentieth of the time between polls and tries."""
    with EmbeddedAws(wait_scale=0.05) as running:
        yield running


@pytest.fixture(scope="session")
def deployed(
    workflow_aws: EmbeddedAws, provider: OidcProvider, tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Site]:
    """`deployed(account, aws, **spec)`: the workflow in an account, deployed once each."""
    known: dict[str, Site] = {}

    def get(account: str, aws: EmbeddedAws = workflow_aws, **spec: Any) -> Site:
        if account not in known:
            folder = tmp_path_factory.mktemp("site")
            made = Site(aws, provider, app.Spec(account, provider.issuer, folder / "faults", **spec), folder)
            made.deploy()
            known[account] = made
        return known[account]

    return get


@pytest.fixture(scope="session")
def site(deployed: Callable[..., Site]) -> Site:
    """The workflow without a scanner; nothing earns trust."""
    return deployed("310000000001")


@pytest.fixture(scope="session")
def hooks() -> Iterator[Hooks]:
    """Where notices go, beside the topic."""
    made = Hooks()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def reaching(deployed: Callable[..., Site], workflow_aws: EmbeddedAws, hooks: Hooks) -> Site:
    """The workflow with all that it reaches: webhooks, a second account's bucket, passkeys, and a build."""
    account = "310000000004"
    _heads_bucket(workflow_aws, account)
    port = workflow_aws.endpoint_url.rsplit(":", 1)[1]
    return deployed(account, hooks=hooks.url, heads=HEADS_BUCKET, origin=f"http://{app.DOMAIN}:{port}", terraform=True)


def _heads_bucket(aws: EmbeddedAws, publisher: str) -> None:
    """Make the second account's bucket, which lets the first one write, as its own roles may, and nobody take away.

    At AWS it would name the publisher's role; ministack lets no role of another account in by its own ARN.
    """
    heads = f"arn:aws:s3:::{HEADS_BUCKET}/heads/*"
    statements: list[Mapping[str, Any]] = [
        {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{publisher}:root"},
            "Action": "s3:PutObject",
            "Resource": heads,
        },
        {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject*", "Resource": heads},
    ]
    s3 = aws.client("s3", account=SECOND_ACCOUNT, region=app.REGION)
    s3.create_bucket(Bucket=HEADS_BUCKET)
    s3.put_bucket_versioning(Bucket=HEADS_BUCKET, VersioningConfiguration={"Status": "Enabled"})
    policy = {"Version": "2012-10-17", "Statement": statements}
    s3.put_bucket_policy(Bucket=HEADS_BUCKET, Policy=json.dumps(policy))
