"""Agents over an organization of its own: policies, and the agents' roles in each account they work in."""

from __future__ import annotations

import aws_cdk as cdk

from sudo_mcp_guardrails import (
    Agent,
    AgentEnvironment,
    AgentLandingZone,
    BrokerCaller,
    Framework,
    Guardrails,
    OrganizationSettings,
    Retention,
)

SANDBOX, SHOP, SHOP_PRODUCTION = "111111111111", "222222222222", "333333333333"

app = cdk.App()
AgentLandingZone(
    app,
    "LandingZone",
    management_account="999999999999",
    log_archive_account="888888888888",
    security_account="777777777777",
    policy_account="777777777777",  # policy management is delegated to the security account
    home_region="eu-central-1",
    settings=OrganizationSettings(
        organization_id="o-a1b2c3d4e5",
        regions=("eu-central-1", "eu-west-1", "us-east-1"),
    ),
    targets=["ou-a1b2-w0rkl0ad", "ou-a1b2-sandbox1"],  # OUs that are there: none is ever made
    packs=["agents", "root", "regions", "public-exposure", "security-services"],
    resource_packs=["perimeter"],
    management=["s3-public-access", "image-public-access"],
    agents=[
        Agent(
            "release-bot",
            owner="platform@example.com",
            services=["s3", "lambda", "dynamodb"],
            environments=[
                AgentEnvironment.sandbox(SANDBOX, regions=["eu-central-1"]),
                AgentEnvironment.production(SHOP_PRODUCTION, regions=["eu-central-1", "eu-west-1"]),
            ],
        ),
        Agent(
            "shop-bot",
            owner="shop@example.com",
            services=["dynamodb", "sqs"],
            environments=[AgentEnvironment.sandbox(SHOP, regions=["eu-central-1"])],
        ),
    ],
    callers=[BrokerCaller.permission_set("AgentOperators")],
    access_analyzer=True,
    retention=Retention.for_(Framework.PCI_DSS, Framework.SOC2),  # the organization's trail, locked for so long
)
Guardrails.of(app).enforce()  # cdk-nag's six packs and the proof, over all accounts, at every synth
app.synth()
