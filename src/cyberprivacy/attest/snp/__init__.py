"""Evidence of kind "sev-snp": what the secure processor of an AMD EPYC says about a machine with encrypted memory.

Read in this order: `product` (which chip, and how it writes its security versions), `report` (the 1184 bytes
that it signs), `der` and `chain` (who vouches for its key), `endorsement` (what that certificate says of the
chip), `revocation`, `policy` and `policyfile` (what a user asks for), `verifier` (the judge).
"""
