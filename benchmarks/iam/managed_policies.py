"""All AWS managed policies, as the package ``moto`` bundles them (Apache-2.0); read from its file, not imported."""

from __future__ import annotations

import ast
import importlib.util
import json
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sudo_mcp_guardrails.errors import GuardrailsError
from sudo_mcp_guardrails.iam.documents import parse_document

if TYPE_CHECKING:
    from sudo_mcp_guardrails.iam.documents import PolicyDocument

PACKAGE: Final = "moto"
VERSION: Final = "5.2.5"


class MissingPoliciesError(GuardrailsError):
    """The bundle is not there, or is another one."""


def managed_policies() -> tuple[PolicyDocument, ...]:
    """Return the policies in order of their names.

    Raises:
        MissingPoliciesError: Where the package is not installed in that version.
        PolicyError: For a policy that is not understood.
    """
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.submodule_search_locations or version(PACKAGE) != VERSION:
        raise MissingPoliciesError(f"{PACKAGE} {VERSION} is not installed; install the benchmarks' extra packages")
    text = (Path(found.submodule_search_locations[0]) / "iam" / "aws_managed_policies.py").read_text(encoding="utf-8")
    # One assignment of one string of JSON. An import would need all that moto needs.
    (assignment,) = ast.parse(text).body
    if not isinstance(assignment, ast.Assign):
        raise MissingPoliciesError(f"{PACKAGE} {VERSION} has a {type(assignment).__name__}, expected one assignment")
    bundle = json.loads(ast.literal_eval(assignment.value))
    return tuple(parse_document(raw["Document"], name=name) for name, raw in sorted(bundle.items()))
