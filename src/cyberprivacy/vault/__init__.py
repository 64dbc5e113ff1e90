"""What users own: accounts, records, grants; to take along, to erase, to show to whom they like.

`docs/spec/udi-1.md` is the normative text of everything that leaves this room. Reading order: `typed`, `wallet`,
`signin`, `passkey`, `contractwallet`, `key` (who signed); `keyevent`, `account` (who may sign); `grant`,
`admission` (what somebody else may read); `datatype`, `sealing`, `keyslots`, `keyroot`, `store`, `records` (what is kept);
`api` (what is asked over HTTP).
"""
