# ruff: noqa: INP001  beside a script, not in a package
"""The rules of stakes, logs, visits and rent, each with a way to break it and the tests that must notice."""

from typing import Final

from mutants_list import Mutant

MARKET: Final = (
    # --- which Privacy OS counts
    Mutant("OsReleases", "what is live", "if (bundle != live)", "if (false)", "OsReleases"),
    Mutant("OsReleases", "no repair before it is ratified", "if (expires != 0)", "if (false)", "OsReleases"),
    Mutant("OsReleases", "the sources say it", '"measurement.secure-boot") != said', '"") == said', "OsReleases"),
    Mutant(
        "OsReleases", "the first of two files", '"measurement") != said', '"measurements") != said', "OsReleases"
    ),
    Mutant(
        "OsReleases",
        "only what was revoked ends without a vote",
        "if (!IReleaseRegistry(registry).release(bundle).revoked)",
        "if (false)",
        "OsReleases",
    ),
    Mutant("OsReleases", "the rest takes a vote", "if (msg.sender != ", "if (msg.sender == ", "OsReleases"),
    Mutant("RootBlock", "a file that is one block", " && bytes4(link[2:6]) == RAW", "", "OsReleases"),
    Mutant("RootBlock", "by its name", "keccak256(link[NAME_AT:end]) == keccak256(name) && ", "", "OsReleases"),
    Mutant(
        "RootBlock",
        "nothing behind the links but a directory",
        "if (keccak256(root[place:]) != keccak256(bytes.concat(DIRECTORY)))",
        "if (false)",
        "OsReleases",
    ),
    Mutant("RootBlock", "a name ends with its link", " || end > link.length", "", "OsReleases"),
    Mutant(
        "RootBlock",
        "a CID where it should stand",
        "if (bytes2(link[:2]) != CID_FIELD)",
        "if (false)",
        "OsReleases",
    ),
    # --- clusters and their logs
    Mutant(
        "Clusters",
        "a withdrawn OS does not join",
        "        _requireAccepted(listed.measurement);\n",
        "",
        "ClusterService",
    ),
    Mutant(
        "Clusters",
        "a withdrawn OS does not report",
        "        _requireAccepted(_nodes[msg.sender].measurement);\n",
        "",
        "ClusterService",
    ),
    Mutant(
        "Clusters",
        "only its provider names the key of a log",
        "        _onlyProvider(cluster);\n        if (key ==",
        "        if (key ==",
        "ClusterService",
    ),
    Mutant(
        "Clusters",
        "who is not admitted does not join",
        "        _requireAdmitted(cluster);\n        emit NodeJoined",
        "        emit NodeJoined",
        "Admission",
    ),
    Mutant(
        "Clusters",
        "who is not admitted does not report",
        "        _requireAccepted(_nodes[msg.sender].measurement);\n        _requireAdmitted(cluster);\n",
        "        _requireAccepted(_nodes[msg.sender].measurement);\n",
        "Admission",
    ),
    Mutant("Clusters", "admission as of now", " && _admitted(cluster, node);", ";", "Admission"),
    Mutant(
        "Clusters",
        "only its provider promises",
        "        _onlyProvider(cluster);\n        if (expansions ==",
        "        if (expansions ==",
        "Admission",
    ),
    Mutant("Clusters", "who admits is said once", "expansions != address(0) || ", "", "Admission"),
    Mutant(
        "Clusters",
        "only the owner says who admits",
        "function nameExpansions(address expansions_) external onlyOwner",
        "function nameExpansions(address expansions_) external",
        "Admission",
    ),
    Mutant(
        "LogAnchor",
        "a clock that is set right is no crime",
        "? first.time + TOLERANCE <",
        "? first.time <",
        "Anchor",
    ),
    Mutant(
        "LogAnchor",
        "a past is proven",
        "past != first.root\n",
        "past != first.root || past == first.root\n",
        "Anchor",
    ),
    Mutant(
        "LogAnchor",
        "no invented past",
        "&& LogProof.consistent(first.size, second.size, past, second.root, proof)",
        "",
        "Anchor",
    ),
    Mutant(
        "Providers",
        "no fork, no punishment",
        "(!ILogAnchor(anchor).forkedPast(first, signed, second, signedToo, past, proof))",
        "(false)",
        "Providers",
    ),
    Mutant("LogAnchor", "no rollback", "head.size <= last.size || ", "", "Anchor"),
    Mutant("LogAnchor", "time of a log", " || head.time < last.time", "", "Anchor"),
    Mutant("LogAnchor", "no rewritten past", "if (!extends) revert", "if (false) revert", "Anchor"),
    Mutant("LogAnchor", "its own key", "signer != IClusters(clusters).headKey(head.cluster)", "false", "Anchor"),
    Mutant(
        "LogAnchor",
        "nobody is framed",
        "&& IClusters(clusters).wasHeadKey(second.cluster, _signer(second, signedToo))",
        "",
        "Anchor",
    ),
    Mutant(
        "LogAnchor",
        "honest heads do not fork",
        "split.firstLeaf != split.secondLeaf",
        "split.index < first.size",
        "Providers",
    ),
    Mutant("LogProof", "the past is proven too", "older == firstRoot && ", "", "Anchor"),
    # --- stakes
    Mutant("Providers", "a cluster once", "if (convicted[cluster]) revert", "if (false) revert", "Providers"),
    Mutant("Providers", "a case once", "if (punished[case_]) revert", "if (false) revert", "Providers"),
    Mutant(
        "Providers",
        "what is leaving is liable",
        "_take(provider, p.staked + p.leaving, msg.sender",
        "_take(provider, p.staked, msg.sender",
        "Providers",
    ),
    Mutant("Providers", "unbonding", "if (block.timestamp < p.ripeAt) revert", "if (false) revert", "Providers"),
    Mutant(
        "Providers",
        "a licence is of one document",
        "(p.document, p.licensedUntil) = (document, 0)",
        "p.document = document",
        "Providers",
    ),
    Mutant("Providers", "only the court", "msg.sender != court", "false", "Providers"),
    # --- visits and expansions
    Mutant("Validators", "challenged is not good", "v.status == Status.STANDING && ", "", "Validators"),
    Mutant("Validators", "no escape from a challenge", " || v.challenges != 0", "", "Validators"),
    Mutant(
        "Expansions", "public waiting", "if (block.timestamp < until) revert", "if (false) revert", "Expansions"
    ),
    Mutant("Expansions", "suspicion blocks", " || suspicious != 0) revert", ") revert", "Expansions"),
    Mutant("Expansions", "as of now", "&& _accepted(n.measurement)", "", "Expansions"),
    # --- rent
    Mutant("Orders", "a second once", "from < o.claimedUntil || ", "", "Orders"),
    Mutant("Orders", "admitted machines only", " && clusters.needsAdmission(cluster);", ";", "Orders"),
    Mutant("Orders", "attested first", "if (head.time < until) revert", "if (false) revert", "Orders"),
    Mutant(
        "Orders",
        "a window for disputes",
        "if (block.timestamp < until) revert ClaimWaits(number, until);\n        } else",
        "until;\n        } else",
        "Orders",
    ),
    Mutant("Orders", "a forked log is not paid", "if (_forked(o)) revert", "if (false) revert", "Disputes"),
)
