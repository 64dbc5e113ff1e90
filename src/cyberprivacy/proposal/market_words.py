"""What the contracts of stakes, logs, visits and rent answer when they refuse, in words."""

from typing import Final

MARKET: Final = ("RentToken", "LogAnchor", "Providers", "Validators", "Expansions", "Orders")

MARKET_WORDS: Final[dict[str, tuple[str, tuple[str, str, str]]]] = {
    # too early
    "ProviderStillLiable": (
        "later",
        (
            "still-liable",
            "what is leaving the stake is still liable",
            "Wait for the end of the unbonding period.",
        ),
    ),
    "ValidatorStillLiable": (
        "later",
        (
            "still-liable",
            "the bond answers for visits that can be challenged, or the account does not retire",
            "`validator retire` first; then wait for `until` and for the court.",
        ),
    ),
    "ExpansionWaits": ("later", ("expansion-waits", "the public waiting period is not over", "Wait until then.")),
    "ClaimWaits": ("later", ("claim-waits", "the window for disputes, or for the court, is not over", "Wait.")),
    "ClaimNotAnchored": (
        "misuse",
        (
            "not-anchored",
            "the cluster's log has no anchored head that was signed after the last second claimed",
            "`cluster anchor` a newer head first.",
        ),
    ),
    # not this account
    "ProviderNotRegistrar": ("misuse", ("not-registrar", "only the registrar licenses", "Its DAO must vote.")),
    "ProviderNotCourt": ("misuse", ("not-court", "only the court slashes without a proof", "Its DAO must vote.")),
    "ValidatorNotRegistrar": ("misuse", ("not-registrar", "only the registrar accredits", "Its DAO must vote.")),
    "ValidatorNotCourt": ("misuse", ("not-court", "only the court rules", "Its DAO must vote.")),
    "OrdersNotCourt": ("misuse", ("not-court", "only the court rules", "Its DAO must vote.")),
    "ProviderUnknown": ("misuse", ("provider-unknown", "not a registered provider", "`provider register` first.")),
    "ValidatorUnknown": (
        "misuse",
        (
            "validator-unknown",
            "not a registered validator",
            "`validator register` first.",
        ),
    ),
    "ValidatorNotCounted": (
        "misuse",
        (
            "validator-not-counted",
            "the account does not count as a validator: not accredited, bond too small, or retiring",
            "`validator show` says which.",
        ),
    ),
    "ExpansionNotProvider": ("misuse", ("not-provider", "the account is not the provider of this cluster", "")),
    "OrderNotYours": (
        "misuse",
        (
            "order-not-yours",
            "only the order's payer, or only its provider, may do this",
            "",
        ),
    ),
    # not this evidence
    "AnchorNotSigned": (
        "untrusted",
        (
            "head-not-signed",
            "the head is not signed by the cluster's head key",
            "`cluster head-key` names the key.",
        ),
    ),
    "AnchorNotGrowing": (
        "untrusted",
        (
            "head-not-growing",
            "the head does not grow from the anchored one, or its time goes back",
            "",
        ),
    ),
    "AnchorNotConsistent": (
        "untrusted",
        (
            "head-forked",
            "the proof does not show that the head extends the anchored one",
            "Either the proof is for other sizes, or the log was rewritten.",
        ),
    ),
    "AnchorFromFuture": ("untrusted", ("head-from-future", "the head is from the future", "Check the clocks.")),
    "ProviderNoFork": (
        "untrusted",
        (
            "no-fork",
            "the heads do not contradict each other, or are not signed by keys of one cluster",
            "",
        ),
    ),
    "ProviderAlreadyPunished": ("misuse", ("already-punished", "this was punished before", "")),
    "ProviderDocumentChanged": (
        "untrusted",
        (
            "document-changed",
            "the provider shows another document now",
            "Read that one before you vouch for it.",
        ),
    ),
    "OrderProviderRefused": (
        "untrusted",
        (
            "provider-refused",
            "the provider has no licence or too little stake, is not the cluster's, or its log forked",
            "`provider show` says which.",
        ),
    ),
    "ExpansionNotVouched": (
        "untrusted",
        (
            "not-vouched",
            "too few validators vouch for the machine, or one is suspicious",
            "`cluster show` counts them.",
        ),
    ),
    "ExpansionMeasurementRefused": (
        "untrusted",
        (
            "measurement-refused",
            "the measurement is not accepted as of now",
            "",
        ),
    ),
    "ExpansionVisitRefused": (
        "misuse",
        (
            "visit-refused",
            "not your visit, not one that counts, or not of this machine since its announcement",
            "",
        ),
    ),
    # not now
    "ClaimTimesRefused": (
        "misuse",
        (
            "claim-times",
            "seconds claimed before, not yet passed, outside the order, or too late",
            "`rent show` says what is left to claim.",
        ),
    ),
    "ClaimTooLate": ("misuse", ("claim-too-late", "the window for disputes is over", "")),
}
"""Name of the error -> kind, code (without "law."), words, hint. Kinds: later, misuse, untrusted."""
