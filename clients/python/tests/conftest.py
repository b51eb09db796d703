from collections.abc import Iterator
from pathlib import Path

import pytest

from dms_client import Client, Unimplemented
from tests.support import BINARY, OPERATOR_TOKEN, Scheduler


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose path is short enough for unix sockets."""
    return tmp_path_factory.mktemp("s")


@pytest.fixture
def scheduler(folder: Path) -> Iterator[Scheduler]:
    """A scheduler with a private redis-server."""
    if not BINARY.exists():
        pytest.fail(f"{BINARY} is missing: swift build --product dms-scheduler, or set DMS_SCHEDULER")
    scheduler = Scheduler(folder).start()
    yield scheduler
    scheduler.stop()


@pytest.fixture
def client(scheduler: Scheduler) -> Iterator[Client]:
    """A blocking client with the operator token."""
    with Client(scheduler.address, operator_token=OPERATOR_TOKEN, submitter_id="pytest") as client:
        yield client


@pytest.fixture
def lists(client: Client) -> None:
    """For tests that need lists; to be deleted when the scheduler has them."""
    try:
        client.tasks.list()
    except Unimplemented:
        pytest.skip("this scheduler has no lists yet")
