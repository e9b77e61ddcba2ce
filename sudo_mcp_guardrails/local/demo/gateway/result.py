"""What came of the demo's part "gateway": each scene, and what was expected of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Scene:
    """One thing that was tried through the guard.

    Args:
        id: Stable.
        title: What was tried, for people.
        expected: What must come of it, in one word.
        came: What came of it.
        detail: What the client was told, or what was seen in AWS.
    """

    id: str
    title: str
    expected: str
    came: str
    detail: str = ""

    @property
    def agreed(self) -> bool:
        """Whether it came as it must."""
        return self.came == self.expected


@dataclass
class GatewayResult:
    """What came of all scenes.

    Args:
        scenes: In their order.
        seconds: How long they took.
    """

    scenes: list[Scene] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def problems(self) -> list[str]:
        """What did not come as it must."""
        return [
            f"{scene.id}: {scene.came}, expected {scene.expected}: {scene.detail}"
            for scene in self.scenes
            if not scene.agreed
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return what ``demo --json`` prints under ``gateway``."""
        return {
            "ok": not self.problems,
            "problems": self.problems,
            "scenes": [
                {"id": scene.id, "expected": scene.expected, "came": scene.came, "detail": scene.detail}
                for scene in self.scenes
            ],
            "seconds": round(self.seconds, 2),
        }

    def lines(self) -> Iterator[str]:
        """Yield what a person reads."""
        good = sum(scene.agreed for scene in self.scenes)
        yield (
            f"The gateway, between a real client and awslabs.aws-api-mcp-server on the embedded AWS: "
            f"{len(self.scenes)} scenes, {good} as expected, {self.seconds:.1f} s"
        )
        for scene in self.scenes:
            yield f"  {scene.came:9} {scene.title}: {' '.join(scene.detail.split())[:150]}"
        for problem in self.problems:
            yield f"PROBLEM: {problem}"
