"""Both doors inside TLS, with certificates that openssl makes for the test."""

import asyncio
import pathlib
import socket
import ssl
import subprocess
from collections.abc import Iterator

import pytest

from dms_client import AsyncClient, Client, ConnectError
from dms_client.models import ServingStatus
from tests.support import OPERATOR_TOKEN, PATIENCE, Scheduler

_MAKE = r"""
new() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" -keyout "$1.key" "${@:2}"; }
new root -x509 -days 2 -out root.pem
echo 'subjectAltName=DNS:localhost,IP:127.0.0.1' >names
for name in server client; do
    new $name -out $name.csr
    openssl x509 -req -in $name.csr -CA root.pem -CAkey root.key -CAcreateserial -days 2 -extfile names -out $name.pem
done
"""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A folder with a root, and a server's and a client's certificate that it issued."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(["bash", "-ec", _MAKE], cwd=folder, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def tls(certificates: pathlib.Path) -> ssl.SSLContext:
    """What a client with a certificate connects with."""
    context = ssl.create_default_context(cafile=certificates / "root.pem")
    context.load_cert_chain(certificates / "client.pem", certificates / "client.key")
    return context


@pytest.fixture
def secure(folder: pathlib.Path, certificates: pathlib.Path, tls: ssl.SSLContext) -> Iterator[Scheduler]:
    """A scheduler that speaks TLS and asks for a client's certificate."""
    flags = {"cert": "server.pem", "key": "server.key", "client-ca": "root.pem"}
    arguments = [text for name, file in flags.items() for text in (f"--tls-{name}-file", str(certificates / file))]
    scheduler = Scheduler(folder, *arguments, tls=tls).start()
    yield scheduler
    scheduler.stop()


def test_a_blocking_client_speaks_tls(secure: Scheduler, tls: ssl.SSLContext) -> None:
    with Client(secure.address, operator_token=OPERATOR_TOKEN, tls=tls) as client:
        client.tasks.enqueue("t", service="s", user_id="u", parameters={"text": "x" * 500_000})
        held = client.submitter.next(lease=30).tasks[0]
        assert held.task.task_id == "t"
        client.submitter.finish(held)


def test_an_asyncio_client_speaks_tls_by_name(secure: Scheduler, tls: ssl.SSLContext) -> None:
    async def check() -> None:
        address = secure.address.replace("127.0.0.1", "localhost")
        async with asyncio.timeout(PATIENCE), AsyncClient(address, tls=tls) as client:
            assert await client.health.check() is ServingStatus.SERVING
        async with asyncio.timeout(PATIENCE), AsyncClient(secure.address, tls=tls, server_name="localhost") as client:
            assert await client.health.check() is ServingStatus.SERVING

    asyncio.run(check())


def test_what_is_not_trusted_is_not_spoken_to(
    secure: Scheduler, certificates: pathlib.Path, tls: ssl.SSLContext
) -> None:
    nameless = ssl.create_default_context(cafile=certificates / "root.pem")
    for context, name in [(None, None), (nameless, None), (tls, "elsewhere")]:
        with (
            Client(secure.address, tls=context, server_name=name, connect_timeout=2) as client,
            pytest.raises(ConnectError),
        ):
            client.health.check()


def test_tls_that_would_not_be_used_is_refused(tls: ssl.SSLContext) -> None:
    with pytest.raises(ValueError, match="not encrypted"):
        Client("127.0.0.1:8001", tls=tls)
    with pytest.raises(ValueError, match="not encrypted"):
        Client("unix:///run/dms.sock", server_name="dms")


@pytest.mark.parametrize(("door", "agreed"), [("http_port", "http/1.1"), ("rpc", None)])
def test_only_the_rest_door_has_a_protocol_with_a_name(
    secure: Scheduler, certificates: pathlib.Path, door: str, agreed: str | None
) -> None:
    port = secure.http_port if door == "http_port" else int(secure.address.rpartition(":")[2])
    context = ssl.create_default_context(cafile=certificates / "root.pem")
    context.load_cert_chain(certificates / "client.pem", certificates / "client.key")
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as inside,
    ):
        assert inside.selected_alpn_protocol() == agreed
        assert inside.version() == "TLSv1.3"


@pytest.mark.parametrize("old", [ssl.TLSVersion.TLSv1_1])
def test_versions_before_1_2_are_not_spoken(secure: Scheduler, certificates: pathlib.Path, old: ssl.TLSVersion) -> None:
    context = ssl.create_default_context(cafile=certificates / "root.pem")
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning):
        context.minimum_version = old
        context.maximum_version = old
    with (
        socket.create_connection(("127.0.0.1", secure.http_port), timeout=PATIENCE) as plain,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(plain, server_hostname="127.0.0.1")
