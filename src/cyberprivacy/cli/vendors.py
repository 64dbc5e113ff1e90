"""Where commands that make or judge evidence get what vendors publish: `--amd`, `--intel`, `--offline`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer
from platformdirs import user_cache_path

from cyberprivacy.attest.collateral.keeper import Keeper
from cyberprivacy.attest.collateral.resource import Sources
from cyberprivacy.attest.evidence import Evidence
from cyberprivacy.cli.options import bundled

_OPTIONS: Final[Mapping[str, tuple[Any, Any]]] = {
    "amd": (
        Annotated[
            str,
            typer.Option(metavar="URL", envvar="CYBERPRIVACY_AMD", help="Who answers in the place of AMD's KDS."),
        ],
        "",
    ),
    "intel": (
        Annotated[
            str,
            typer.Option(metavar="URL", envvar="CYBERPRIVACY_INTEL", help="A PCCS, in the place of Intel's PCS."),
        ],
        "",
    ),
    "offline": (Annotated[bool, typer.Option("--offline", help="Ask no vendor: use what came along.")], False),
}


@dataclass(frozen=True, slots=True)
class Vendors:
    """Who publishes certificates and collateral, as the options say.

    Attributes:
        amd, intel: addresses; "" = the vendors' own.
        offline: whether nobody is asked at all.
    """

    amd: str
    intel: str
    offline: bool

    def __post_init__(self) -> None:
        _ = self._sources  # what was typed wrongly is said before anything else happens

    def complete(self, evidence: Evidence, *, renew: bool = False) -> Evidence:
        """The evidence with what it lacks; as it is when nobody may be asked. See `Keeper.complete`.

        Raises:
            CyberPrivacyError: as `Keeper.complete`.
        """
        if self.offline:
            return evidence
        keeper = Keeper(user_cache_path("cyberprivacy") / "collateral", sources=self._sources)
        return keeper.complete(evidence, renew=renew)

    @property
    def _sources(self) -> Sources:
        return Sources.at(amd=self.amd, intel=self.intel)


def with_vendors(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `Vendors`; it takes them as one argument, `vendors`."""
    return bundled(command, "vendors", _OPTIONS, Vendors)
