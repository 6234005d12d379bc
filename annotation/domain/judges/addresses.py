"""Where a judge's endpoint may be: a web server that an admin names, and no door into a cloud.

Addresses of this machine and of private networks are allowed, because people run models there.
Link-local addresses are not: there, clouds hand out the keys of the machine to whoever asks.
"""

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import SplitResult, urlsplit

from annotation.domain.errors import InvalidField

LONGEST = 500
METADATA_HOSTS = frozenset(
    {
        "metadata",
        "metadata.google.internal",
        "metadata.goog",
        "instance-data",
        "instance-data.ec2.internal",
        "metadata.tencentyun.com",
        "metadata.azure.com",
        "metadata.azure.internal",
    }
)
# Services of clouds that are not on a link-local address: EC2 over IPv6, Azure, Alibaba, Oracle.
METADATA_ADDRESSES = frozenset(
    ip_address(text)
    for text in ("fd00:ec2::254", "fd00:ec2::23", "168.63.129.16", "100.100.100.200", "192.0.0.192")
)
NAT64 = (ip_network("64:ff9b::/96"), ip_network("64:ff9b:1::/48"))
Address = IPv4Address | IPv6Address


def checked_base_url(text: str) -> str:
    """Check the base URL of an endpoint and spell it one way: lower-case host, no slash at the end.

    Args:
        text: what somebody typed, such as "https://api.example.org/v1".
    Raises:
        InvalidField: it is no plain http or https address, or a host that is never asked; the
            sentence never repeats what was typed, which may hold a password.
    """
    text = text.strip()
    if not text or len(text) > LONGEST or not text.isascii() or not text.isprintable():
        raise _refusal(f"Give an address of at most {LONGEST} plain ASCII characters.")
    if any(letter in text for letter in ' \\<>"'):
        raise _refusal("An address holds no spaces, quotes or backslashes.")
    parts = _split(text)
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        raise _refusal("Leave name and password out of the address; the key has its own field.")
    if "?" in text or "#" in text:
        raise _refusal("Leave out everything from “?” or “#” on; the key has its own field.")
    host = (parts.hostname or "").rstrip(".")
    if reason := refused_host(host):
        raise _refusal(reason)
    shown = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{shown}{port}{parts.path}".rstrip("/")


def refused_host(host: str) -> str:
    """Say why a host is never asked; "" for one that may be. A name is not looked up here."""
    if not host:
        return "The address names no host; write it as https://host/v1."
    if host.lower() in METADATA_HOSTS:
        return _metadata(host)
    address = _address(host)
    return refused_address(address) if address else ""


def refused_address(address: Address) -> str:
    """Say why an IP address is never connected to; "" for one that may be.

    An IPv4 address inside an IPv6 one (mapped, NAT64, 6to4) counts as what it leads to.
    """
    for one in (address, *_inside(address)):
        if one.is_link_local or one in METADATA_ADDRESSES:
            return _metadata(str(address))
        is_odd = one.is_multicast or one.is_unspecified or (one.version == 4 and one.is_reserved)
        if is_odd and not one.is_loopback:
            return f"{address} is no address of a server; write 127.0.0.1 for this machine."
    return ""


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        is_web = parts.scheme in ("http", "https") and parts.port != 0
    except ValueError as error:
        raise _refusal("This is no address; write it as https://host/v1.") from error
    if not is_web or not parts.netloc:
        raise _refusal("An endpoint's address starts with http:// or https://.")
    return parts


def _address(host: str) -> Address | None:
    """Read an IP address in any spelling that a resolver takes: 0xA9FEA9FE, 2852039166."""
    try:
        return ip_address(host.split("%")[0])
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except OSError:
        return None


def _inside(address: Address) -> list[Address]:
    if address.version == 4:
        return []
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if any(address in network for network in NAT64):
        found.append(IPv4Address(int(address) & 0xFFFFFFFF))
    if 0 < int(address) < 2**32 and not address.is_loopback:  # the old ::a.b.c.d
        found.append(IPv4Address(int(address)))
    return [one for one in found if one is not None]


def _metadata(host: str) -> str:
    return (
        f"{host[:80]} is never asked: link-local and metadata addresses hand out the keys of a "
        "cloud machine. Name the server that the model runs on."
    )


def _refusal(detail: str) -> InvalidField:
    return InvalidField(detail, field="base_url")
