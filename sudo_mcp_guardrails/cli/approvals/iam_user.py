"""Act as an IAM user who shows a second factor: a session of ``GetSessionToken``, which signs each request.

The function's URL lets no session through whose ``aws:MultiFactorAuthAge`` is over five minutes, so that a session of
before, which an agent may find on this machine, decides nothing. The session made here is kept in memory, and made anew
by another code where somebody reads for longer. The code proves who is there, and not what he decides: a passkey on the
page proves both.

AWS Security Token Service API reference, "GetSessionToken": a session lives 900 seconds or more, and the call takes the
user's own keys and no permission. Codes come from virtual and hardware devices; AWS re:Post, "How do I use an MFA token
to authenticate access to my AWS resources through the AWS CLI": security keys work in the console alone.
"""

from __future__ import annotations

import configparser
import os
import re
import shlex
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from sudo_mcp_guardrails.cli.approvals.files import asking, read_file
from sudo_mcp_guardrails.cli.approvals.sigv4 import SessionKeys, signed_headers
from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.cli.trail.places import access

if TYPE_CHECKING:
    from sudo_mcp_guardrails.cli.output import Answer

_LIFE: Final = 900
"""Seconds that a session lives: AWS makes none that is shorter."""
_RENEWED: Final = 240
"""Seconds after which another code is asked for: from 300 on, no policy of this path lets the session through."""
_CODE: Final = re.compile(r"\d{6}", re.ASCII)
_SERIAL: Final = re.compile(r"[\w+=/:,.@-]{9,256}", re.ASCII)
_FUNCTION: Final = re.compile(r"[a-z0-9]+\.lambda-url\.(?P<region>[a-z0-9-]+)\.on\.aws", re.ASCII)
_USER: Final = re.compile(r"arn:[a-z-]+:iam::\d{12}:user/.+", re.ASCII)


def function_region(url: str) -> str:
    """Return the Region of a function's URL; empty for an address of another form."""
    found = _FUNCTION.fullmatch(urlsplit(url).hostname or "")
    return found["region"] if found else ""


@dataclass
class IamSession:
    """A session of an IAM user, who showed his second factor for it.

    Attributes:
        identity: the user's ARN.
        sign_in: makes the session anew.
        keys: of the session.
        made: when, by the clock that nobody sets.
    """

    identity: str
    sign_in: IamSignIn
    keys: SessionKeys = field(repr=False)
    made: float

    factor = "mfa"
    says_how = True
    username = ""

    def authorize(self, method: str, url: str, body: bytes) -> dict[str, str]:
        """Return the headers of a request; asks for another code where the session is too old to count."""
        if time.monotonic() - self.made > _RENEWED:
            self.keys, self.made = self.sign_in.keys()
        return signed_headers(self.keys, method, url, body, region=self.sign_in.region)


class IamSignIn:
    """Makes sessions of one IAM user.

    Args:
        profile: of the AWS configuration: the user's own keys, and ``mfa_serial``.
        url: of the function; its Region, or the profile's where the address names none.
        code: of the device, for the first session; asked for where it is empty.
        answer: asks.

    Raises:
        InputError: the profile has no ``mfa_serial``, is one of a role, or no Region is known.
        TrailError: there is no such profile.
    """

    def __init__(self, profile: str, url: str, code: str, answer: Answer) -> None:
        self._profile, self._code, self._answer = profile, code, answer
        self._serial = _serial(profile)
        self._aws = access(profile, function_region(url) or None, None)
        self.region = self._aws.region_name or ""
        if not self.region:
            raise InputError(f"profile {profile!r} names no region, expected that of the function")

    def fresh(self, nonce: str = "", who: str = "") -> IamSession:
        """Return a session with a second factor of now.

        Args:
            nonce: of no use here: nothing binds a code to what is decided.
            who: of no use here: the profile says who.

        Raises:
            InputError: nobody can be asked for a code, AWS takes it for none, or the profile is no IAM user's.
        """
        del nonce, who
        keys, made = self.keys()
        with asking(f"who profile {self._profile!r} is", "told"):
            arn = str(self._aws.client("sts").get_caller_identity()["Arn"])
        if not _USER.fullmatch(arn):
            raise InputError(f"profile {self._profile!r} is {arn!r}, expected an IAM user's")
        return IamSession(arn, self, keys, made)

    def keys(self) -> tuple[SessionKeys, float]:
        """Return the keys of a new session, and when it was made; raises InputError."""
        code = self._next_code()
        made = time.monotonic()
        with asking(f"a session of profile {self._profile!r}", "had"):
            answer: dict[str, Any] = self._aws.client("sts").get_session_token(
                SerialNumber=self._serial, TokenCode=code, DurationSeconds=_LIFE
            )
        found = answer["Credentials"]
        return SessionKeys(found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"]), made

    def _next_code(self) -> str:
        code, self._code = self._code, ""
        if not code:
            if self._answer.as_json or not sys.stdin.isatty():
                raise InputError("nobody can be asked for a code of the MFA device, expected --mfa-code")
            code = self._answer.progress.input("code of your MFA device: ").strip()
        if not _CODE.fullmatch(code):
            raise InputError(f"a code of {len(code)} characters is none of an MFA device, expected 6 digits")
        return code


def _serial(profile: str) -> str:
    """Return the MFA device that the AWS configuration names for a profile; raises InputError."""
    path = Path(os.environ.get("AWS_CONFIG_FILE") or "~/.aws/config").expanduser()
    settings = configparser.RawConfigParser()
    try:
        settings.read_string(read_file(path).decode())
    except (ValueError, configparser.Error) as error:
        raise InputError(f"{str(path)!r} cannot be read: {error}") from error
    found = next((dict(settings[name]) for name in settings.sections() if _named(name) == profile), {})
    if found.get("role_arn"):
        raise InputError(f"profile {profile!r} is one of a role, expected an IAM user's: roles decide nothing")
    serial = found.get("mfa_serial", "").strip()
    if not _SERIAL.fullmatch(serial):
        raise InputError(f"profile {profile!r} in {str(path)!r} has mfa_serial {serial[:80]!r}, expected the device's")
    return serial


def _named(section: str) -> str:
    """Return the profile of a section: ``default``, or ``profile NAME`` with quotes as in a shell."""
    try:
        words = shlex.split(section)
    except ValueError:
        return ""
    if len(words) == 2 and words[0] == "profile":  # noqa: PLR2004 - the word and the name
        return words[1]
    return "default" if words == ["default"] else ""
