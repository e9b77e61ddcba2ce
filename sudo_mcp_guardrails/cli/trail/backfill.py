"""``mcp-guardrails trail backfill``: take in what a range of days holds and a sink has not.

The same as ``reconcile --repair --shallow`` over a range; summary, items and exit code are those of ``reconcile``. A
run that was stopped goes on where the ledger ends.
"""

from __future__ import annotations

from typing import Annotated

import typer

from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.cli.output import JsonOption, answering
from sudo_mcp_guardrails.cli.trail.comparing import Comparison, compare
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


def backfill(
    source: SourceArgument,
    *,
    since: SinceOption = None,
    until: UntilOption = None,
    sink: SinkOption = SinkName.DUCKDB,
    store: StoreOption = None,
    url: UrlOption = None,
    prefix: PrefixOption = None,
    deep: Annotated[
        bool, typer.Option("--deep/--shallow", help="Also read the files that the ledger has, and ask for each event.")
    ] = False,
    prefix_names: NamesOption = None,
    client: ClientOption = None,
    broker: BrokerOption = None,
    endpoint_url: EndpointOption = None,
    profile: ProfileOption = None,
    region: RegionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take in what a range of days holds and the sink has not."""
    with answering(as_json=as_json) as answer:
        if since is None and until is None:
            raise InputError("backfill needs --since, --until or both, expected days; all files are for 'trail ingest'")
        options = StoreOptions(sink, store, url, prefix, prefix_names, tuple(client or ()), tuple(broker or ()))
        asked = Comparison(source, options, since, until, repair=True, deep=deep, digests=False, keys=None)
        compare(asked, access(profile, region, endpoint_url), answer)
