"""What is decided about calls, as data: each with the reason that must decide."""

from __future__ import annotations

from tests.gateway.deciding.call_scenarios import CALLS
from tests.gateway.deciding.limit_scenarios import LIMITS
from tests.gateway.deciding.rule_scenarios import RULES

SCENARIOS = (*CALLS, *LIMITS, *RULES)
