"""A terminal at which somebody sits, and the site that it reaches."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.cli.approvals.browser import Browser
    from tests.cli.approvals.conftest import Run
    from tests.handlers.approval.page_site import Site


class Desk:
    """A terminal at which somebody sits, and the site that it reaches."""

    def __init__(self, site: Site, run: Run, browser: Browser) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        from sudo_mcp_guardrails.local.oidc import Client

        self.site, self.browser, self._run = site, browser, run
        site.provider.register(Client("approvals", (site.url, f"http://localhost:{self.port}/callback")))
        self.options = ("--url", site.url, "--redirect-port", str(self.port))

    def sits(self, *names: str) -> None:
        self.browser.people[:] = [self.site.accounts[name] for name in names]

    def run(self, *arguments: object, code: int = 0) -> Any:
        return self._run(*arguments, *self.options, code=code)

    def digest(self, approval: str) -> str:
        return self.site.works.case(approval).digest

    def decide(self, verdict: str, approval: str, *more: str, code: int = 0) -> Any:
        return self.run(verdict, approval, "--digest", self.digest(approval), *more, code=code)
