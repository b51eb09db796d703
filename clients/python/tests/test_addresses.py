import pytest

from dms_client import Client
from dms_client._addresses import TCPAddress, TLSAddress, UnixAddress, parse_address, parse_addresses


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("localhost", TCPAddress("localhost", 8001)),
        ("127.0.0.1:9", TCPAddress("127.0.0.1", 9)),
        ("[::1]", TCPAddress("::1", 8001)),
        ("[::1]:65535", TCPAddress("::1", 65535)),
        ("tls://dms-1", TLSAddress("dms-1", 8001)),
        ("tls://[::1]:2", TLSAddress("::1", 2)),
        ("unix:///run/dms.sock", UnixAddress("/run/dms.sock")),
        ("unix:///" + "a" * 106, UnixAddress("/" + "a" * 106)),
    ],
)
def test_an_address_is_read(text: str, address: object) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":1",
        "a:",
        "a:0",
        "a:65536",
        "a:x",
        "a:+1",
        "::1",
        "[::1",
        "[::1]x",
        "a b",
        "tls://",
        "tls://a:0",
        "tls://tls://a",
        "unix://x",
        "unix:///" + "a" * 107,
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no server address"):
        parse_address(text)


def test_a_client_needs_an_address() -> None:
    with pytest.raises(ValueError):
        parse_addresses([])


def test_a_token_is_never_shown() -> None:
    with Client(operator_token="hush") as client:
        assert "hush" not in repr(vars(client)) + repr(vars(client._client._link))
