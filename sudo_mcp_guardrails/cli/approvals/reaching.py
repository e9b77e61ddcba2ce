"""Options that say where the API is, and what is asked of it by every command."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote

import typer

from sudo_mcp_guardrails.cli.approvals.api import Api, ApiError
from sudo_mcp_guardrails.cli.approvals.iam_user import IamSession, IamSignIn, function_region
from sudo_mcp_guardrails.cli.approvals.signin import Session, SignIn
from sudo_mcp_guardrails.cli.errors import InputError

if TYPE_CHECKING:
    from sudo_mcp_guardrails.cli.output import Answer

FIRST: Final = 500
"""Changes of a plan that are shown, unless all are asked for."""
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{7,63}", re.ASCII)

UrlOption = Annotated[
    str,
    typer.Option(
        "--url",
        metavar="URL",
        envvar="MCP_GUARDRAILS_APPROVALS_URL",
        help="Address of the approval page; for IAM users, of the function.",
        show_default=False,
    ),
]
PortOption = Annotated[
    int,
    typer.Option(
        "--redirect-port",
        min=1024,
        max=65535,
        help="Port of http://localhost:PORT/callback, which the identity provider must know.",
    ),
]
ProfileOption = Annotated[
    str,
    typer.Option(
        "--profile",
        metavar="NAME",
        help="Act as the IAM user of this profile of the AWS configuration, with a code of its mfa_serial.",
        show_default=False,
    ),
]
CodeOption = Annotated[
    str,
    typer.Option(
        "--mfa-code", metavar="CODE", help="Code of the MFA device, with --profile; asked for where it is left out."
    ),
]
IdArgument = Annotated[str, typer.Argument(metavar="ID", help="The approval's id, such as apr-….")]
AllOption = Annotated[bool, typer.Option("--all", help=f"All changes of the plan, and not the first {FIRST}.")]


@dataclass(frozen=True)
class Entrance:
    """How somebody gets to the API.

    Attributes:
        url: of the page, or of the function.
        port: of the sign-in's redirect.
        profile: of an IAM user; empty for a sign-in.
        code: of his MFA device; empty where he is to be asked.
    """

    url: str
    port: int
    profile: str = ""
    code: str = ""


@dataclass(frozen=True)
class Reached:
    """An API, and somebody who signed in to it.

    Attributes:
        api: itself.
        sign_in: for a further, fresh sign-in.
        session: of who signed in.
        page: URL of the page.
    """

    api: Api
    sign_in: SignIn | IamSignIn
    session: Session | IamSession
    page: str

    def get(self, path: str) -> dict[str, Any]:
        """Ask; raises ApiError."""
        return self.api.get(path, self.session)

    def post(self, path: str, body: dict[str, Any], session: Session | IamSession | None = None) -> dict[str, Any]:
        """State something, by a fresh session where one is given; raises ApiError."""
        return self.api.post(path, session or self.session, body, self.page)

    def again(self, challenge: str) -> Session | IamSession:
        """Have the same person sign in afresh, for just what the challenge is of.

        The code of an IAM user's device is bound to nothing, and AWS takes each once: his session of this run is the
        proof, which asks for another code where it is too old to be one.

        Raises:
            ApiError: nobody did, or it was somebody else.
        """
        if isinstance(self.session, IamSession):
            return self.session
        found = self.sign_in.fresh(challenge, self.session.username)
        if found.identity != self.session.identity:
            raise ApiError(0, f"{found.identity!r} signed in, expected {self.session.identity!r}: nothing was decided")
        return found


def reach(entrance: Entrance, answer: Answer) -> Reached:
    """Have somebody sign in to the API.

    Args:
        entrance: where, and how.
        answer: is told the link, or asks for a code.

    Raises:
        InputError: no URL is given, or it does not go with how it is to be reached.
        ApiError: the API cannot be reached, or nobody signs in.
    """
    url = entrance.url
    if not url:
        raise InputError("--url is missing, expected the approval page's address, or MCP_GUARDRAILS_APPROVALS_URL")
    api = Api(url)
    if entrance.profile:
        user = IamSignIn(entrance.profile, url, entrance.code, answer)
        return Reached(api, user, user.fresh(), api.url)
    if entrance.code:
        raise InputError("--mfa-code goes with --profile, expected the profile of an IAM user")
    if function_region(url):
        raise InputError(f"--url {url[:200]!r} is a function's, which IAM users alone can reach, expected --profile")
    settings = api.settings()
    for name in ("issuer", "clientId", "redirectUri"):
        if not settings.get(name):
            raise ApiError(0, f"{api.url}config.json has no {name}")
    sign_in = SignIn(settings, entrance.port, answer.report)
    return Reached(api, sign_in, sign_in.fresh(), settings["redirectUri"])


def approval_path(approval: str) -> str:
    """Return the path of an approval; raises InputError where the id is none."""
    if not _ID.fullmatch(approval):
        raise InputError(f"approval {approval[:80]!r} is none, expected 8 to 64 letters, digits, '_' and '-'")
    return f"api/approvals/{approval}"


def changes_of(reached: Reached, seen: dict[str, Any], *, everything: bool) -> list[dict[str, Any]]:
    """Return the changes of an approval's plan.

    Args:
        reached: to ask.
        seen: what the API shows of it, with the first ones.
        everything: whether to ask for all of them.

    Raises:
        ApiError: the API does not answer.
    """
    part = seen["changes"]
    found = list(part["items"])
    while part["next"] is not None and (everything or len(found) < FIRST):
        part = reached.get(f"{approval_path(seen['approval'])}/changes?offset={quote(str(part['next']))}")
        found += part["items"]
    return found
