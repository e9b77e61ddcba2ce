"""``mcp-guardrails trail publish``: put a store's daily head where the store's owner cannot change it.

Summary keys: ``day``, ``store``, ``segments``, ``events``, ``head``, ``place`` (what was written; the same head again
changes nothing). ``verify --published`` compares a store with heads: a tail that was cut off shows in no other way.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Annotated

import typer

from sudo_mcp_guardrails.cli.errors import InputError
from sudo_mcp_guardrails.cli.output import JsonOption, answering
from sudo_mcp_guardrails.cli.trail.places import (
    SCHEME,
    EndpointOption,
    ProfileOption,
    RegionOption,
    access,
    bucket_and_key,
    day,
)
from sudo_mcp_guardrails.cli.trail.stores import ThatStoreOption, that_store


def publish(
    place: Annotated[
        str, typer.Argument(metavar="DIR|s3://BUCKET/PREFIX", help="Where to; best a bucket of another account.")
    ],
    *,
    store: ThatStoreOption,
    on: Annotated[
        str | None, typer.Option("--day", metavar="YYYY-MM-DD", help="The head of which day, UTC; today when left out.")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="The store's name, a part of what is written.")] = "trail",
    endpoint_url: EndpointOption = None,
    profile: ProfileOption = None,
    region: RegionOption = None,
    as_json: JsonOption = False,
) -> None:
    """Publish the daily head of a store, so that a tail that is cut off shows."""
    from sudo_mcp_guardrails.trail.heads import HEADS, daily_head, publish_to_bucket, publish_to_directory
    from sudo_mcp_guardrails.trail.segments import read_heads

    with answering(as_json=as_json) as answer:
        if not name.replace("-", "").isalnum() or not name.isascii():
            raise InputError(f"--name {name!r} is not allowed, expected letters, digits and dashes")
        heads, bad, torn = read_heads(that_store(store))
        if bad or torn:
            raise InputError(f"{str(store / HEADS)!r} is damaged and was not published; 'trail verify' says where")
        asked = day("--day", on) or datetime.now(timezone.utc).date()
        head = daily_head(heads, asked.isoformat(), store=name)
        if place.startswith(SCHEME):
            bucket, key = bucket_and_key(place)
            prefix = f"{key.rstrip('/')}/" if key else ""
            client = access(profile, region, endpoint_url).client("s3")
            written = f"{SCHEME}{bucket}/{publish_to_bucket(head, client, bucket, prefix=prefix)}"
        else:
            written = str(publish_to_directory(head, Path(place)))
        answer.text.print(
            f"head of {head.day}: {head.segments} segments, {head.events} events, {head.head[:16]}… in {written}",
            soft_wrap=True,
        )
        answer.finish(ok=True, summary={**asdict(head), "place": written})
