"""Start and stop the embedded AWS, and say how to reach it.

Use it as a context manager::

    with EmbeddedAws() as aws:
        subprocess.run(["cdk", "deploy"], env=aws.environment("111111111111"))
        aws.client("iam", account="111111111111").list_roles()
"""

from __future__ import annotations

import atexit
import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sudo_mcp_guardrails.local.embedded import clients, process
from sudo_mcp_guardrails.local.embedded.errors import EmbeddedAwsError
from sudo_mcp_guardrails.toolchain.environments import ensure_environment
from sudo_mcp_guardrails.toolchain.ministack import MINISTACK

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from typing_extensions import Self

MANAGEMENT_ACCOUNT = "000000000000"
START_SECONDS = 60.0
_ACCOUNT_DIGITS = 12
_log = logging.getLogger(__name__)


class EmbeddedAws:
    """One embedded AWS on a loopback port, from `start` to `stop`.

    It ends, with its Lambda workers and its folder, on `stop`, at the end of the `with` block, at interpreter exit,
    and also when this process is killed.

    Args:
        port: loopback port; a free one when left out.
        state_dir: folder to keep its log and files in, which then stays; a temporary one that goes when left out.
        report: told, in one line each, about steps that take time.
        without: extensions to leave out, to show the gap that they close; the self-test is skipped then.
        python: interpreter of an environment with ministack; the one in the user's cache when left out.
        self_test: check at start that denials deny; only tests of the launcher itself leave it out.
        wait_scale: what part of their time Wait states and retry intervals of Step Functions wait, from 0 to 1, and
            periods of alarms take, so that a play need not; a task's own timeout is not shortened.
    """

    def __init__(
        self,
        *,
        port: int | None = None,
        state_dir: Path | None = None,
        report: Callable[[str], None] | None = None,
        without: Sequence[str] = (),
        python: Path | None = None,
        self_test: bool = True,
        wait_scale: float = 1.0,
    ) -> None:
        if not 0 <= wait_scale <= 1:
            msg = f"wait scale {wait_scale!r} is not allowed; give one from 0 to 1"
            raise EmbeddedAwsError(msg)
        self._wait_scale = wait_scale
        self._wanted_port = port
        self._state_dir = state_dir
        self._report = report or _log.info
        self._without = tuple(without)
        self._python = python
        self._self_test = self_test and not self._without
        self._process: subprocess.Popen[bytes] | None = None
        self._state: Path | None = None
        self._port = 0

    def __enter__(self) -> Self:
        """Start it."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop it, whatever happened."""
        self.stop()

    @property
    def management_account(self) -> str:
        """The account that owns the organization, and that SCPs do not bind."""
        return MANAGEMENT_ACCOUNT

    @property
    def endpoint_url(self) -> str:
        """Where every service answers.

        Raises:
            EmbeddedAwsError: it is not running.
        """
        if self._process is None:
            msg = "the embedded AWS is not running; call start() or use it in a with block"
            raise EmbeddedAwsError(msg)
        return f"http://{process.LOOPBACK}:{self._port}"

    @property
    def log(self) -> Path:
        """The server's log; it goes with a temporary state folder."""
        if self._state is None:
            msg = "the embedded AWS was not started, so it has no log"
            raise EmbeddedAwsError(msg)
        return process.log_file(self._state)

    def start(self) -> Self:
        """Start the server, wait until it answers, and run the self-test.

        Raises:
            EmbeddedAwsError: the port is taken, ministack has another version, dies, hangs, or decides wrongly.
            ToolchainError: ministack's environment cannot be made.
        """
        if self._process is not None:
            msg = f"the embedded AWS is running already, on port {self._port}"
            raise EmbeddedAwsError(msg)
        listening = process.open_socket(self._wanted_port)
        atexit.register(self.stop)
        try:
            with listening:
                self._port = listening.getsockname()[1]
                python = self._python or ensure_environment(MINISTACK, report=self._report)
                self._state = self._make_state()
                self._process = process.start_server(
                    python, listening, self._state, without=self._without, wait_scale=self._wait_scale
                )
            process.wait_until_healthy(self._process, self._port, self.log, timeout=START_SECONDS)
            if self._self_test:
                self._run_self_test()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Kill the server and its Lambda workers and remove its temporary folder; harmless when it is not running."""
        atexit.unregister(self.stop)
        running, self._process = self._process, None
        try:
            if running is not None:
                process.end_server(running)
        finally:
            if self._state is not None and self._state_dir is None:
                shutil.rmtree(self._state, ignore_errors=True)

    def check_alive(self) -> None:
        """Raise if the server died since it was started.

        Raises:
            EmbeddedAwsError: it is not running, or ended by itself; the message has the end of its log.
        """
        endpoint = self.endpoint_url
        if self._process is not None and self._process.poll() is not None:
            msg = f"{process.death_message(self._process.returncode, self.log)} (was {endpoint})"
            raise EmbeddedAwsError(msg)

    def credentials(self, account: str, region: str = clients.DEFAULT_REGION) -> dict[str, str]:
        """The `AWS_*` variables of the root of `account`, and nothing else.

        Raises:
            EmbeddedAwsError: it is not running, or `account` is not an account id.
        """
        return account_variables(self.endpoint_url, account, region)

    def environment(self, account: str, region: str = clients.DEFAULT_REGION) -> dict[str, str]:
        """A whole environment for a subprocess (boto3, the CDK CLI) that works as the root of `account`.

        The user's own `AWS_*` settings and proxies are taken out, and HOME is a private one, so that neither the
        CDK CLI's account cache nor a profile of the user's is read or written.
        """
        if self._state is None:
            msg = "the embedded AWS is not running; call start() or use it in a with block"
            raise EmbeddedAwsError(msg)
        return subprocess_environment(self.credentials(account, region), self._state / "home")

    def session(self, account: str = MANAGEMENT_ACCOUNT, region: str = clients.DEFAULT_REGION) -> Any:
        """A boto3 session of the root of `account`."""
        return clients.session(self.credentials(account, region)["AWS_ACCESS_KEY_ID"], region=region)

    def client(
        self,
        service: str,
        *,
        account: str = MANAGEMENT_ACCOUNT,
        region: str = clients.DEFAULT_REGION,
        session: Any = None,
    ) -> Any:
        """A boto3 client of the root of `account`, or of `session` where one is given (an assumed role's)."""
        return clients.client(service, self.endpoint_url, session or self.session(account, region))

    def hand_to_trail(self, trail: str, name: str, data: bytes) -> None:
        """Let a trail deliver a file beside its next own one, as if CloudTrail had made it somewhere else.

        A bucket that takes files from CloudTrail alone can so be given a public sample.

        Args:
            trail: name of the trail.
            name: of the file, with which its key in the bucket ends.
            data: the file, gzip or not.

        Raises:
            EmbeddedAwsError: it is not running, or a name is no plain file name.
        """
        if self._state is None:
            msg = "the embedded AWS is not running; call start() or use it in a with block"
            raise EmbeddedAwsError(msg)
        process.lay_down(self._state, trail, name, data)

    def _make_state(self) -> Path:
        if self._state_dir is None:
            return Path(tempfile.mkdtemp(prefix="mcp-guardrails-aws-"))
        self._state_dir.mkdir(parents=True, exist_ok=True)
        return self._state_dir.resolve()

    def _run_self_test(self) -> None:
        from sudo_mcp_guardrails.local.embedded.selftest import run_self_test  # noqa: PLC0415 - boto3 is slow to import

        run_self_test(self.endpoint_url, report=self._report)


def account_variables(endpoint_url: str, account: str, region: str) -> dict[str, str]:
    """The `AWS_*` variables that make a process the root of `account` on the embedded AWS.

    ministack takes a 12-digit access key as the root of that account. Agents never get one: they hold STS
    credentials only, since such a key is bound by no identity policy.

    Raises:
        EmbeddedAwsError: `account` is not a 12-digit account id.
    """
    if len(account) != _ACCOUNT_DIGITS or not (account.isascii() and account.isdigit()):
        msg = f"account {account!r} is not an account id; give 12 digits"
        raise EmbeddedAwsError(msg)
    return {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def subprocess_environment(credentials: dict[str, str], home: Path) -> dict[str, str]:
    """The current environment without the user's AWS settings and proxies, with these credentials and this home."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "CDK_")) and not name.lower().endswith("_proxy")
    }
    return {
        # jsii unpacks 207 MB below HOME on first use, so a private HOME keeps pointing at the user's own copy.
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(_jsii_cache()),
        **kept,
        **credentials,
        "HOME": str(home),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "CDK_DISABLE_CLI_TELEMETRY": "true",
        "NO_PROXY": "127.0.0.1,localhost",
        "no_proxy": "127.0.0.1,localhost",
    }


def _jsii_cache() -> Path:
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "com.amazonaws.jsii" / "package-cache"
    return Path.home() / ".cache" / "aws" / "jsii" / "package-cache"
