"""``mcp-guardrails trail verify``: whether a store, and CloudTrail's own files, are what was written.

Summary keys: ``checked`` (segments of the store, digests, and files that digests name), ``missing`` (of these, named
and not there), ``repaired`` (always 0: verifying changes nothing), ``broken`` (findings that are not ``missing``),
``events`` (in segments that are whole), ``segments``, ``published`` (heads that the store was compared with),
``digests`` (that hold), ``proved`` (files that a digest proves). Items: ``where`` (``store``, ``digest`` or ``log``),
``name``, ``status``, ``reason``. The exit code is 1 where anything is missing or broken.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.text import Text

from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.cli.output import Answer, JsonOption, answering
from sudo_mcp_guardrails.cli.trail.bars import bar
from sudo_mcp_guardrails.cli.trail.comparing import KeysOption, check_digests
from sudo_mcp_guardrails.cli.trail.places import (
    EndpointOption,
    ProfileOption,
    RegionOption,
    SinceOption,
    UntilOption,
    access,
    days,
    open_source,
)
from sudo_mcp_guardrails.cli.trail.stores import StoreOption, that_store

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sudo_mcp_guardrails.trail.digests.verify import Verdict
    from sudo_mcp_guardrails.trail.heads import DailyHead

_MAX_ITEMS: Final = 10_000
_SHOWN: Final = 50
_MAX_HEAD_BYTES: Final = 64 * 1024


def verify(
    *,
    store: StoreOption = None,
    published: Annotated[
        list[Path] | None,
        typer.Option("--published", metavar="PATH", help="A head that was published, or a directory; repeatable."),
    ] = None,
    digests: Annotated[
        str | None, typer.Option("--digests", metavar="DIR|s3://…", help="Where CloudTrail's digests and files are.")
    ] = None,
    public_keys: KeysOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    endpoint_url: EndpointOption = None,
    profile: ProfileOption = None,
    region: RegionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Recompute the hash chain of a store, and check CloudTrail's digests and the files that they name."""
    with answering(as_json=as_json) as answer:
        if store is None and digests is None:
            raise InputError("verify needs --store, --digests or both, expected what to verify")
        if published and store is None:
            raise InputError("--published goes with --store, expected the store that the heads are of")
        if digests is None and (public_keys is not None or since is not None or until is not None):
            raise InputError("--public-keys, --since and --until go with --digests")
        found = _Found()
        if store is not None:
            _store(that_store(store), published or (), found, answer)
        if digests is not None:
            source = open_source(digests, aws := access(profile, region, endpoint_url), days(since, until))
            with bar(answer, "checking digests") as shown:
                for verdict in check_digests(source, public_keys, until, aws):
                    found.add(verdict)
                    shown.to(found.checked)
                    shown.note(f"{found.missing} missing, {found.broken} broken")
            if not found.digests and not found.bad_digests:
                raise InputError(
                    f"there is no digest in {digests!r}, expected what CloudTrail writes to CloudTrail-Digest"
                )
        _say(found, answer)
        answer.finish(ok=not found.missing and not found.broken, summary=found.summary(), items=found.items)


class _Found:
    """What was found, in numbers, and what is wrong."""

    def __init__(self) -> None:
        self.checked = self.missing = self.broken = 0
        self.events = self.segments = self.published = 0
        self.digests = self.proved = self.bad_digests = 0
        self.items: list[dict[str, Any]] = []

    def add(self, verdict: Verdict) -> None:
        """Take in what a digest check says."""
        from sudo_mcp_guardrails.trail.digests.verify import Status

        self.checked += 1
        is_digest = verdict.kind == "digest"
        if verdict.status is Status.VALID:
            self.digests += is_digest
            self.proved += not is_digest
            return
        if not verdict.good:
            self.bad_digests += is_digest
            if verdict.status is Status.MISSING:
                self.missing += 1
            else:
                self.broken += 1
        self.note(verdict.kind, verdict.name, verdict.status.value, verdict.reason)

    def note(self, where: str, name: str, status: str, reason: str | None) -> None:
        """Keep an item, unless there are too many."""
        if len(self.items) < _MAX_ITEMS:
            self.items.append({"where": where, "name": name, "status": status, "reason": reason})

    def summary(self) -> dict[str, int]:
        """Return the numbers."""
        return {
            "checked": self.checked,
            "missing": self.missing,
            "repaired": 0,
            "broken": self.broken,
            "events": self.events,
            "segments": self.segments,
            "published": self.published,
            "digests": self.digests,
            "proved": self.proved,
        }


def _store(store: Path, published: Sequence[Path], found: _Found, answer: Answer) -> None:
    from sudo_mcp_guardrails.trail.sinks.duckdb_verify import verify as verify_store

    heads = _heads(published)
    with bar(answer, "verifying the store") as shown:
        told = verify_store(store, published=heads, progress=shown.to)
    found.checked += told.checked
    found.segments = told.checked
    found.events = told.events
    found.published = len(heads)
    found.missing += told.missing
    for line in told.broken:
        place, separator, reason = line.partition(": ")
        found.broken += 1
        found.note("store", place if separator else str(store), "broken", reason or line)


def _heads(paths: Sequence[Path]) -> list[DailyHead]:
    """Return the heads in files, and in directories of them."""
    from sudo_mcp_guardrails.trail.errors import TrailError
    from sudo_mcp_guardrails.trail.heads import parse_daily_head

    heads: list[DailyHead] = []
    for path in paths:
        files = sorted(path.rglob("*.json")) if path.is_dir() else [path]
        if not files:
            raise InputError(f"--published {str(path)!r} holds no head, expected what 'trail publish' wrote")
        for file in files:
            try:
                with file.open("rb") as stream:
                    document = stream.read(_MAX_HEAD_BYTES)
            except OSError as error:
                raise InputError(f"--published {str(file)!r} cannot be read: {error.strerror}") from error
            try:
                heads.append(parse_daily_head(document))
            except TrailError as error:
                raise InputError(f"--published {str(file)!r}: {error}") from error
    return heads


def _say(found: _Found, answer: Answer) -> None:
    from sudo_mcp_guardrails.trail.trace.text import shown

    for item in found.items[:_SHOWN]:
        line = Text.assemble((item["status"], "red"), f" {shown(item['name'])}")
        if item["reason"]:
            line.append(f": {shown(item['reason'])}")
        answer.text.print(line, soft_wrap=True)
    if len(found.items) > _SHOWN:
        answer.text.print(f"… and {len(found.items) - _SHOWN} more; --json lists them")
    parts = []
    if found.segments or not found.digests:
        parts.append(f"{found.segments} segments with {found.events} events, {found.published} published heads")
    if found.digests or found.bad_digests:
        parts.append(f"{found.digests} digests hold, and prove {found.proved} files")
    answer.text.print(f"{'; '.join(parts)}: {found.missing} missing, {found.broken} broken")
