"""IAM users decide by the function's URL, with a code of their device, and nothing else of theirs is taken."""

from __future__ import annotations

import io
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from sudo_mcp_guardrails import cli
from sudo_mcp_guardrails.approval.moments import written
from sudo_mcp_guardrails.cli.approvals import iam_user
from tests.cli.approvals.function_site import REGION, SERIAL, USERS, FunctionSite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.cli.approvals.conftest import Run

CODE = "123456"
NEXT = "234567"
PRODUCTION = {"environment": "production", "account": "333333333333", "region": "eu-central-1"}


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FunctionSite]:
    """The function, and a configuration of AWS with a profile for each of its users."""
    with FunctionSite(tmp_path, CODE, NEXT) as made:
        profiles = [
            f"[profile {key.removeprefix('AKIA').lower()}]\nregion = {REGION}\nendpoint_url = {made.url}\n"
            f"mfa_serial = {SERIAL}\naws_access_key_id = {key}\naws_secret_access_key = secret-of-{key}\n"
            for key in USERS
        ]
        more = (
            "[default]\nmfa_serial = none of\n"
            f'[profile "a role"]\nrole_arn = arn:aws:iam::111111111111:role/r\nmfa_serial = {SERIAL}\n'
            f"[profile nowhere]\nmfa_serial = {SERIAL}\naws_access_key_id = a\naws_secret_access_key = b\n"
        )
        config = tmp_path / "config"
        config.write_text("\n".join(profiles) + more)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_REGION"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
        monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
        yield made


def options(site: FunctionSite, who: str = "alice", code: str = CODE) -> tuple[str, ...]:
    return ("--url", site.url, "--profile", who, *(("--mfa-code", code) if code else ()))


def decide(run: Run, site: FunctionSite, approval: str, *more: str, who: str = "alice", code: int = 0) -> Any:
    digest = site.works.case(approval).digest
    return run("approve", approval, "--digest", digest, *more, *options(site, who), code=code)


def test_an_iam_user_approves_with_a_code(site: FunctionSite, run: Run) -> None:
    approval = site.works.submitted(**PRODUCTION)
    found = decide(run, site, approval, "--comment", "read it")["summary"]
    assert (found["state"], found["counted"], found["refused"]) == ("approved", True, "")
    (decision,) = site.works.case(approval).of_kind("decision")
    assert decision.body["statement"]["approver"] == USERS["AKIAALICE"]
    assert decision.body["factor"]["kind"] == "mfa"
    assert site.asked[:2] == ["GetSessionToken", "GetCallerIdentity"]
    assert site.asked.count("GetSessionToken") == 1


def test_he_reads_lends_and_ends(site: FunctionSite, run: Run) -> None:
    approval = site.works.submitted()
    assert [each["approval"] for each in run("list", "--state", "all", *options(site))["items"]] == [approval]
    ends = written(int(time.time()) + 86_400)
    what = ("--until", ends, "--reason", "on leave")
    made = run("delegate", "erin@example.com", *what, *options(site, code=NEXT))["summary"]
    assert made["did"] == "made"
    site.codes.append("345678")
    ended = run("delegate", "--end", made["delegation"], *options(site, "erin", "345678"))["summary"]
    assert ended["did"] == "ended"


def test_a_code_is_good_once_and_another_is_none(site: FunctionSite, run: Run) -> None:
    approval = site.works.submitted()
    decide(run, site, approval)
    for code in (CODE, "999999"):
        found = run("show", approval, *options(site, code=code), code=2)
        assert "invalid MFA one time pass code" in found["error"]
    assert "expected 6 digits" in run("show", approval, *options(site, code="12345"), code=2)["error"]
    assert "expected --mfa-code" in run("show", approval, *options(site, code=""), code=2)["error"]


def test_the_requester_decides_nothing_by_this_path_either(site: FunctionSite, run: Run) -> None:
    approval = site.works.submitted(**PRODUCTION)
    found = decide(run, site, approval, who="rita", code=1)["summary"]
    assert (found["counted"], bool(found["refused"])) == (False, True)
    assert found["state"] == "pending"


def test_a_request_that_is_younger_than_the_second_factor_may_be_does_not_count(site: FunctionSite, run: Run) -> None:
    site.works.time = time.time()
    approval = site.works.submitted()
    found = decide(run, site, approval, code=1)["summary"]
    assert "older than the request" in found["refused"]
    assert found["state"] == "pending"
    assert site.works.kinds(approval) == ["request", "view", "view", "decision"]


def test_a_session_that_is_too_old_to_count_takes_another_code(
    site: FunctionSite, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    approval = site.works.submitted()
    monkeypatch.setattr(iam_user, "_RENEWED", -1)
    assert "expected --mfa-code" in decide(run, site, approval, code=2)["error"]
    assert site.asked == ["GetSessionToken", "GetCallerIdentity"]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_at_a_terminal_the_code_is_asked_and_no_secret_is_printed(
    site: FunctionSite, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    approval = site.works.submitted()
    digest = site.works.case(approval).digest
    monkeypatch.setattr(sys, "stdin", Terminal(f"{CODE}\n{digest[-8:]}\n"))
    arguments = ["--verbose", "approvals", "approve", approval, *options(site, code="")]
    assert cli.main(arguments) == 0
    printed = capsys.readouterr()
    text = printed.out + printed.err
    assert "code of your MFA device: " in text
    assert not [each for each in ("session-secret", "session-token", "secret-of") if each in text]
    assert [each.kind for each in site.works.case(approval).of_kind("decision")] == ["decision"]


@pytest.mark.parametrize(
    ("profile", "reason"),
    [
        ("default", "has mfa_serial 'none of'"),
        ("unknown", "has mfa_serial ''"),
        ("a role", "roles decide nothing"),
        ("nowhere", "names no region"),
    ],
)
def test_a_profile_that_is_no_users_is_refused_before_anything_is_asked(
    site: FunctionSite, run: Run, profile: str, reason: str
) -> None:
    assert reason in run("list", *options(site, profile), code=2)["error"]
    assert not site.asked


def test_a_configuration_that_is_none_is_told(
    site: FunctionSite, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "broken").write_text("mfa_serial = x")
    for name in ("broken", "missing"):
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / name))
        assert "cannot be read" in run("list", *options(site), code=2)["error"]


def test_a_functions_address_goes_with_a_profile_and_names_its_region(run: Run) -> None:
    url = "https://abc123.lambda-url.eu-west-1.on.aws/"
    assert iam_user.function_region(url) == "eu-west-1"
    assert not iam_user.function_region("https://abc123.lambda-url.eu-west-1.on.aws.example.com/")
    assert "expected --profile" in run("list", "--url", url, code=2)["error"]
    assert "goes with --profile" in run("list", "--url", url, "--mfa-code", CODE, code=2)["error"]
