"""A step of a template as a line for a POSIX shell. Pure.

Words reach the shell as variables in quotes, so that no value can become a command.
"""

import shlex

from cyberprivacy.build.template import Step, Template, Value, words


def variable(value: Value) -> str:
    """The environment variable that holds a value; of a secret, where its file lies."""
    return "CP_" + value.name.upper().replace("-", "_")


def line(template: Template, step: Step) -> str:
    """A step as one line; values are read from the environment, what it prints goes into its result."""
    said = " ".join(
        f'"${variable(word.value)}"' if word.value else shlex.quote(word.text) for word in words(template, step)
    )
    return f"{said} > {step.result}" if step.result else said
