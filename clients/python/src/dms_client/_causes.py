"""Why no scheduler was reached, in words for people."""

import os
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

from dms_client._addresses import Address


@dataclass(frozen=True, slots=True)
class Failure:
    """Why no scheduler was reached at an address."""

    cause: str
    is_stranger: bool = False
    """Whether something else answers there."""

    def __str__(self) -> str:
        return f"what answers there is no scheduler: {self.cause}" if self.is_stranger else self.cause


def sentence(failures: Mapping[Address, Failure], *, are_strangers: bool) -> str:
    """Half a sentence on all the addresses that were tried; shorter where a scheduler is at none of them."""
    if are_strangers:
        causes = "; ".join(f"{address}: {failure.cause}" for address, failure in failures.items())
        return f"what answers is no scheduler's RPC port: {causes}"
    causes = "; ".join(f"{address}: {failure}" for address, failure in failures.items())
    return f"no server could be reached: {causes or 'no attempt has ended yet'}"


def words(error: OSError) -> str:
    """Why a connection did not come about, without the insides that asyncio and OpenSSL tell with it."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate is not trusted here: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        if error.reason == "WRONG_VERSION_NUMBER":
            return "the server does not speak TLS there"
        return f"TLS failed: {(error.reason or str(error)).lower().replace('_', ' ')}"
    if isinstance(error, socket.gaierror):
        return error.strerror or "the name has no address"
    # A name with several addresses has several failures, in one text.
    numbers = [error.errno] if error.errno else [int(number) for number in re.findall(r"\[Errno (\d+)\]", str(error))]
    return ", ".join(dict.fromkeys(os.strerror(number).lower() for number in numbers)) or str(error)
