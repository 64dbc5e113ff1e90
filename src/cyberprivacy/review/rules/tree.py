"""Rules about the files of a bundle, its manifest, its requirements and secrets."""

from typing import Final

from cyberprivacy.review.rules.rule import Rule

_YAML_HINT: Final = "Write plain mappings, lists, text and whole numbers; put quotes around anything else."

TREE: Final = {
    "tree.entry": Rule(
        "A bundle holds regular files and directories only.",
        "Replace the link, socket or device by a file.",
    ),
    "tree.name": Rule(
        "Names are UTF-8 in form NFC and can be seen: no control, direction or invisible characters.",
        "Rename the file.",
    ),
    "tree.files": Rule("A bundle has at most 50,000 entries.", "Leave out what is not needed to build."),
    "tree.size": Rule("A bundle has at most 512 MiB.", "Declare large files as inputs with a hash."),
    "manifest.missing": Rule(
        "The bundle has a manifest `cyberprivacy.yaml` at its root.",
        "Write one; examples/guestbook has one.",
    ),
    "manifest.yaml": Rule("The manifest is plain YAML of at most 64 KiB.", _YAML_HINT),
    "manifest.format": Rule("The manifest is of format 1.", "Write `cyberprivacy: 1`."),
    "manifest.unknown": Rule("The manifest has no unknown field.", "Remove it."),
    "manifest.reserved": Rule("Fields kept for later formats are not used yet.", "Remove it."),
    "manifest.field": Rule("Every field is there and of the right kind.", "Add or correct it."),
    "manifest.value": Rule("Every value is of the form and in the range allowed.", "Correct it."),
    "manifest.repeated": Rule("Nothing is listed twice.", "Remove the second."),
    "manifest.parent": Rule(
        "Release 1 has no parent, every later release names the one that it was measured against.",
        "Set `parent` to the bundle that runs now, or `release` to 1.",
    ),
    "manifest.image-unused": Rule(
        "Every image of the manifest is run by a workload.", "Remove the image, or use it in k8s/."
    ),
    "manifest.base-unused": Rule("Every declared base is used by a Dockerfile.", "Remove it from `inputs.bases`."),
    "manifest.dockerfile-unused": Rule(
        "Every Dockerfile of the bundle belongs to an image of the manifest.",
        "Declare the image, or remove the file: it would only mislead its readers.",
    ),
    "manifest.public-service": Rule("`public.service` is a Service of the bundle.", "Name a Service of k8s/."),
    "manifest.public-port": Rule(
        "`public.port` is the port of that Service.", "Write the Service's `port`, not its `targetPort`."
    ),
    "requirements.missing": Rule(
        "Every requirements file of `inputs.wheels` is in the bundle.", "Add the file, or correct its path."
    ),
    "requirements.form": Rule(
        "A requirements file is UTF-8, at most 1 MiB; one requirement a line, at most 1 KiB beside its hashes.",
        "Write `name==version --hash=sha256:…`.",
    ),
    "requirements.option": Rule(
        "A requirements file holds no options, includes, addresses or paths.",
        "Declare other files under `inputs.files`; wheels come from the index only.",
    ),
    "requirements.unpinned": Rule(
        "Every requirement is pinned with `==` to one exact version.",
        "Compile the file, for example with `uv pip compile --generate-hashes`.",
    ),
    "requirements.unhashed": Rule(
        "Every requirement has at least one `--hash=sha256:…`.",
        "Compile the file, for example with `uv pip compile --generate-hashes`.",
    ),
    "requirements.duplicate": Rule("Every package is named once.", "Remove the second line."),
    "secret.private-key": Rule(
        "A bundle is public: it holds no private key.",
        "Remove it, and treat that key as known to everybody from now on.",
    ),
    "secret.token": Rule(
        "A bundle is public: it holds no access token.",
        "Remove it and revoke it where it was issued.",
    ),
    "secret.keystore": Rule(
        "A bundle is public: it holds no keystore, however well encrypted.",
        "Remove it; whoever has the file may guess its password for ever.",
    ),
    "secret.assignment": Rule(
        "Settings hold no value that looks like a password.",
        "Let the application receive it from its key service when it runs; mark an example as `example`.",
    ),
    "text.bidi": Rule(
        "Text holds no characters that turn its direction: readers would see another order than machines.",
        "Remove them, or write them as escapes.",
    ),
    "text.invisible": Rule(
        "Text with invisible characters is pointed out.",
        "Reviewers: `cyberprivacy bundle diff` makes them visible.",
        note=True,
    ),
    "text.blanks": Rule(
        "Long runs of blanks are pointed out: they push code out of sight, or carry data.",
        "Reviewers: look at the end of that line.",
        note=True,
    ),
    "blob.executable": Rule(
        "Compiled programs are pointed out: nobody can read them.",
        "Build them from source, or declare them as inputs.",
        note=True,
    ),
    "blob.opaque": Rule(
        "Files that are not text are pointed out.",
        "Reviewers: ask what they are, and what reads them.",
        note=True,
    ),
    "yaml.form": Rule("A YAML file is one that every reader takes alike.", _YAML_HINT),
    "yaml.size": Rule("A YAML file has at most 256 KiB.", "Split it."),
    "yaml.encoding": Rule("YAML is UTF-8 with LF line ends and no unseen characters.", "Save it so."),
    "yaml.empty": Rule("A YAML file holds a document.", "Remove the file."),
    "yaml.documents": Rule("A YAML file holds at most 100 documents.", "Split it."),
    "yaml.directive": Rule("No YAML directives.", "Remove the line that starts with `%`."),
    "yaml.anchor": Rule("No anchors and aliases.", "Write the value again where it is needed."),
    "yaml.tag": Rule("No tags.", "Remove it: the form of a value says what it is."),
    "yaml.merge": Rule("No merge keys.", "Write the fields out."),
    "yaml.duplicate": Rule("No key twice in one mapping.", "Remove one: readers disagree which counts."),
    "yaml.key": Rule("Keys are text.", "Put quotes around it."),
    "yaml.float": Rule("No fractions.", "Put quotes around it if it is text."),
    "yaml.ambiguous": Rule("No plain word that YAML 1.1 reads otherwise.", "Put quotes around it."),
    "yaml.integer": Rule("Integers have at most 64 bits.", "Put quotes around it."),
    "yaml.depth": Rule("YAML is nested at most 32 deep.", "Make it flatter."),
}
