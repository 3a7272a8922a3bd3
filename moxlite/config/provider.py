"""Struct of the login provider, a table of moxlite.toml (WEB-180)."""

from collections.abc import Mapping
from typing import Annotated

from moxlite.config.values import URL, Domain, Duration, Path, Section, doc


class OIDC(Section, frozen=True):
    """An OpenID Connect login provider. Users log in to the webmail and account page there, with one login for
    everything.
    """

    issuer: Annotated[URL, doc("The issuer, exactly as in the provider's discovery document.")]
    client_id: Annotated[str, doc("The client that you registered there, with both redirect addresses.")]
    client_secret_file: Annotated[
        Path | None,
        doc("File with the client's secret. The server's user must be able to read it. Not needed for public clients."),
    ] = None
    admin_group: Annotated[
        str | None,
        doc(
            "The group at the provider whose members log in to the admin app there, from the claim `groups`. Without "
            "it, only the admin password logs in."
        ),
    ] = None
    name: Annotated[str, doc("The provider's name on the login button. For example, `Authentik`.")] = "OpenID Connect"
    allow_internal: Annotated[bool, doc("The provider has an address of your own network.")] = False
    trust_addresses: Annotated[
        tuple[Domain, ...],
        doc(
            "Domains where only the provider gives out addresses. The first login connects a user to the account with "
            "the user's verified address. After that, only the user's ID at the provider counts."
        ),
    ] = ()
    shared_mailboxes: Annotated[
        Mapping[str, str],
        doc(
            "Groups at the provider, by the account of the shared mailbox that they get. Each login there adds or "
            "removes the user."
        ),
    ] = {}
    second_factor: Annotated[
        tuple[str, ...],
        doc(
            "Values of the claims `acr` and `amr` that replace two-step verification here. For example, `mfa`. Without "
            "them, users enter their own second factor."
        ),
    ] = ()
    pause_app_passwords: Annotated[
        Duration | None,
        doc(
            "Pause app passwords and access tokens of connected accounts this long after the last login at the "
            "provider. They work again after the next one. For example, `30d`."
        ),
    ] = None
