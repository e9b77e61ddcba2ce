"""``mcp-guardrails approvals export``: the evidence as rows for an auditor: who, what, when, why, on which proof.

Each row says whether its chain is whole: ``yes``, ``no``, or ``not checked`` where no keys are given. The row of a
decision, a delegation or a ruling about trust says whether its proof was verified again: ``verified`` for a passkey's
assertion that holds, ``failed`` with the reason, ``not kept`` for a token or a session, ``older`` for a delegation or a
ruling of before proofs of these were kept, ``not checked``. Summary keys: ``file``, ``format``, ``records``,
``chains``, ``broken``, ``checked``, ``proofs``. Items: those of ``approvals verify``. The exit code is 1 where a chain
is broken; the file is written all the same, since it is then that somebody wants to see it.
"""

from __future__ import annotations

import time
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sudo_mcp_guardrails.cli.approvals.keys import (
    DecisionKeyOption,
    EvidenceKeyOption,
    ResponderKeyOption,
    TrustKeyOption,
    signers,
)
from sudo_mcp_guardrails.cli.approvals.places import PlacesArgument, open_places
from sudo_mcp_guardrails.cli.approvals.verify import PolicyOption, read_policies
from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.cli.output import JsonOption, answering
from sudo_mcp_guardrails.cli.trail.bars import bar
from sudo_mcp_guardrails.cli.trail.places import EndpointOption, ProfileOption, RegionOption, access

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sudo_mcp_guardrails.cli.approvals.checking import Checker
    from sudo_mcp_guardrails.cli.approvals.found import Found
    from sudo_mcp_guardrails.cli.approvals.places import Joined
    from sudo_mcp_guardrails.cli.approvals.rows import ExportRow


class ExportFormat(str, Enum):
    """What an export is written as."""

    CSV = "csv"
    JSON = "json"
    HTML = "html"


def export(
    places: PlacesArgument,
    *,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="File to write.")],
    as_format: Annotated[
        ExportFormat, typer.Option("--format", help="csv, json, or html for reading and printing.")
    ] = ExportFormat.CSV,
    chain: Annotated[
        list[str] | None, typer.Option("--chain", metavar="ID", help="Only this approval or ledger; repeatable.")
    ] = None,
    evidence_key: EvidenceKeyOption = None,
    decision_key: DecisionKeyOption = None,
    trust_key: TrustKeyOption = None,
    responder_key: ResponderKeyOption = None,
    policy: PolicyOption = None,
    endpoint_url: EndpointOption = None,
    profile: ProfileOption = None,
    region: RegionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the evidence as an auditor reads it; with the keys, each row says whether its chain and proof hold."""
    from sudo_mcp_guardrails.cli.approvals.checking import Checker
    from sudo_mcp_guardrails.cli.approvals.found import Found
    from sudo_mcp_guardrails.cli.approvals.rows import write

    with answering(as_json=as_json) as answer:
        aws = access(profile, region, endpoint_url)
        known = signers(evidence_key, decision_key, trust_key, aws, responder_key)
        now = int(time.time())
        place = open_places(places, aws)
        chains = _chains(place, chain, places)
        checker = Checker(place, known, read_policies(policy or []), now) if known else None
        found = checker.found if checker else Found()
        with bar(answer, "exporting", len(chains)) as shown:
            rows = _rows(place, chains, checker, found, shown.step)
            write(output, as_format.value, rows, now=now, checked=bool(known))
        told = f"{found.broken} broken" if known else "not checked: no --evidence-key and --decision-key"
        answer.text.print(
            f"{found.records} records of {found.chains} chains in {output}; {told}", markup=False, soft_wrap=True
        )
        summary = {
            "file": str(output),
            "format": as_format.value,
            "records": found.records,
            "chains": found.chains,
            "broken": found.broken,
            "checked": bool(known),
            "proofs": {checked.value: count for checked, count in sorted(found.proofs.items())},
        }
        answer.finish(ok=not found.broken, summary=summary, items=[vars(each) for each in found.findings])


def _chains(place: Joined, wanted: list[str] | None, places: list[str]) -> list[str]:
    chains = place.chains()
    if not chains:
        raise InputError(
            f"there is no record in {', '.join(map(repr, places))}, expected records/<chain>/<number>.json"
        )
    missing = sorted(set(wanted or ()) - set(chains))
    if missing:
        raise InputError(f"--chain {missing[0]!r} is not there, expected one of {len(chains)}, such as {chains[0]!r}")
    return [each for each in chains if not wanted or each in wanted]


def _rows(
    place: Joined, chains: list[str], checker: Checker | None, found: Found, step: Callable[[], None]
) -> Iterator[ExportRow]:
    """Yield the rows, chain by chain: no more than one chain is in memory."""
    from sudo_mcp_guardrails.approval.authentication.stated import is_stated
    from sudo_mcp_guardrails.approval.chain.rows import audit_rows
    from sudo_mcp_guardrails.cli.approvals.checking import read_chain
    from sudo_mcp_guardrails.cli.approvals.proofs import DECISION
    from sudo_mcp_guardrails.cli.approvals.rows import ExportRow
    from sudo_mcp_guardrails.cli.approvals.stored import NOT_READ

    for chain in chains:
        if checker:
            records = checker.check(chain)
            whole = "no" if chain in found.broken_chains else "yes"
            proofs, unproved = checker.proofs, "not checked: the chain is not whole"
        else:
            # What cannot be read is no row: it must not be passed over in silence either.
            records, findings = read_chain(place, chain)
            found.records += len(records)
            found.chains += chain != NOT_READ
            found.add(findings)
            whole = "no" if findings else "not checked"
            proofs, unproved = {}, "not checked: no keys were given"
        for record, row in zip(records, audit_rows(records), strict=True):
            proof = proofs.get(row.number) or unproved
            yield ExportRow(row, whole, str(proof) if row.kind == DECISION or is_stated(record) else "")
        step()
