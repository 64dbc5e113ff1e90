"""A template as a declarative Jenkinsfile, and as the job that runs it. Pure.

No secret is in either: a secret is named by the id of Jenkins' own credential, which Jenkins puts into a file for
as long as the build runs.

Source: jenkins.io/doc/book/pipeline/syntax (declarative); the plugin credentials-binding, `credentials()`.
"""

import base64
from collections.abc import Mapping
from xml.sax.saxutils import escape

from cyberprivacy.build.shell import line, variable
from cyberprivacy.build.template import SECRET, Step, Template, Value

_KEEP = 50
"""Builds whose logs Jenkins keeps."""


def job_name(template: Template) -> str:
    """What the job is called."""
    return f"cyberprivacy-{template.number:03}-{template.name}"


def credential_id(template: Template, value: Value) -> str:
    """What the credential of a secret is called."""
    return f"{job_name(template)}-{value.name}"


def render(template: Template, values: Mapping[str, str]) -> str:
    """The Jenkinsfile.

    Args:
        template: what it does.
        values: the public ones, by name; the source is a parameter of each build.
    """
    environment = [
        f"    {variable(value)} = credentials({_quote(credential_id(template, value))})"
        if value.kind == SECRET
        else f"    {variable(value)} = {_quote(values[value.name])}"
        for value in template.value
        if value.kind != "cid"
    ]
    source = template.source
    stages = [text for step in template.step for text in _stage(template, step)]
    results = ",".join(step.result for step in template.step if step.result)
    lines = [
        f"// Written by CyberPrivacy from pipeline template {template.number}, version {template.version}.",
        "pipeline {",
        f"  agent {{ label {_quote(template.agent)} }}",
        "  options {",
        f"    timeout(time: {template.minutes}, unit: 'MINUTES')",
        f"    buildDiscarder(logRotator(numToKeepStr: '{_KEEP}'))",
        "    skipDefaultCheckout()",
        "  }",
        f"  parameters {{ string(name: {_quote(variable(source))}, description: {_quote(source.about)}) }}",
        "  environment {",
        *environment,
        "  }",
        "  stages {",
        "    stage('clear') { steps { deleteDir() } }",  # what a killed build left
        *stages,
        "  }",
        "  post {",
        f"    success {{ archiveArtifacts artifacts: {_quote(results)} }}",
        "    cleanup { deleteDir() }",
        "  }",
        "}",
    ]
    return "\n".join(lines) + "\n"


def job(template: Template, script: str) -> bytes:
    """The job that runs a Jenkinsfile, as Jenkins keeps it. Source: the workflow-job plugin, config.xml."""
    source = variable(template.source)
    return f"""<?xml version="1.1" encoding="UTF-8"?>
<flow-definition>
  <description>Written by CyberPrivacy; changes are lost.</description>
  <keepDependencies>false</keepDependencies>
  <properties>
    <hudson.model.ParametersDefinitionProperty>
      <parameterDefinitions>
        <hudson.model.StringParameterDefinition>
          <name>{source}</name>
          <trim>true</trim>
        </hudson.model.StringParameterDefinition>
      </parameterDefinitions>
    </hudson.model.ParametersDefinitionProperty>
  </properties>
  <definition class="org.jenkinsci.plugins.workflow.cps.CpsFlowDefinition">
    <script>{escape(script)}</script>
    <sandbox>true</sandbox>
  </definition>
  <disabled>false</disabled>
</flow-definition>
""".encode()


def credential(name: str, file: str, content: bytes) -> bytes:
    """A secret file as Jenkins takes it. Source: the plain-credentials plugin, FileCredentialsImpl."""
    kind = "org.jenkinsci.plugins.plaincredentials.impl.FileCredentialsImpl"
    return f"""<{kind}>
  <scope>GLOBAL</scope>
  <id>{escape(name)}</id>
  <description>Written by CyberPrivacy</description>
  <fileName>{escape(file)}</fileName>
  <secretBytes>{base64.b64encode(content).decode()}</secretBytes>
</{kind}>
""".encode()


def _stage(template: Template, step: Step) -> list[str]:
    run = f"sh(label: {_quote(step.name)}, script: {_quote(line(template, step))})"
    return [f"    stage({_quote(step.name)}) {{", f"      steps {{ {run} }}", "    }"]


def _quote(text: str) -> str:
    """A text as Groovy reads it literally. Source: groovy-lang.org/syntax, single-quoted strings."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
