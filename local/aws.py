"""The local AWS: ministack on a free port, with a root key of its own, for as long as a `with` block runs."""

import base64
import fcntl
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from local.strict.addresses import HOSTS_FILE, read_hosts
from local.supervisor import KEEP, KEPT, LOCK, LOG
from ops.environments import ROOT, programs

ACCOUNT: Final = "278805249149"
REGION: Final = "ap-northeast-2"
RUNS: Final = ROOT / ".local"
# Settings and key of the walk-through's user and of its administrator, in the local AWS that was left running last.
USER: Final = RUNS / "user.sh"
ADMIN: Final = RUNS / "admin.sh"
_START_SECONDS: Final = 60
_TRIES: Final = 3


class LocalAwsError(Exception):
    """The local AWS did not start."""


@dataclass(frozen=True, slots=True)
class LocalAws:
    """A running local AWS.

    Attributes:
        port: on 127.0.0.1, for all services.
        directory: its own, open to nobody else; removed when it stops.
        access_key_id, secret_access_key: the key of the account's root.
    """

    port: int
    directory: Path
    access_key_id: str
    secret_access_key: str = field(repr=False)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self, account: str = ACCOUNT) -> dict[str, str]:
        """Environment of a program that acts as the root of an account, and sees nothing of the user's own AWS."""
        # ministack's way to name another account: its number instead of the access key id.
        key = self.access_key_id if account == ACCOUNT else account
        return self.environment_for(key, self.secret_access_key)

    def name_host(self, host: str, origin: str) -> None:
        """Let the local AWS find an https host, such as an issuer's, on loopback, such as at `http://127.0.0.1:8080`."""
        path = self.directory / HOSTS_FILE
        path.write_text(json.dumps({**read_hosts(self.directory), host: origin}))

    def environment_for(self, access_key_id: str, secret_access_key: str, session_token: str = "") -> dict[str, str]:
        """Environment of a program that acts with a key."""
        environment = _clean_environment(self.directory) | {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ACCESS_KEY_ID": access_key_id,
            "AWS_SECRET_ACCESS_KEY": secret_access_key,
        }
        return environment | ({"AWS_SESSION_TOKEN": session_token} if session_token else {})


@contextmanager
def local_aws(keep: bool = False) -> Iterator[LocalAws]:
    """Start the local AWS, and stop it at the end, whatever the end is: also a crash, Ctrl-C or `kill -9`.

    Args:
        keep: leave it running after the block, if the block ends well; `make stop` ends it.

    Raises:
        LocalAwsError: it did not start; holds the end of its log.
    """
    aws, supervisor = _start()
    assert supervisor.stdin is not None  # noqa: S101 a pipe, as asked for
    try:
        yield aws
        if keep:
            supervisor.stdin.write(f"{KEEP}\n".encode())
            supervisor.stdin.flush()
    finally:
        supervisor.stdin.close()
        if not keep or sys.exc_info()[0] is not None:
            supervisor.wait()


def stop_kept() -> int:
    """Stop every local AWS that was left running, and tidy up after those that were killed.

    Returns:
        How many it stopped. One that belongs to a command that still runs is left alone.
    """
    stopped = 0
    for directory in sorted(RUNS.glob("run-*")):
        with suppress(FileNotFoundError), (directory / LOCK).open("r") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not (directory / KEPT).exists():
                    continue
                # Locked, so the process that is named inside is the one that runs it.
                os.kill(int(lock.read()), signal.SIGTERM)
                fcntl.flock(lock, fcntl.LOCK_EX)
                stopped += 1
            shutil.rmtree(directory, ignore_errors=True)
    for link in (USER, ADMIN):
        if not link.exists():  # it leads nowhere now
            link.unlink(missing_ok=True)
    return stopped


def _start() -> tuple[LocalAws, subprocess.Popen[bytes]]:
    """Start on a port that is free; somebody else may take it in between, hence the further tries."""
    log = ""
    for _ in range(_TRIES):
        directory = RUNS / f"run-{secrets.token_hex(4)}"
        aws = LocalAws(free_port(), directory, _access_key_id(), secrets.token_urlsafe(30))
        # From its start on the supervisor cleans up, also after us. A Ctrl-C waits until we hold its lifeline, and can
        # wait for its end: else it would still be at work when we are gone.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            supervisor = _supervise(aws)
        except BaseException:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            raise
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            if _answers(aws, supervisor):
                return aws, supervisor
        except BaseException:
            _end(supervisor)
            raise
        _end(supervisor)
        with suppress(FileNotFoundError):
            log = (directory / LOG).read_text(errors="replace")
        shutil.rmtree(directory, ignore_errors=True)
    raise LocalAwsError("The local AWS did not start. The end of its log:\n" + "\n".join(log.splitlines()[-20:]))


def _supervise(aws: LocalAws) -> subprocess.Popen[bytes]:
    supervisor = [sys.executable, "-m", "local.supervisor"]
    return subprocess.Popen(
        # With the local AWS's own Python: what makes it strict runs in its process.
        [*supervisor, str(aws.directory), str(programs("ministack") / "python"), "-m", "local.strict"],
        cwd=ROOT,
        env=_server_environment(aws),
        stdin=subprocess.PIPE,
        # Left running, it must not hold open whatever our own output goes to.
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # the terminal's Ctrl-C is for us alone; we then stop it in order
    )


def _end(supervisor: subprocess.Popen[bytes]) -> None:
    assert supervisor.stdin is not None  # noqa: S101 a pipe, as asked for
    supervisor.stdin.close()
    supervisor.wait()


def _answers(aws: LocalAws, supervisor: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + _START_SECONDS
    while supervisor.poll() is None and time.monotonic() < deadline:
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", aws.port, timeout=5)
            connection.request("GET", "/_ministack/health")
            answer = connection.getresponse()
            if answer.status == 200 and "services" in json.loads(answer.read()):
                return supervisor.poll() is None
        time.sleep(0.1)
    return False


def _server_environment(aws: LocalAws) -> dict[str, str]:
    delay = os.environ.get("STRICT_PROPAGATION_SECONDS", "")
    return _clean_environment(aws.directory) | {
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": aws.access_key_id,
        "AWS_SECRET_ACCESS_KEY": aws.secret_access_key,
        "BIND_HOST": "127.0.0.1",
        "CLOUDTRAIL_RECORDING": "1",
        "GATEWAY_PORT": str(aws.port),
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "MINISTACK_REGION": REGION,
        "S3_DATA_DIR": str(aws.directory / "s3"),
        "STATE_DIR": str(aws.directory / "state"),
        "STRICT_PROPAGATION_SECONDS": delay,
        "TMPDIR": str(aws.directory),
        # Two listeners of services that nobody here uses; the first is open to the whole network.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
    }


def _clean_environment(home: Path) -> dict[str, str]:
    """The user's environment without anything that could lead to their own AWS, or a proxy on the way."""
    kept = {key: os.environ[key] for key in ("PATH", "LANG", "LC_ALL", "TERM", "TZ") if key in os.environ}
    return kept | {
        "HOME": str(home),
        "AWS_CONFIG_FILE": str(home / "no-aws-config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(home / "no-aws-credentials"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _access_key_id() -> str:
    return "AKIA" + base64.b32encode(secrets.token_bytes(10)).decode("ascii")


if __name__ == "__main__":
    count = stop_kept()
    print(f"Stopped {count} local AWS." if count else "No local AWS was left running.")
