"""The deployments that the tests of the whole workflow share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from sudo_mcp_guardrails.local.embedded.launcher import EmbeddedAws
from sudo_mcp_guardrails.local.oidc import OidcProvider, Person
from tests.local.approvals import app
from tests.local.approvals.site import Site

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.integration


@pytest.fixture(scope="session")
def provider() -> Iterator[OidcProvider]:
    """Where people sign in."""
    with OidcProvider([Person(name, f"made up for {name}") for name in app.PEOPLE]) as running:
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

    def get(account: str, aws: EmbeddedAws = workflow_aws, **spec: bool) -> Site:
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
