"""Where a study is kept, so that any number of processes and machines can work on it: Optuna's storages."""

import contextlib
import logging
import re
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
from grpc import RpcError
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, GrpcStorageProxy, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError

from asr.errors import UserError, one_line

FORMS = "a path (SQLite), journal:PATH, postgresql://USER@HOST/NAME, mysql://…, or grpc://HOST:PORT"
DRIVERS = {"postgresql": "'asr-from-scratch[postgresql]'", "mysql": "mysqlclient"}  # by the kind of address
WAIT_S = 60.0  # for another process to release a SQLite file
GRPC_PORT = 13000  # what Optuna's run_grpc_proxy_server takes by itself

OUT_OF_REACH = (SQLAlchemyError, StorageInternalError, RpcError)


def open_storage(where: str) -> BaseStorage:
    """The storage that `where` names. Raises UserError where it cannot be reached, or is of no known form."""
    kind, _, rest = where.partition(":")
    printable = without_password(where)
    if re.match(r"[a-z0-9+]{2,}:", where) and "://" not in where and kind not in ("journal", "grpc"):
        raise UserError(f"storage={printable}: not a place to keep a study; give {FORMS}")
    try:
        if kind == "journal":
            Path(rest).parent.mkdir(parents=True, exist_ok=True)
            return JournalStorage(JournalFileBackend(rest))
        if kind == "grpc":
            return grpc_storage(rest.removeprefix("//"))
        if "://" not in where:
            Path(where).parent.mkdir(parents=True, exist_ok=True)
            return rdb_storage(f"sqlite:///{where}", {"connect_args": {"timeout": WAIT_S}})
        # the driver of the extra [postgresql]
        url = where.replace("postgresql://", "postgresql+psycopg://", 1) if kind == "postgresql" else where
        return rdb_storage(url, {})
    except ImportError as error:
        missing = getattr(error.__cause__ or error, "name", None) or "named in its address"
        hint = DRIVERS.get(kind, missing)
        raise UserError(f"storage={printable}: its driver {missing} is not installed: pip install {hint}") from error
    except ArgumentError as error:
        raise UserError(f"storage={printable}: not a place to keep a study; give {FORMS}") from error
    except (SQLAlchemyError, OSError, ValueError, RuntimeError) as error:
        raise UserError(f"storage={printable}: cannot be reached ({reason_of(error, where)}); give {FORMS}") from error


def without_password(where: str) -> str:
    return re.sub(r"(:/+[^/@:]*):.*@", r"\1:***@", where)


def reason_of(error: BaseException, where: str) -> str:
    """Why a storage cannot be used, in short and without the password."""
    reason = (one_line(error.__cause__ or error) or one_line(error)).split("(Background on this error")[0]
    password = re.search(r"://[^/@:]*:(.+)@", where)
    return (reason.replace(password[1], "***") if password else reason)[:200]


@contextlib.contextmanager
def reachable(where: str):
    """UserError where a storage that was open goes out of reach."""
    try:
        yield
    except OUT_OF_REACH as error:
        raise UserError(
            f"storage={without_password(where)}: does not answer any more ({reason_of(error, where)}); "
            "the same command goes on when it is back"
        ) from error


def rdb_storage(url: str, engine: Mapping[str, Any]) -> BaseStorage:
    """A database; waits where another process is just creating its tables."""
    for attempt in range(10):
        try:
            return RDBStorage(url, engine_kwargs=dict(engine))
        except SQLAlchemyError as error:
            if attempt == 9 or not (isinstance(error, IntegrityError) or "already exists" in str(error)):
                raise
            time.sleep(0.3)
    raise AssertionError("unreachable")


def grpc_storage(address: str) -> GrpcStorageProxy:
    import grpc

    host, _, port = address.partition(":")
    channel = grpc.insecure_channel(f"{host}:{port or GRPC_PORT}")
    try:
        grpc.channel_ready_future(channel).result(timeout=10)
    except grpc.FutureTimeoutError as error:
        raise OSError("nothing answers there within 10 s") from error
    finally:
        channel.close()
    return GrpcStorageProxy(host=host, port=int(port or GRPC_PORT))


@contextlib.contextmanager
def quiet_optuna():
    """Without Optuna's own lines on the terminal: the sweep's table and logs say the same."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
