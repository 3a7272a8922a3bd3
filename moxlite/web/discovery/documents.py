"""Building the settings documents of mail programs, and parsing Outlook's request (WEB-123, 124, 126)."""

import plistlib
import re
import uuid
from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder

from moxlite.admin.offer import Offer, Security, Server, dav_url
from moxlite.config.snapshot import jmap_session
from moxlite.net.tls.certificates import KeyPair
from moxlite.proto.dav.xml import BadXML, read_xml

SOCKET_TYPES: Final[dict[Security, str]] = {"tls": "SSL", "starttls": "STARTTLS", "plain": "plain"}

OUTLOOK: Final = "http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a"
OUTLOOK_ENVELOPE: Final = "http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006"

EMAIL: Final = re.compile(r"(?:\{[^}]*\})?EMailAddress")

NAMESPACE: Final = uuid.UUID("6f6d5a6e-2f0a-5d5e-9a4c-5b9d2f1b7c11")
"""Namespace of the UUIDs in Apple profiles. An address always gets the same UUID, so that a new profile replaces the
old one.
"""


def client_config(offer: Offer, address: str | None) -> bytes:
    """Mozilla's clientConfig 1.1. Without an address, the programs substitute theirs for ``%EMAILADDRESS%``."""
    root = Element("clientConfig", version="1.1")
    provider = SubElement(root, "emailProvider", id=offer.domain.ascii)
    for tag in ("domain", "displayName", "displayShortName"):
        SubElement(provider, tag).text = offer.domain.ascii if tag == "domain" else offer.domain.unicode
    for kind, servers in (("incomingServer", offer.imap), ("outgoingServer", offer.submission)):
        for server in servers:
            element = SubElement(provider, kind, type="imap" if kind == "incomingServer" else "smtp")
            SubElement(element, "hostname").text = server.host.ascii
            SubElement(element, "port").text = str(server.port)
            SubElement(element, "socketType").text = SOCKET_TYPES[server.security]
            SubElement(element, "username").text = address or "%EMAILADDRESS%"
            SubElement(element, "authentication").text = "password-encrypted"
    for server in offer.jmap[:1]:  # below the others: older programs take the first that they know
        element = SubElement(provider, "incomingServer", type="jmap")
        SubElement(element, "url").text = jmap_session(server.host, server.port)
        SubElement(element, "username").text = address or "%EMAILADDRESS%"
        SubElement(element, "authentication").text = "http-basic"
    for tag, kind in (("addressBook", "carddav"), ("calendar", "caldav")):
        for server in offer.dav[:1]:
            element = SubElement(root, tag, type=kind)
            SubElement(element, "username").text = address or "%EMAILADDRESS%"
            SubElement(element, "authentication").text = "http-basic"
            SubElement(element, "serverURL").text = dav_url(server)
    SubElement(root, "clientConfigUpdate", url=f"https://autoconfig.{offer.domain.ascii}/mail/config-v1.1.xml")
    return _document(root)


def outlook_settings(offer: Offer, address: str) -> bytes:
    """Outlook's answer (schema 2006a). Its best authentication is a plain password, within TLS."""
    root = Element("Autodiscover", xmlns=OUTLOOK_ENVELOPE)
    account = SubElement(SubElement(root, "Response", xmlns=OUTLOOK), "Account")
    SubElement(account, "AccountType").text = "email"
    SubElement(account, "Action").text = "settings"
    for kind, servers in (("IMAP", offer.imap), ("SMTP", offer.submission)):
        for server in servers[:1]:
            protocol = SubElement(account, "Protocol")
            fields = {
                "Type": kind,
                "Server": server.host.ascii,
                "Port": str(server.port),
                "LoginName": address,
                "SPA": "off",
                "SSL": "off" if server.security == "plain" else "on",
                "Encryption": {"tls": "SSL", "starttls": "TLS", "plain": "None"}[server.security],
                "AuthRequired": "on",
            }
            for name, value in fields.items():
                SubElement(protocol, name).text = value
    return _document(root)


def apple_profile(offer: Offer, addresses: Sequence[str], name: str, password: str = "") -> bytes:
    """A configuration profile with an account for each address. Without a password in it, the device asks for it."""
    payloads = [_payload(offer, address, name, password) for address in addresses]
    if offer.dav:
        payloads += [_dav_payload(offer.dav[0], kind, addresses[0], password) for kind in ("CalDAV", "CardDAV")]
    identity = uuid.uuid5(NAMESPACE, "\0".join(addresses))
    return plistlib.dumps(
        {
            "PayloadContent": payloads,
            "PayloadDisplayName": ", ".join(addresses),
            "PayloadIdentifier": f"moxlite.{identity}",
            "PayloadOrganization": offer.domain.ascii,
            "PayloadType": "Configuration",
            "PayloadUUID": str(identity),
            "PayloadVersion": 1,
        },
        sort_keys=True,
    )


def _payload(offer: Offer, address: str, name: str, password: str) -> dict[str, object]:
    identity = uuid.uuid5(NAMESPACE, address)
    settings: dict[str, object] = {
        "EmailAccountDescription": address,
        "EmailAccountName": name or address,
        "EmailAccountType": "EmailTypeIMAP",
        "EmailAddress": address,
        "PayloadDescription": f"Mail account {address}",
        "PayloadDisplayName": address,
        "PayloadIdentifier": f"moxlite.{identity}.email",
        "PayloadType": "com.apple.mail.managed",
        "PayloadUUID": str(identity),
        "PayloadVersion": 1,
        "OutgoingPasswordSameAsIncomingPassword": True,
    }
    for side, servers in (("Incoming", offer.imap), ("Outgoing", offer.submission)):
        settings |= _server(side, servers[0], address) if servers else {}
    if password:
        settings["IncomingPassword"] = password
    return settings


def _dav_payload(server: Server, kind: str, address: str, password: str) -> dict[str, object]:
    """An account of calendars or contacts; all addresses share it, so there is one."""
    identity = uuid.uuid5(NAMESPACE, f"{kind}:{address}")
    settings: dict[str, object] = {
        f"{kind}AccountDescription": address,
        f"{kind}HostName": server.host.ascii,
        f"{kind}Port": server.port,
        f"{kind}PrincipalURL": dav_url(server),
        f"{kind}UseSSL": True,
        f"{kind}Username": address,
        "PayloadDescription": f"{'Calendars' if kind == 'CalDAV' else 'Contacts'} of {address}",
        "PayloadDisplayName": address,
        "PayloadIdentifier": f"moxlite.{identity}.{kind.lower()}",
        "PayloadType": f"com.apple.{kind.lower()}.account",
        "PayloadUUID": str(identity),
        "PayloadVersion": 1,
    }
    if password:
        settings[f"{kind}Password"] = password
    return settings


def _server(side: str, server: Server, address: str) -> dict[str, object]:
    return {
        f"{side}MailServerAuthentication": "EmailAuthCRAMMD5",
        f"{side}MailServerHostName": server.host.ascii,
        f"{side}MailServerPortNumber": server.port,
        f"{side}MailServerUseSSL": server.security != "plain",
        f"{side}MailServerUsername": address,
    }


def _document(root: Element) -> bytes:
    indent(root)
    text: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def asked_address(body: bytes) -> str:
    """The address in an autodiscover request. Raises ValueError with a text for the user."""
    try:
        root = read_xml(body)  # bounded: anybody may post here
    except BadXML:
        raise ValueError("This isn't an Autodiscover request.") from None
    for element in root.iter():
        if isinstance(element.tag, str) and EMAIL.fullmatch(element.tag):
            return (element.text or "").strip()
    raise ValueError("An email address is required.")


def signed(profile: bytes, pair: KeyPair) -> bytes:
    """A profile in a signed CMS message, with the certificate chain. Takes some milliseconds: call it in a thread."""
    assert isinstance(pair.key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey)
    builder = PKCS7SignatureBuilder().set_data(profile).add_signer(pair.leaf, pair.key, hashes.SHA256())
    for certificate in pair.chain[1:]:
        builder = builder.add_certificate(certificate)
    return builder.sign(Encoding.DER, [PKCS7Options.Binary, PKCS7Options.NoCapabilities])
