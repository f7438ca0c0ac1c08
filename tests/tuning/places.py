"""Storages that a study can be kept in, for tests: files, a proxy, and a database server of our own."""

import glob
import os
import pwd
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

KINDS = ("sqlite", "journal", "grpc", "postgresql")
PROXY = """
import sys, optuna
from asr.tuning.storage import open_storage
optuna.logging.set_verbosity(optuna.logging.ERROR)
optuna.storages.run_grpc_proxy_server(open_storage(sys.argv[1]), host="127.0.0.1", port=int(sys.argv[2]))
"""


@contextmanager
def storage_of(kind: str, folder: Path) -> Iterator[str]:
    """A new storage of this kind, as `storage=` takes it."""
    if kind == "sqlite":
        yield str(folder / "study.db")
    elif kind == "journal":
        yield f"journal:{folder / 'study.log'}"
    elif kind == "grpc":
        with proxy(f"journal:{folder / 'behind.log'}") as port:
            yield f"grpc://127.0.0.1:{port}"
    else:
        with postgresql(folder) as port:
            yield f"postgresql://tester:secret@127.0.0.1:{port}/postgres"


@contextmanager
def proxy(where: str) -> Iterator[int]:
    port = free_port()
    server = subprocess.Popen([sys.executable, "-c", PROXY, where, str(port)])
    try:
        wait_for(port)
        yield port
    finally:
        server.kill()
        server.wait()


@contextmanager
def postgresql(folder: Path) -> Iterator[int]:
    """A PostgreSQL server in a folder of its own, ended afterwards; it does not run as root."""
    programs = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    if not programs:
        pytest.skip("PostgreSQL is not installed: apt install postgresql")
    pytest.importorskip("psycopg", reason="its driver is not installed: pip install psycopg[binary]")
    home, port = Path("/tmp") / f"asr-postgresql-{os.getpid()}-{folder.name}", free_port()
    home.mkdir()
    user = pwd.getpwnam("nobody").pw_name if os.getuid() == 0 else None
    if user:
        shutil.chown(home, user)

    def call(program: str, *arguments: str) -> None:
        command = [str(Path(programs[-1]).parent / program), *arguments]
        subprocess.run(command, check=True, cwd=home, user=user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    try:
        (folder / "password").write_text("secret")
        shutil.copy(folder / "password", home / "password")
        secret = ("--auth=scram-sha-256", f"--pwfile={home / 'password'}")
        call("initdb", "-D", str(home / "data"), "--username=tester", *secret, "--no-sync")
        options = f"-p {port} -k {home} -c listen_addresses=127.0.0.1 -c fsync=off"
        call("pg_ctl", "-D", str(home / "data"), "-o", options, "-l", str(home / "log"), "-w", "start")
        yield port
    finally:
        if (home / "data" / "postmaster.pid").exists():
            call("pg_ctl", "-D", str(home / "data"), "-m", "immediate", "stop")
        shutil.rmtree(home)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def wait_for(port: int, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as asking:
            if asking.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens on {port}")
