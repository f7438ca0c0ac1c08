"""Where a study is kept, so that any number of processes and machines can work on it: Optuna's storages."""

import contextlib
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import BaseStorage, GrpcStorageProxy, JournalStorage, RDBStorage, get_storage
from optuna.storages.journal import JournalFileBackend
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError

from asr.errors import UserError, one_line

FORMS = "a path (SQLite), journal:PATH, postgresql://USER@HOST/NAME, mysql://…, or grpc://HOST:PORT"
WAIT_S = 60.0  # for another process to let go of a SQLite file
GRPC_PORT = 13000  # what Optuna's run_grpc_proxy_server takes by itself


def open_storage(where: str) -> BaseStorage:
    """The storage that `where` names. Raises UserError where it cannot be reached, or is of no known form."""
    kind, _, rest = where.partition(":")
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
    except ModuleNotFoundError as error:
        hint = "pip install 'asr-from-scratch[postgresql]'" if kind == "postgresql" else f"pip install {error.name}"
        raise UserError(f"storage={where}: its driver {error.name} is not installed: {hint}") from error
    except ArgumentError as error:
        raise UserError(f"storage={where}: not a place to keep a study; give {FORMS}") from error
    except (SQLAlchemyError, ImportError, OSError, ValueError, RuntimeError) as error:
        reason = (one_line(error.__cause__ or error) or one_line(error)).split("(Background on this error")[0]
        raise UserError(f"storage={where}: cannot be reached ({reason[:200]}); give {FORMS}") from error


def rdb_storage(url: str, engine: Mapping[str, Any]) -> BaseStorage:
    """A database; whoever comes while another process makes its tables waits for them."""
    for attempt in range(10):
        try:
            return get_storage(RDBStorage(url, engine_kwargs=dict(engine)))
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
    """Without Optuna's own lines: what happens is told elsewhere."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(logging.ERROR)
    try:
        yield
    finally:
        optuna.logging.set_verbosity(before)
