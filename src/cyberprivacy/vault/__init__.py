"""What users own. So far: who signed something, and who may sign for an account.

`docs/spec/udi-1.md` is the normative text of everything that leaves this room; its status table says what is still
to come. Reading order:

* who signed: `typed`, `wallet`, `signin`, `passkey`, `contractwallet`, `key`
* who may sign: `forms`, `keyevent`, `account`, `changes`, `keylog`, `pairwise`
* what they allow: `selector`, `scope`, `grant`, `cosigning`, `carriage`, `recipient`, `consent`, `granting`,
  `servicetoken`, `grantbook`
* where it goes: `transfer`, `events`, `poke`
"""
