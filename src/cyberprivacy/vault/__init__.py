"""What users own. So far: who signed something, and who may sign for an account.

`docs/spec/udi-1.md` is the normative text of everything that leaves this room; its status table says what is still
to come. Reading order:

* who signed: `typed`, `wallet`, `signin`, `passkey`, `contractwallet`, `key`
* who may sign: `forms`, `keyevent`, `account`, `changes`, `keylog`, `pairwise`
* what is kept, and where: `database`, `tables`, `keyroot`, `keyslot`, `slotfile`, `keystore`, `sealing`
* what is in it: `types`, `owners`, `change`, `changing`, `records`, `blobs`
* how it goes: `erasing`, `freshening`, `erasure`, `receipt`
* what they allow: `selector`, `scope`, `grant`, `cosigning`, `carriage`, `recipient`, `consent`, `granting`,
  `servicetoken`, `grantbook`
* where it goes: `transfer`, `events`, `poke`
"""
