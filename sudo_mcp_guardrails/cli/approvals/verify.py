"""``mcp-guardrails approvals verify``: whether the evidence is what was written, all of it, and allows what was done.

Summary keys: ``records`` (that could be read), ``broken`` (findings), ``chains``, ``broken_chains``, ``heads`` (that
were published and that the chains were compared with), ``replayed`` (approvals, by ``--policy``), ``states`` (of these,
how many are in each state), ``not_replayed`` (approvals of a version of the policy that was not given), ``proofs`` (of
the decisions, delegations and rulings about trust in chains that are whole, how many are ``verified``, ``failed``,
``not kept``, ``older`` or ``not checked``),
``rules_not_checked`` (decisions by rule of agents whose ledger of trust is not there). Items:
``chain``, ``number`` (0 where the chain as a whole is meant), ``flaw`` (``gap``, ``changed``, ``signature``, ``key``,
``other-chain``, ``duplicate``, ``time``, ``cut``, ``rewritten``, ``heads``, ``unreadable``, ``misplaced``,
``not-allowed``, ``proof``), ``text``; at most 10,000, while the counts are whole.

Each decision, delegation and ruling that was proved by a passkey is verified again, with the key of the record of its
enrolment; each decision that a rule made has its entry in the agent's ledger of trust, and each entry there that people
are to have ruled has their rulings. Delegations and rulings of before their proofs were kept are ``older``; from the
first one on that keeps its proof, one without is broken. The exit code is 1 where anything is broken, and 2 where
nothing is and an approval could not be replayed, a proof not be checked, or a ledger is not there.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.text import Text

from sudo_mcp_guardrails.cli.approvals.files import read_file
from sudo_mcp_guardrails.cli.approvals.keys import (
    DecisionKeyOption,
    EvidenceKeyOption,
    ResponderKeyOption,
    TrustKeyOption,
    signers,
)
from sudo_mcp_guardrails.cli.approvals.places import PlacesArgument, documents, open_places
from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.cli.output import Answer, JsonOption, answering
from sudo_mcp_guardrails.cli.trail.bars import bar
from sudo_mcp_guardrails.cli.trail.places import EndpointOption, ProfileOption, RegionOption, access, day

if TYPE_CHECKING:
    from sudo_mcp_guardrails.approval.authentication.webauthn import RelyingParty
    from sudo_mcp_guardrails.approval.chain.heads import ApprovalHeads
    from sudo_mcp_guardrails.cli.approvals.checking import Checker
    from sudo_mcp_guardrails.cli.approvals.found import Finding, Found, Policies
    from sudo_mcp_guardrails.trail.aws import AwsAccess

_SHOWN: Final = 50

PolicyOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--policy",
        metavar="FILE",
        help="approval_settings.json, or a policy's document, to replay approvals by; repeatable, one of each version.",
    ),
]


def verify(
    places: PlacesArgument,
    *,
    evidence_key: EvidenceKeyOption = None,
    decision_key: DecisionKeyOption = None,
    trust_key: TrustKeyOption = None,
    responder_key: ResponderKeyOption = None,
    heads: Annotated[
        list[str] | None,
        typer.Option(
            "--heads", metavar="DIR|s3://…", help="Heads as the second account has them; without, no cut tail shows."
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="YYYY-MM-DD", help="Day that the published heads must reach.")
    ] = None,
    policy: PolicyOption = None,
    endpoint_url: EndpointOption = None,
    profile: ProfileOption = None,
    region: RegionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check every chain: digests, order, signatures, whose key signed what, published heads, and what was allowed."""
    from sudo_mcp_guardrails.cli.approvals.checking import Checker
    from sudo_mcp_guardrails.cli.approvals.found import summary_of

    with answering(as_json=as_json) as answer:
        if until is not None and not heads:
            raise InputError("--until goes with --heads, expected where the published heads are")
        aws = access(profile, region, endpoint_url)
        known = signers(evidence_key, decision_key, trust_key, aws, responder_key)
        if known is None:
            raise InputError("verify needs --evidence-key and --decision-key, expected the keys whose signatures count")
        policies = read_policies(policy or [])
        place = open_places(places, aws)
        checker = Checker(place, known, policies, int(time.time()))
        if not (chains := place.chains()):
            named = ", ".join(map(repr, places))
            raise InputError(f"there is no record in {named}, expected records/<chain>/<number>.json")
        with bar(answer, "checking", len(chains)) as shown:
            for chain in chains:
                checker.check(chain)
                shown.step()
                shown.note(f"chains, {checker.found.records:,} records, {checker.found.broken:,} broken")
            if heads:
                last = day("--until", until)
                _heads(checker, heads, last.isoformat() if last else None, aws)
        found = checker.found
        _say(found, policies, answer, heads=bool(heads))
        answer.finish(
            ok=not found.broken,
            summary=summary_of(found),
            items=[vars(each) for each in found.findings],
            unknown=_unknown(found),
        )


def _unknown(found: Found) -> str:
    """Return what could not be told; empty where all could."""
    from sudo_mcp_guardrails.cli.approvals.proofs import Checked

    if found.unknown:
        return f"{found.unknown} approvals are of a version of the policy that was not given, expected --policy"
    if count := found.proofs[Checked.UNKNOWN]:
        return f"{count} proofs are by keys that were enrolled by another identity, expected --policy"
    if found.rules_unknown:
        return (
            f"{found.rules_unknown} decisions are by rule, expected the ledger of trust in the place, and --trust-key"
        )
    return ""


def read_policies(files: list[Path]) -> Policies:
    """Return what files of settings or policies hold.

    Raises:
        InputError: one is neither.
    """
    from sudo_mcp_guardrails.approval.canonical import parsed
    from sudo_mcp_guardrails.approval.deciding.policy import ApprovalPolicy
    from sudo_mcp_guardrails.approval.errors import ApprovalError
    from sudo_mcp_guardrails.approval.store.trust_policy import read_trust_policy
    from sudo_mcp_guardrails.cli.approvals.found import Policies
    from sudo_mcp_guardrails.cli.approvals.proofs import add_party

    approval, trust = {}, None
    parties: dict[str, RelyingParty] = {}
    for file in files:
        try:
            document = parsed(read_file(file), str(file))
            settings = isinstance(document, dict) and "policy" in document
            made = ApprovalPolicy.from_document(document["policy"] if settings else document)
            approval[made.version] = made
            if settings and document.get("trust") is not None:
                trust = read_trust_policy(document["trust"])
            if settings and document.get("relyingParty") is not None:
                add_party(parties, document["relyingParty"])
        except ApprovalError as error:  # noqa: PERF203 - a file each
            raise InputError(f"--policy {str(file)!r} is neither settings nor a policy: {error}") from error
    return Policies(approval, trust, parties)


def _heads(checker: Checker, named: list[str], until: str | None, aws: AwsAccess) -> None:
    from sudo_mcp_guardrails.approval.chain.heads import parse_heads
    from sudo_mcp_guardrails.approval.errors import EvidenceError
    from sudo_mcp_guardrails.cli.approvals.found import Finding

    stores: dict[str, list[ApprovalHeads]] = {}
    count = 0
    for where in named:
        for name, text in documents(where, aws):
            count += 1
            try:
                made = parse_heads(text)
            except EvidenceError as error:
                checker.found.add([Finding("", 0, "heads", f"{name}: {error}")])
                continue
            stores.setdefault(made.store, []).append(made)
    if not count:
        raise InputError(f"there is no head in {', '.join(map(repr, named))}, expected what the workflow published")
    for published in stores.values():
        checker.against(published, until)


def _say(found: Found, policies: Policies, answer: Answer, *, heads: bool) -> None:
    for item in found.findings[:_SHOWN]:
        answer.text.print(_line(item), soft_wrap=True)
    if found.broken > _SHOWN:
        answer.text.print(f"… and {found.broken - _SHOWN} more; --json lists them")
    compared = f"compared with {found.heads} published heads" if heads else "no --heads: a cut tail would not show"
    states = ", ".join(f"{count} {state}" for state, count in sorted(found.states.items())) or "none"
    replayed = f"approvals: {states}" if policies.approval else "no --policy: approvals were not replayed"
    proofs = ", ".join(f"{count} {checked.value}" for checked, count in sorted(found.proofs.items())) or "none"
    answer.text.print(f"{compared}; {replayed}; proofs: {proofs}", markup=False, soft_wrap=True)
    answer.text.print(f"{found.records} records in {found.chains} chains: {found.broken} broken")


def _line(item: Finding) -> Text:
    from sudo_mcp_guardrails.trail.trace.text import shown

    return Text.assemble((item.flaw, "red"), f" {shown(item.chain) or '-'} {item.number}: {shown(item.text)}")
