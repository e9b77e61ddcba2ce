"""``mcp-guardrails trail reconcile``: compare trail files with a sink, and take in what is missing.

Summary keys: ``checked`` (files), ``missing`` (files with events that the sink has not), ``repaired`` (of these, taken
in and found there after that), ``broken`` (what taking in cannot mend), ``digests`` (that hold), ``proved`` (files that
a digest proves), ``last`` (the file that was looked at last), ``omitted`` (items over 10,000). Items: ``gap``,
``name``, ``reason``, ``repaired``. The exit code is 1 where something is broken, or missing and not repaired.
"""

from __future__ import annotations

from typing import Annotated

import typer

from sudo_mcp_guardrails.cli.output import JsonOption, answering
from sudo_mcp_guardrails.cli.trail.comparing import Comparison, KeysOption, compare
from sudo_mcp_guardrails.cli.trail.places import (
    EndpointOption,
    ProfileOption,
    RegionOption,
    SinceOption,
    SourceArgument,
    UntilOption,
    access,
)
from sudo_mcp_guardrails.cli.trail.stores import (
    BrokerOption,
    ClientOption,
    NamesOption,
    PrefixOption,
    SinkName,
    SinkOption,
    StoreOption,
    StoreOptions,
    UrlOption,
)


def reconcile(
    source: SourceArgument,
    *,
    sink: SinkOption = SinkName.DUCKDB,
    store: StoreOption = None,
    url: UrlOption = None,
    prefix: PrefixOption = None,
    repair: Annotated[bool, typer.Option("--repair", help="Take in what is missing.")] = False,
    deep: Annotated[
        bool,
        typer.Option("--deep/--shallow", help="Read every file and ask for each event, or compare names and sizes."),
    ] = True,
    digests: Annotated[bool, typer.Option("--digests/--no-digests", help="Check CloudTrail's digests, too.")] = False,
    public_keys: KeysOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    prefix_names: NamesOption = None,
    client: ClientOption = None,
    broker: BrokerOption = None,
    endpoint_url: EndpointOption = None,
    profile: ProfileOption = None,
    region: RegionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare trail files, digests, ledger and events, and take in what is missing."""
    with answering(as_json=as_json) as answer:
        options = StoreOptions(sink, store, url, prefix, prefix_names, tuple(client or ()), tuple(broker or ()))
        asked = Comparison(
            source,
            options,
            since,
            until,
            repair=repair,
            deep=deep,
            digests=digests or public_keys is not None,
            keys=public_keys,
        )
        compare(asked, access(profile, region, endpoint_url), answer)
