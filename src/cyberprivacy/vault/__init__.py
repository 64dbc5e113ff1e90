"""What users own: accounts, records, grants; to take along, to erase, to show to whom they like.

`docs/spec/udi-1.md` is the normative text of everything that leaves this room. Reading order:

* who signed: `typed`, `wallet`, `signin`, `passkey`, `contractwallet`, `key`
* who may sign: `forms`, `keyevent`, `account`, `changes`, `keylog`, `pairwise`
* what somebody else may read: `selector`, `consent`, `grant`, `policy`, `admission`
* what is kept: `datatype`, `sealing`, `keyroot`, `keyslots`, `keyring`, `store`, `records`, `blobs`, `erasing`
* what is asked over HTTP: `problems`, `sessions`, `api`; what is taken along: `archive`
"""
