"""The demo's part "approvals": an agent proposes, people decide, and everybody tries to get around it."""
