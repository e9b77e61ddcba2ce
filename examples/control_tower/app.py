"""Agents beside a Control Tower landing zone that is there already, with AFT and the CDK's own bootstrap."""

from __future__ import annotations

from datetime import date

import aws_cdk as cdk

from sudo_mcp_guardrails import (
    AdoptedLandingZone,
    Agent,
    AgentEnvironment,
    AgentLandingZone,
    Guardrails,
)

app = cdk.App()
AgentLandingZone(
    app,
    "Agents",
    management_account="999999999999",
    log_archive_account="888888888888",
    security_account="777777777777",  # Control Tower's audit account
    home_region="eu-central-1",
    targets=["ou-a1b2-sandbox1"],
    packs=["agents", "public-exposure"],
    # Two slots of each OU stay Control Tower's, its trail stays the organization's, and the packs for everyone do not
    # bind the roles by which it, AFT and the CDK deploy. Synthesis fails after the day: renew it, or take it out.
    adopt=AdoptedLandingZone(
        owner="platform@example.com",
        until=date(2030, 1, 31),
        control_tower=True,
        account_factory_terraform=True,
        bootstrap_qualifiers=("hnb659fds",),
    ),
    agents=[
        Agent(
            "sandbox-bot",
            owner="platform@example.com",
            services=["s3", "lambda"],
            environments=[AgentEnvironment.sandbox("111111111111", "222222222222", regions=["eu-central-1"])],
        ),
    ],
)
Guardrails.of(app).enforce()
app.synth()
