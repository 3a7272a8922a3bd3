"""Commands of the control socket for ``moxlite doctor``."""

from collections.abc import Mapping

from moxlite.admin.doctor.nightly import Nightly
from moxlite.admin.doctor.requests import Running, SendMail, Sent, Told
from moxlite.admin.doctor.sources import Sources, look, try_mail
from moxlite.net.control.server import Command, CommandFailed, Exchange
from moxlite.operations import NoArguments


class DoctorCommands:
    """The commands. `nightly`: None in localserve, which is not examined."""

    def __init__(self, sources: Sources, nightly: Nightly | None) -> None:
        self._sources = sources
        self._nightly = nightly

    def registry(self) -> Mapping[str, Command]:
        """All commands by name."""
        return {
            "doctor state": Command(NoArguments, self.state),
            "doctor mail": Command(SendMail, self.mail),
            "doctor nightly": Command(NoArguments, self.nightly),
        }

    async def state(self, args: NoArguments, exchange: Exchange) -> Running:
        """Report the server's state."""
        return await look(self._sources)

    async def mail(self, args: SendMail, exchange: Exchange) -> Sent:
        """Send a message through the server's own ports, and read it."""
        return await try_mail(self._sources, args.send_to)

    async def nightly(self, args: NoArguments, exchange: Exchange) -> Told:
        """Run the nightly examination now."""
        if self._nightly is None:
            raise CommandFailed("refused", "localserve is not examined")
        try:
            return await self._nightly.once()
        except OSError as error:
            raise CommandFailed("failed", f"cannot note what was found: {error.strerror or error}") from None
