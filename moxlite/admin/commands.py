"""Commands of the control socket about configuration, accounts and log: the server's side of the command line
(ADMIN-12..19).

The server registers them together with the commands of other components. Each takes arguments of `requests`, and raises
`CommandFailed` with a text for people.
"""

import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial

import trio

from moxlite import __version__, lazyimport
from moxlite.admin.accountcommands import AccountCommands
from moxlite.admin.commandedits import named_account
from moxlite.admin.credentialcommands import AdminTokenCommands, AppPasswordCommands, LoginCommands, TLSKeyCommands
from moxlite.admin.dns.others import others_of_new
from moxlite.admin.doctor.helpers import Helpers
from moxlite.admin.domains.control import DomainCommands
from moxlite.admin.factors import FactorChanges, FactorCommands
from moxlite.admin.junk import JunkCommands
from moxlite.admin.passwords import EndSessions, Passwords
from moxlite.admin.shares import ShareCommands
from moxlite.admin.storage.checks import (
    StoreCommands,
    check_accounts,
    check_server_files,
    repair_account,
    undelete_mail,
)
from moxlite.config.holder import ConfigHolder
from moxlite.findings import Finding
from moxlite.logins.logins import Logins
from moxlite.net import log
from moxlite.net.control.server import Command, CommandFailed
from moxlite.net.resolver import Resolver
from moxlite.operations.access import HashTaken, SetHash, SetPassword, Undelete, UndeletedMail
from moxlite.operations.performing import answering, commands
from moxlite.operations.server import (
    CertificatesRead,
    CheckHealth,
    Process,
    ReloadCertificates,
    SetLogLevels,
    Stop,
    Wellness,
)
from moxlite.operations.store import CheckReport, StoreCheck, StoreRepair
from moxlite.process.signals import unit
from moxlite.store.accounts.access import Forget
from moxlite.store.accounts.accounts import Accounts, account_findings
from moxlite.store.auth.authdb import AuthDB
from moxlite.store.errors import BadPassword, StoreError


class AdminCommands:
    """The commands of the control socket, with the components that they need.

    Args:
      stop: begins the orderly shutdown of the server.
      read_certificates: reads the certificate files again, and returns what cannot be used, one line each.
      findings: returns the server's faults: errors keep it from being healthy.
      end_sessions: ends the mail sessions of an account, or the sessions of one app password, with a text for their
        users.
      factors: changes second factors.
      helpers: the trials of child processes.
      resolver: answers about who else uses a new domain.
      forgetters: take a removed account out of other databases than auth.db.
    """

    def __init__(
        self,
        *,
        config: ConfigHolder,
        accounts: Accounts,
        auth: AuthDB,
        logins: Logins,
        stop: Callable[[], None],
        read_certificates: Callable[[], Awaitable[list[str]]],
        findings: Callable[[], Awaitable[list[Finding]]],
        end_sessions: EndSessions,
        factors: FactorChanges,
        helpers: Helpers,
        resolver: Resolver,
        forgetters: Iterable[Forget],
    ) -> None:
        self._config = config
        self._accounts = accounts
        self._auth = auth
        self._logins = logins
        self._helpers = helpers
        self._stop = stop
        self._read_certificates = read_certificates
        self._findings = findings
        self._factors = factors
        self._resolver = resolver
        self._forgetters = forgetters
        self._passwords = Passwords(accounts, logins, end_sessions)

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        return answering(self._registry())

    def _registry(self) -> Mapping[str, Command]:
        accounts = AccountCommands(self._config, self._accounts, self._auth, self._logins, self._forgetters)
        return {
            **commands(
                StoreCheck.bind(self.store_check),
                StoreRepair.bind(self.store_repair),
                Stop.bind(self.stop),
                ReloadCertificates.bind(self.tls_reload),
                CheckHealth.bind(self.healthcheck),
                SetLogLevels.bind(self.log_levels),
                Undelete.bind(self.undelete),
                SetPassword.bind(self.set_password),
                SetHash.bind(self.set_hash),
            ),
            **accounts.registry(),
            **DomainCommands(
                self._config,
                accounts.check_new,
                accounts.make,
                accounts.check_address,
                partial(others_of_new, self._config, self._resolver),
            ).registry(),
            **TLSKeyCommands(self._config, self._auth, self._passwords).registry(),
            **LoginCommands(self._config, self._auth.attempts).registry(),
            **AppPasswordCommands(self._config, self._passwords, self._auth.attempts).registry(),
            **AdminTokenCommands(self._auth.admin_tokens).registry(),
            **FactorCommands(self._config, self._auth, self._logins, self._factors).registry(),
            **ShareCommands(self._config, self._accounts, self._auth).registry(),
            **StoreCommands(self._config, self._accounts).registry(),
            **JunkCommands(self._config, self._accounts).registry(),
        }

    async def stop(self, args: Stop) -> Process:
        """Begin the orderly shutdown; the caller waits for the process to end. Refused where it would be started
        again.
        """
        if name := unit():
            raise CommandFailed("refused", f"systemd would restart this server; to stop it, run: systemctl stop {name}")
        self._stop()
        return Process(os.getpid(), __version__)

    async def tls_reload(self, args: ReloadCertificates) -> CertificatesRead:
        """Read certificates and keys of files again (WEB-121)."""
        return CertificatesRead(await self._read_certificates())

    async def healthcheck(self, args: CheckHealth) -> Wellness:
        """Return the faults of the server, and the accounts that are out of service with the reason."""
        accounts = [finding.text for finding in account_findings(self._accounts)]
        findings = await self._findings()
        problems = [finding.text for finding in findings if finding.grade == "error"]
        warnings = [finding.text for finding in findings if finding.grade == "warning"]
        return Wellness(problems, accounts, self._helpers.states, warnings)

    async def log_levels(self, args: SetLogLevels) -> dict[str, str]:
        """Set log levels, and return the levels in force."""
        for package, level in args.levels.items():
            try:
                log.set_level(package, level)
            except ValueError as error:
                raise CommandFailed("badRequest", str(error)) from None
        return log.levels()

    async def set_password(self, args: SetPassword) -> None:
        """Set the password of an account, and end its sessions (STORE-102, IMAP-23)."""
        named_account(self._config, args.account)
        try:
            await self._passwords.change(args.account, args.password)
        except BadPassword as error:
            raise CommandFailed("badRequest", str(error), "password") from None
        except StoreError as error:
            raise CommandFailed("failed", f"couldn't set password: {error}") from None
        await self._auth.sessions.remove_all(args.account)

    async def set_hash(self, args: SetHash) -> HashTaken:
        """Take over another server's password hash (STORE-100a)."""
        await lazyimport.load("moxlite.store.auth.foreignhashes")
        from moxlite.store.auth.foreignhashes import UnknownHash, read_hash, weak_scheme

        named_account(self._config, args.account)
        try:
            form = read_hash(args.hash)
        except UnknownHash as error:
            raise CommandFailed("badRequest", str(error), "hash") from None
        return HashTaken(await self._passwords.take_hash(args.account, form), weak_scheme(form))

    async def undelete(self, args: Undelete) -> UndeletedMail:
        """Bring removed messages back (STORE-190)."""
        named_account(self._config, args.account)
        return await undelete_mail(self._accounts, args)

    async def store_check(self, args: StoreCheck) -> list[CheckReport]:
        """Check one account or all, in worker threads, while they stay in use."""
        if args.account:
            named_account(self._config, args.account)
        if args.account:
            return await check_accounts(self._accounts, [args.account], deep=args.deep)
        reports = await check_accounts(self._accounts, self._accounts.names(), deep=args.deep)
        return reports + await trio.to_thread.run_sync(check_server_files, self._accounts.directory)

    async def store_repair(self, args: StoreRepair) -> list[str]:
        """Repair an account while it stays in use; returns what was changed (STORE-43)."""
        named_account(self._config, args.account)
        try:
            return await repair_account(self._accounts, args)
        except ValueError as error:
            raise CommandFailed("badRequest", str(error)) from None
        except StoreError as error:
            raise CommandFailed("failed", str(error)) from None
