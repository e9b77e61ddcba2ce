"""``mcp-guardrails approvals enrol-code``: an administrator hands out a code by which a person enrols a passkey.

Where the identity provider does not say how somebody signed in, as Amazon Cognito's user pools, a sign-in alone enrols
no key: it takes a code besides, of one use and for one person. Nobody can prove anything to the API before that, so the
code does not come by it: whoever may write the table of credentials offers one. Of the code only a hash is kept. Hand
it to the person himself, and not by the mail box that his password is reset by.

Summary keys: ``person``, ``code``, ``ends``, ``minutes``, ``by`` (ARN of who offers it), ``keys`` (that the person has
already; a first code is for who has none), ``known`` (whether the policy knows the person; null without ``--policy``).
"""

from __future__ import annotations

import secrets
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from sudo_mcp_guardrails.cli.approvals.files import asking
from sudo_mcp_guardrails.cli.approvals.printing import line
from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.cli.output import JsonOption, answering
from sudo_mcp_guardrails.cli.trail.places import EndpointOption, ProfileOption, RegionOption, access

MINUTES: Final = 60
MAX_MINUTES: Final = 1_440
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that are taken for each other where somebody reads a code out."""
_PARTS: Final = 5
_PART: Final = 5
"""25 letters of 31: 123 bits, which nobody guesses at 50 requests a second."""


def enrol_code(
    person: Annotated[
        str, typer.Argument(metavar="PERSON", help="Who may enrol a key, by a name that the policy has.")
    ],
    *,
    table: Annotated[str, typer.Option("--table", metavar="NAME", help="The workflow's table of credentials.")],
    minutes: Annotated[
        int, typer.Option("--minutes", min=1, max=MAX_MINUTES, help="How long the code can be used.")
    ] = MINUTES,
    policy: Annotated[
        Path | None,
        typer.Option(
            "--policy", metavar="FILE", help="approval_settings.json, to find the person in; else not checked."
        ),
    ] = None,
    endpoint_url: EndpointOption = None,
    profile: ProfileOption = None,
    region: RegionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Offer somebody a code of one use, by which he enrols a passkey on the page; shown once."""
    from sudo_mcp_guardrails.approval.moments import written
    from sudo_mcp_guardrails.approval.store.credentials import CredentialStore

    with answering(as_json=as_json) as answer:
        name = _person(person, policy)
        aws = access(profile, region, endpoint_url)
        with asking("who offers the code", "told"):
            by = str(aws.client("sts").get_caller_identity()["Arn"])
        store = CredentialStore(aws.client("dynamodb"), table)
        code = "-".join("".join(secrets.choice(_LETTERS) for _ in range(_PART)) for _ in range(_PARTS))
        now = int(time.time())
        ends = now + minutes * 60
        with asking(f"table {table!r}", "used"):
            keys = len(store.of(name))
            store.offer_code(name, code, by=by, created=now, ends=ends)
        if policy is None:
            answer.report(f"no --policy: whether it knows {name!r} was not checked, and a code for nobody does nothing")
        if keys:
            answer.report(f"{name!r} has {keys} keys already: who asked for the code?")
        line(answer, code)
        line(answer, f"for {name}, once, until {written(ends)} ({minutes} minutes); it is not shown again")
        summary = {
            "person": name,
            "code": code,
            "ends": written(ends),
            "minutes": minutes,
            "by": by,
            "keys": keys,
            "known": None if policy is None else True,
        }
        answer.finish(ok=True, summary=summary)


def _person(given: str, policy: Path | None) -> str:
    """Return a person as the API compares him, by the policy where it is given.

    Raises:
        InputError: the policy does not know him, or the file is none.
        DecisionError: the name is out of bounds.
    """
    from sudo_mcp_guardrails.approval.bounds import check_name
    from sudo_mcp_guardrails.approval.deciding.people import plain
    from sudo_mcp_guardrails.cli.approvals.verify import read_policies

    name = plain(given)
    check_name("person", name)
    if policy is None:
        return name
    (known,) = read_policies([policy]).approval.values()
    found = known.people.of(name)
    if found is None:
        raise InputError(
            f"person {given[:80]!r} is nobody that {str(policy)!r} knows, expected a name or an identity of it"
        )
    return found
