from __future__ import annotations

import pytest

from tests.gateway.conformance.suite import ERAS, STABLE, SUITE, checks, server_and_guard, totals, worse

pytestmark = pytest.mark.integration


@pytest.mark.parametrize(("era", "version"), [(ERAS[0], SUITE), (ERAS[1], SUITE), (ERAS[0], STABLE)])
def test_no_check_of_the_official_suite_is_worse_behind_the_guard(era: str, version: str) -> None:
    with server_and_guard() as (direct, guarded):
        without, behind = checks(direct, era, version), checks(guarded, era, version)
    assert worse(without, behind) == []
    passed, failed = totals(behind)
    assert passed >= {(ERAS[0], SUITE): 83, (ERAS[1], SUITE): 159, (ERAS[0], STABLE): 40}[era, version]
    # What the SDK itself lacks of 2026-07-28: the extension of tasks, and three checks beside.
    assert failed <= (33 if era == ERAS[1] else 0)
