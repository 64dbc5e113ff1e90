"""Proof of what runs: evidence, statements, the verifier.

Read in this order: `report` (what a verdict is), `evidence` (what hardware says, and the ports),
`tpm2` and `eventlog` (one kind of evidence), `statement` (what a node says), `verify` (the decision).
"""
