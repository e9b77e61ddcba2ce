"""How a server's process is started: as it is, or in a sandbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sudo_mcp_guardrails.gateway.pump.child import start

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from sudo_mcp_guardrails.gateway.pump.child import Child
    from sudo_mcp_guardrails.gateway.sandbox.launch import Launch


class Way:
    """Starts one process, once.

    Args:
        sandbox: Makes a sandbox around a command, such as
            :func:`~sudo_mcp_guardrails.gateway.sandbox.launch.sandboxed`; none when left out.
        environment: Variables of a process without a sandbox; ours without the guard's own when left out.
    """

    def __init__(
        self,
        sandbox: Callable[[Sequence[str]], Launch] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._sandbox = sandbox
        self._environment = environment
        self._launch: Launch | None = None

    async def start(self, command: Sequence[str], child: Callable[[], Child]) -> Child:
        """Start a command.

        Args:
            command: What to run, and its arguments.
            child: Makes its protocol.

        Raises:
            GatewayError: It cannot be started, or not in a sandbox.
        """
        if self._sandbox is None:
            return await start(command, child, self._environment)
        self._launch = self._sandbox(command)
        try:
            await self._launch.start()
            return await start(self._launch.argv, child, self._launch.env, self._launch.fds)
        except BaseException:
            await self._launch.close()
            raise

    async def close(self) -> None:
        """Clean up, once the process has ended."""
        if self._launch is not None:
            await self._launch.close()
