"""What Intel says of platforms and of the quoting enclave: TCB info and QE identity, as values. Pure.

Their signatures are over the bytes as shipped, and are checked before anything here reads them (`collateral`).

Source: Intel PCS API version 4, "Get TDX TCB Info" (version 3) and "Get TD QE Identity" (version 2).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cyberprivacy.attest.document import BadDocument, Document
from cyberprivacy.attest.tdx.intel_json import as_list, as_object, octets, parse_json, time
from cyberprivacy.attest.tdx.policy import STATUSES, Status

COMPONENTS: Final = 16
_STATUS: Final = re.compile(r"[A-Za-z]{1,40}")
_ADVISORY: Final = re.compile(r"INTEL-[A-Z]{2}-[0-9]{1,8}")
_MODULE: Final = re.compile(r"TDX_[0-9A-F]{2}")

_DATES: Final = frozenset({"id", "version", "issueDate", "nextUpdate", "tcbEvaluationDataNumber"})
_COMPONENT: Final = frozenset({"svn", "category", "type"})
_MASKED: Final = frozenset({"mrsigner", "attributes", "attributesMask"})


@dataclass(frozen=True, slots=True)
class Validity:
    """When a statement of Intel's holds, and how new its advice is.

    Attributes:
        since, until: seconds since 1970.
        evaluation: tcbEvaluationDataNumber; grows with each round of advisories.
    """

    since: int
    until: int
    evaluation: int


@dataclass(frozen=True, slots=True)
class Level:
    """One line of a table of levels: who has at least these SVNs has this status.

    Attributes:
        sgx, tdx: 16 SVNs each; empty in tables of enclaves and modules.
        svn: SVN of the provisioning enclave; or of the enclave or module.
        status: what it is worth.
        advisories: identifiers of Intel's advisories that apply.
    """

    sgx: tuple[int, ...]
    tdx: tuple[int, ...]
    svn: int
    status: Status
    advisories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Masked:
    """Who signed an enclave or module, and which attributes it must have.

    Attributes:
        signer: its MRSIGNER.
        attributes, mask: an enclave or module fits when its attributes under the mask are these.
        levels: by SVN, highest first.
    """

    signer: bytes
    attributes: bytes
    mask: bytes
    levels: tuple[Level, ...]

    def fits(self, signer: bytes, attributes: bytes) -> bool:
        """Whether signer and attributes are as they must be."""
        masked = bytes(one & two for one, two in zip(attributes, self.mask, strict=True))
        return signer == self.signer and masked == self.attributes

    def level(self, svn: int) -> Level | None:
        """The highest level that this SVN reaches."""
        return next((level for level in self.levels if svn >= level.svn), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class TcbInfo:
    """The table of one family of processors.

    Attributes:
        validity: when it holds.
        fmspc, pceid: which family, 6 and 2 bytes.
        module: the TDX module of a time when modules had no versions; no levels of its own.
        modules: TDX modules by major version.
        levels: highest first.
    """

    validity: Validity
    fmspc: bytes
    pceid: bytes
    module: Masked
    modules: Mapping[int, Masked]
    levels: tuple[Level, ...]

    def level(self, sgx: Sequence[int], pce_svn: int, tee_tcb_svn: Sequence[int]) -> Level | None:
        """The highest level all of whose SVNs the platform reaches.

        When the module has a version (`tee_tcb_svn[1]`), it is judged by a table of its own, and the first two
        SVNs do not count here. Source: Intel SGX/TDX DCAP Quote Verification Library, TCB level of TDX.
        """
        skip = 2 if tee_tcb_svn[1] else 0
        for level in self.levels:
            reached = zip((*sgx, *tee_tcb_svn[skip:]), (*level.sgx, *level.tdx[skip:]), strict=True)
            if pce_svn >= level.svn and all(has >= needs for has, needs in reached):
                return level
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class QeIdentity:
    """What the quoting enclave for TDs must be.

    Attributes:
        validity: when it holds.
        product: ISVPRODID.
        misc_select, misc_mask: MISCSELECT under its mask, 4 bytes each as in the report.
        enclave: signer, attributes, levels.
    """

    validity: Validity
    product: int
    misc_select: bytes
    misc_mask: bytes
    enclave: Masked

    def misc_fits(self, misc_select: bytes) -> bool:
        """Whether MISCSELECT is as it must be."""
        return bytes(one & two for one, two in zip(misc_select, self.misc_mask, strict=True)) == self.misc_select


def parse_tcb_info(data: bytes) -> TcbInfo:
    """Read TCB info of version 3 for TDX.

    Raises:
        BadDocument: anything else.
    """
    fields = _DATES | {"fmspc", "pceId", "tcbType", "tdxModule", "tdxModuleIdentities", "tcbLevels"}
    document = Document({"tdxModuleIdentities": [], **as_object(parse_json(data))}, "tcbInfo", fields)
    validity = _validity(document, name="TDX", version=3)
    document.integer("tcbType", most=0)
    module = Document(document.raw("tdxModule"), "tdxModule", _MASKED)
    modules: dict[int, Masked] = {}
    for item in as_list(document.raw("tdxModuleIdentities")):
        identity = Document(item, "tdxModuleIdentity", _MASKED | {"id", "tcbLevels"})
        major = int(identity.text("id", _MODULE)[4:], 16)
        if major in modules:
            raise BadDocument("a TDX module stands twice", module=major)
        modules[major] = _masked(identity, 48, 8, _levels(identity.raw("tcbLevels")))
    return TcbInfo(
        validity=validity,
        fmspc=octets(document, "fmspc", 6),
        pceid=octets(document, "pceId", 2),
        module=_masked(module, 48, 8, ()),
        modules=modules,
        levels=_sorted(_platform_level(item) for item in as_list(document.raw("tcbLevels"))),
    )


def parse_qe_identity(data: bytes) -> QeIdentity:
    """Read the identity of the TD quoting enclave, version 2.

    Raises:
        BadDocument: anything else.
    """
    fields = _DATES | _MASKED | {"miscselect", "miscselectMask", "isvprodid", "tcbLevels"}
    document = Document(parse_json(data), "enclaveIdentity", fields)
    return QeIdentity(
        validity=_validity(document, name="TD_QE", version=2),
        product=document.integer("isvprodid", most=0xFFFF),
        misc_select=octets(document, "miscselect", 4),
        misc_mask=octets(document, "miscselectMask", 4),
        enclave=_masked(document, 32, 16, _levels(document.raw("tcbLevels"))),
    )


def _validity(document: Document, *, name: str, version: int) -> Validity:
    document.version("version", known=version)
    if document.raw("id") != name:
        raise BadDocument("a statement about something else", id=str(document.raw("id"))[:20], wanted=name)
    since, until = time(document, "issueDate"), time(document, "nextUpdate")
    return Validity(since, until, document.integer("tcbEvaluationDataNumber", most=0xFFFF_FFFF))


def _masked(document: Document, signer: int, attributes: int, levels: tuple[Level, ...]) -> Masked:
    return Masked(
        octets(document, "mrsigner", signer),
        octets(document, "attributes", attributes),
        octets(document, "attributesMask", attributes),
        levels,
    )


def _line(value: object) -> tuple[object, Status, tuple[str, ...]]:
    line = {"advisoryIDs": [], **as_object(value)}
    document = Document(line, "tcbLevel", frozenset({"tcb", "tcbDate", "tcbStatus", "advisoryIDs"}))
    time(document, "tcbDate")
    status = STATUSES.get(document.text("tcbStatus", _STATUS))
    if status is None:
        raise BadDocument("a TCB status that this program does not know", status=str(document.raw("tcbStatus")))
    advisories = as_list(document.raw("advisoryIDs"))
    if not all(isinstance(item, str) and _ADVISORY.fullmatch(item) for item in advisories):
        raise BadDocument("not identifiers of advisories")
    return document.raw("tcb"), status, tuple(str(item) for item in advisories)


def _levels(value: object) -> tuple[Level, ...]:
    """Levels of an enclave or a TDX module."""
    made = []
    for item in as_list(value):
        tcb, status, advisories = _line(item)
        svn = Document(tcb, "tcb", frozenset({"isvsvn"})).integer("isvsvn", most=0xFFFF)
        made.append(Level((), (), svn, status, advisories))
    return _sorted(made)


def _platform_level(value: object) -> Level:
    tcb, status, advisories = _line(value)
    document = Document(tcb, "tcb", frozenset({"sgxtcbcomponents", "pcesvn", "tdxtcbcomponents"}))
    sgx, tdx = (_components(document.raw(name)) for name in ("sgxtcbcomponents", "tdxtcbcomponents"))
    return Level(sgx, tdx, document.integer("pcesvn", most=0xFFFF), status, advisories)


def _components(value: object) -> tuple[int, ...]:
    items = as_list(value)
    if len(items) != COMPONENTS:
        raise BadDocument("not 16 TCB components", count=len(items))
    return tuple(_component(item) for item in items)


def _component(value: object) -> int:
    svn = value.get("svn") if isinstance(value, dict) and value.keys() <= _COMPONENT else None
    if type(svn) is not int or not 0 <= svn <= 0xFF:
        raise BadDocument("not a TCB component with an SVN of one byte")
    return svn


def _sorted(levels: Iterable[Level]) -> tuple[Level, ...]:
    """Highest first, whatever order they came in; the first of equal ones stays first."""
    return tuple(sorted(levels, key=lambda level: (level.sgx, level.tdx, level.svn), reverse=True))
