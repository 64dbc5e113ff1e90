"""The refusals of this room: the content is bad, a source is bad, nobody can be reached, a manifest is bad.

They are told apart because a node acts on them: content that a CID names is bad for ever, whoever serves it;
a source that lies or fails says nothing about the content, so another one is asked.
"""

from cyberprivacy.errors import TryLater, Untrusted


class BadBundle(Untrusted):
    """What the CID names is not a release bundle; every source would give the same bytes.

    Codes: bundle.varint, bundle.dagpb, bundle.unixfs, bundle.name, bundle.symlink, bundle.kind,
    bundle.budget, bundle.mode, bundle.canonical, bundle.tree, bundle.changed.
    """

    code = "bundle.form"
    hint = "Make bundles with `cyberprivacy pack`; it refuses what a node would refuse."


class BadSource(Untrusted):
    """A source answered with something else than what it was asked for.

    Codes: bundle.hash, bundle.car, bundle.stray, bundle.size, bundle.redirect, bundle.encoding.
    """

    code = "bundle.source"
    hint = "Ask another source; report this one if it happens again."


class Unavailable(TryLater):
    """No source gave what is needed; the same request may succeed later.

    Codes: bundle.missing (all who answered say that they don't have it), bundle.unreachable, bundle.slow,
    bundle.disk, bundle.inodes, bundle.hash and the other codes of `BadSource` (only liars answered).
    """

    code = "bundle.unavailable"
    hint = "Try again later, or name another gateway that holds the bundle."


class BadManifest(Untrusted):
    """A `cyberprivacy.yaml` that is missing or not what this format allows.

    Codes: manifest.missing, manifest.yaml (fact `rule` has the code of `BadYaml`), manifest.format,
    manifest.unknown, manifest.reserved, manifest.field (missing or of the wrong kind), manifest.value,
    manifest.repeated. Fact `field` names the place.
    """

    code = "manifest.value"
    hint = "See docs/reference for the fields of cyberprivacy.yaml."
