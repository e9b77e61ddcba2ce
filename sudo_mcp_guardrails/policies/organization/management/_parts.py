"""How the bodies of management policies are written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Tree = Mapping[str, "str | Tree"]


def assigned(tree: Tree) -> dict[str, Any]:
    """Return settings in the syntax of management policies, in which a value is assigned by an operator.

    Source: Organizations user guide, "Policy syntax and inheritance for management policy types".
    """
    return {name: {"@@assign": value} if isinstance(value, str) else assigned(value) for name, value in tree.items()}


def of_ec2(tree: Tree) -> dict[str, Any]:
    """Return the body of a declarative policy for EC2."""
    return {"ec2_attributes": assigned(tree)}
