"""The build that applies a saved plan of Terraform: it compares twice, applies that file, and leaves none behind.

The project has static variables ``PLAN_BUCKET`` and ``BUNDLE_BUCKET``, both the evidence bucket; the rest comes with
each build, where the broker's session policy pins every value. The project's role reads ``plans/<agent>/*`` there, by
version: of the agents' path that bucket lets in the execution roles of ``TerraformProject`` alone, each to the plans of
its agent. The file and what is shown of
it may hold secrets in clear text, so that they are removed however the build ends.
Source: CodeBuild user guide, "Build specification reference" (``finally`` runs also where a command failed).
"""

from __future__ import annotations

import json
from typing import Final

MODULE: Final = "sudo_mcp_guardrails.approval.applying.compare"
_FILES: Final = "approved.tfplan bundle.json shown.json"


def buildspec(
    *, terraform: str = "terraform", python: str = "python3", directory: str = "", install: tuple[str, ...] = ()
) -> str:
    """Return the buildspec, as JSON, which is YAML too.

    Args:
        terraform: Program: ``terraform`` or ``tofu``.
        python: Python 3.10 or newer that has this package.
        directory: Absolute path where Terraform works, with its providers, backend and lock file. Default: where the
            build begins, which is the project's source.
        install: Commands that install what the image lacks, by version and hash. Default: none, the image has it.
    """
    get = "aws s3api get-object --bucket"
    run = f"{terraform} -chdir={directory}" if directory else terraform
    # Terraform takes a path from the directory where it works.
    saved = '"$PWD/approved.tfplan"' if directory else "approved.tfplan"
    return json.dumps(
        {
            "version": "0.2",
            "env": {"shell": "bash", "exported-variables": ["APPLIED_DIGEST"]},
            "phases": {
                **({"install": {"commands": ["set -euo pipefail", *install]}} if install else {}),
                "build": {
                    "on-failure": "ABORT",
                    "commands": [
                        "set -euo pipefail",
                        f'{get} "$PLAN_BUCKET" --key "$PLAN_KEY" --version-id "$PLAN_VERSION" approved.tfplan',
                        f'{get} "$BUNDLE_BUCKET" --key "$BUNDLE_KEY" --version-id "$BUNDLE_VERSION" bundle.json',
                        'echo "$PLAN_FILE_SHA256  approved.tfplan" | sha256sum --check --status',
                        f"{run} init -input=false -lockfile=readonly",
                        f"{run} show -json {saved} > shown.json",
                        f'{python} -m {MODULE} bundle.json shown.json approved.tfplan "$PLAN_DIGEST"',
                        f"{run} apply -input=false -auto-approve {saved}",
                        'export APPLIED_DIGEST="$PLAN_DIGEST"',
                    ],
                    "finally": [f"rm -f {_FILES}"],
                },
            },
        },
        indent=1,
    )
