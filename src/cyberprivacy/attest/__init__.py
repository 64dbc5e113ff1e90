"""Proof of what runs: evidence, statements, the verifier."""
