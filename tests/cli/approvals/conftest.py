"""Evidence that the workflow's functions made, on disk, and a command that works on it."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from sudo_mcp_guardrails import cli
from sudo_mcp_guardrails.approval.trust_ledger.policy import TrustPolicy
from sudo_mcp_guardrails.approval.trust_ledger.rulings import Introduced
from sudo_mcp_guardrails.cli.approvals import signin
from sudo_mcp_guardrails.handlers import approval_heads
from tests.approval.made import START
from tests.cli.approvals.browser import Browser
from tests.cli.approvals.desk import Desk
from tests.handlers.approval import fakes
from tests.handlers.approval.page_site import Site
from tests.handlers.approval.works import FINGERPRINT, SETTINGS, Works

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Run(Protocol):
    """Runs a command with ``--json``."""

    def __call__(self, *arguments: object, code: int = 0) -> Any:
        """Return what it prints, once its exit code is seen to be the one that is expected."""
        ...


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run ``mcp-guardrails approvals``."""

    def command(*arguments: object, code: int = 0) -> Any:
        capsys.readouterr()
        got = cli.main(["approvals", *map(str, arguments), "--json"])
        printed = capsys.readouterr()
        assert got == code, printed
        return json.loads(printed.out)

    yield command
    # The command line's log goes to a stream that is gone with the test.
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)


@pytest.fixture
def desk(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A terminal before the local site; whoever sits there signs in by a browser."""
    pytest.importorskip("cryptography", reason="the extra is not installed")
    with Site(tmp_path) as site:
        browser = Browser([site.accounts["alice"]])
        monkeypatch.setattr(signin, "open_link", browser.open)
        monkeypatch.setattr(signin, "SECONDS", 8)
        yield Desk(site, run, browser)


class Evidence:
    """The evidence of one approval that was carried out, one that was refused, and a ledger of trust.

    Args:
        directory: to write to.
    """

    def __init__(self, directory: Path) -> None:
        settings = directory / "settings"
        settings.mkdir()
        self.works = works = Works(settings, replace(SETTINGS, trust=TrustPolicy()))
        assert works.place.trust is not None
        works.place.trust.add("release-bot", Introduced(FINGERPRINT, "erin", "a new agent"), "erin")
        self.done, self.refused = self._done(works), works.submitted()
        works.record("refused", self.refused, because="the scanner found =cmd()|'x'!A1")
        self.policy = settings / "approval_settings.json"
        self.directory = directory
        self.bucket = directory / "bucket"
        self.heads = directory / "heads"
        self.keys: list[str] = []
        for name, arn in (
            ("evidence", fakes.EVIDENCE_KEY),
            ("decision", fakes.DECISION_KEY),
            ("trust", fakes.TRUST_KEY),
        ):
            file = directory / f"{name}.der"
            file.write_bytes(works.kms.keys[arn].public.der())
            self.keys += [f"--{name}-key", f"{arn}={file}"]
        works.time = START + 86_400
        approval_heads.handler({}, None, works.place)
        self.write()

    @staticmethod
    def _done(works: Works) -> str:
        from sudo_mcp_guardrails.approval.deciding.decision import Verdict

        approval = works.submitted()
        works.decide(approval, "alice", Verdict.APPROVE)
        works.record("ended", approval, execution=works.start(approval), outcome="executed", detail="", deviations=[])
        return approval

    def write(self) -> None:
        """Write both buckets to disk, as a copy of them is."""
        for (bucket, key), versions in self.works.s3.objects.items():
            root = self.heads if bucket == "other-account" else self.bucket
            file = root / key
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(versions[-1][1])

    def file(self, chain: str, number: int) -> Path:
        """Where a record is."""
        return self.bucket / "records" / chain / f"{number:08d}.json"

    def record(self, chain: str, number: int) -> dict[str, Any]:
        """What a record says."""
        found: dict[str, Any] = json.loads(self.file(chain, number).read_bytes())
        return found

    def put(self, chain: str, number: int, document: dict[str, Any]) -> None:
        """Write something else in a record's place."""
        self.file(chain, number).write_text(json.dumps(document))


@pytest.fixture
def evidence(tmp_path: Path) -> Evidence:
    """Evidence on disk."""
    return Evidence(tmp_path)
