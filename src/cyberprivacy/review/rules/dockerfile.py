"""Rules about Dockerfiles."""

from typing import Final

from cyberprivacy.review.rules.rule import Rule

_ONLY_RUN: Final = "Write plain RUN: what it needs is in the bundle or under /inputs."

DOCKERFILE: Final = {
    "dockerfile.missing": Rule(
        "The Dockerfile that the manifest names is in the bundle.", "Add it, or correct its path."
    ),
    "dockerfile.size": Rule("A Dockerfile has at most 64 KiB, a line 16 KiB.", "Move scripts into files."),
    "dockerfile.encoding": Rule(
        "A Dockerfile is UTF-8 with LF line ends and without unseen characters.",
        "Save it so; tabs and spaces are fine.",
    ),
    "dockerfile.directive": Rule(
        "No parser directives (`# syntax=`, `# escape=`, `# check=`): they fetch or change the reader.",
        "Remove the line.",
    ),
    "dockerfile.continuation": Rule(
        "A line that ends with a backslash goes on in the next line, which is not empty.",
        "Remove the backslash, the empty line or the second backslash.",
    ),
    "dockerfile.heredoc": Rule("No here-documents (`<<`).", "Put the script into a file of the bundle."),
    "dockerfile.steps": Rule("At most 128 instructions and 8 stages.", "Join or remove some."),
    "dockerfile.instruction": Rule(
        "Only FROM, COPY, ENV, ARG, WORKDIR, USER, RUN, CMD, ENTRYPOINT, EXPOSE, LABEL and STOPSIGNAL.",
        "Remove it.",
    ),
    "dockerfile.flag": Rule("Only the flags COPY --from, --chown and --chmod.", "Remove the flag."),
    "dockerfile.before-from": Rule("The first instruction is FROM.", "Move it below FROM."),
    "dockerfile.quoting": Rule(
        'NAME=value pairs: a value has no quotes, or stands in double quotes with only \\" and \\\\ escaped.',
        'Write NAME="value"; put anything harder into a file.',
    ),
    "dockerfile.variable": Rule("`$` is read in ENV, ARG, LABEL and RUN only.", "Write the value out."),
    "dockerfile.exec-form": Rule(
        "CMD, ENTRYPOINT, and RUN that starts with `[`, are JSON lists of texts.",
        'Write ["program", "argument"]; for a shell test write `test …`.',
    ),
    "dockerfile.from-form": Rule("FROM repository@sha256:… [AS name].", "Write it in this form."),
    "dockerfile.from-unpinned": Rule(
        "Every FROM names its base by digest.",
        "Write repository@sha256:…; a tag can be moved after the vote.",
    ),
    "dockerfile.from-tag": Rule(
        "FROM names no tag beside the digest: readers would take it for true.", "Remove the tag."
    ),
    "dockerfile.from-scratch": Rule(
        "No FROM scratch: an image without a declared base says nothing about what it runs on.",
        "Use a declared base.",
    ),
    "dockerfile.from-variable": Rule("No variables in FROM.", "Write repository@sha256:… out."),
    "dockerfile.from-undeclared": Rule(
        "Every base is declared in `inputs.bases` of the manifest.",
        "Declare it there with the same repository and digest.",
    ),
    "dockerfile.stage-name": Rule(
        "A stage name is lower case, starts with a letter, and is used once.", "Rename the stage."
    ),
    "dockerfile.copy-from": Rule(
        "COPY --from names an earlier stage of this file, never another image.",
        "Declare that image as a base and give it a stage.",
    ),
    "dockerfile.copy-form": Rule(
        "COPY source… target, words without quotes, or as a JSON list of texts.",
        'Write COPY ["source", "target"].',
    ),
    "dockerfile.copy-path": Rule("COPY never leaves the bundle: no `..`.", "Name a path in the bundle."),
    "dockerfile.copy-missing": Rule("What COPY names is in the bundle.", "Correct the path."),
    "dockerfile.copy-owner": Rule("--chown is numeric: uid or uid:gid.", "Write numbers."),
    "dockerfile.copy-mode": Rule(
        "--chmod is octal without set-id bits: three digits, or 0 and three digits.", "Write 0755 or 0644."
    ),
    "dockerfile.add": Rule("No ADD: it unpacks archives on its own.", "Use COPY."),
    "dockerfile.add-url": Rule(
        "No ADD of an address: it is fetched outside the sandbox.",
        "Declare it under `inputs.files` with its hash and read /inputs/files/….",
    ),
    "dockerfile.run-empty": Rule("RUN has a command.", "Remove it."),
    "dockerfile.run-mount-cache": Rule(
        "No RUN --mount=type=cache: one build would write what another reads.", _ONLY_RUN
    ),
    "dockerfile.run-mount-secret": Rule("No RUN --mount=type=secret: a build has no secrets.", _ONLY_RUN),
    "dockerfile.run-mount-ssh": Rule("No RUN --mount=type=ssh: a build has no keys.", _ONLY_RUN),
    "dockerfile.run-mount-bind": Rule(
        "No RUN --mount=type=bind: builders have let it out to the host.", _ONLY_RUN
    ),
    "dockerfile.run-mount-tmpfs": Rule("No RUN --mount=type=tmpfs.", _ONLY_RUN),
    "dockerfile.run-mount": Rule("No RUN --mount of any other type.", _ONLY_RUN),
    "dockerfile.run-network": Rule(
        "No RUN --network: a build has none.", "Declare what it would fetch under `inputs`."
    ),
    "dockerfile.run-security": Rule("No RUN --security: a build has no privileges.", _ONLY_RUN),
    "dockerfile.arg-default": Rule(
        "Every ARG has a default: nothing is passed in from outside.", "Write ARG NAME=value."
    ),
    "dockerfile.arg-name": Rule(
        "ARG takes no name that builders set by themselves (proxies, platforms, SOURCE_DATE_EPOCH).",
        "Choose another name; SOURCE_DATE_EPOCH is in the environment already.",
    ),
    "dockerfile.workdir": Rule("WORKDIR is an absolute plain path without `..`.", "Write it out."),
    "dockerfile.user-name": Rule(
        "USER is numeric, uid or uid:gid, at most 65533.", "Write the number: names differ between bases."
    ),
    "dockerfile.user-root": Rule("The last stage ends with a USER that is not 0.", "Add `USER 10001` before CMD."),
    "dockerfile.expose": Rule("EXPOSE lists ports 1024-65535, TCP.", "Write EXPOSE 8080."),
    "dockerfile.stop-signal": Rule(
        "STOPSIGNAL is SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1 or SIGUSR2.", "Write one of these."
    ),
    "dockerfile.volume": Rule("No VOLUME.", "Ask for a PersistentVolumeClaim or an emptyDir in k8s/."),
    "dockerfile.onbuild": Rule("No ONBUILD.", "Write the instruction where it is needed."),
    "dockerfile.healthcheck": Rule("No HEALTHCHECK.", "Write a readinessProbe in k8s/."),
    "dockerfile.shell": Rule("No SHELL.", "Write RUN in its exec form."),
}
