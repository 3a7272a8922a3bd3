"""Struct of the login provider, a table of moxlite.toml (WEB-180)."""

from collections.abc import Mapping
from typing import Annotated

from moxlite.config.values import URL, Domain, Duration, Path, Section, doc


class OIDC(Section, frozen=True):
    """An OpenID Connect login provider. Users log in to webmail and the account page there, with one login for
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
            "Provider group with members who log in to the admin app there, from the claim `groups`. Without "
            "it, you can only log in with the admin password."
        ),
    ] = None
    name: Annotated[str, doc("The provider's name on the login button. For example, `Authentik`.")] = "OpenID Connect"
    allow_internal: Annotated[bool, doc("The provider is on your own network.")] = False
    trust_addresses: Annotated[
        tuple[Domain, ...],
        doc(
            "Domains with addresses assigned only by the provider. The first login connects a user to the account with "
            "the user's verified address. After that, only the user's ID at the provider is used."
        ),
    ] = ()
    shared_mailboxes: Annotated[
        Mapping[str, str],
        doc("Provider groups with access to shared mailboxes, by account. Each login there adds or removes the user."),
    ] = {}
    second_factor: Annotated[
        tuple[str, ...],
        doc(
            "Values of the claims `acr` and `amr` that replace two-step verification here. For example, `mfa`. Without "
            "them, users need a verification method here."
        ),
    ] = ()
    pause_app_passwords: Annotated[
        Duration | None,
        doc(
            "Pause app passwords and access tokens of connected accounts this long after the last login at the "
            "provider. They work again after the next one. For example, `30d`."
        ),
    ] = None
