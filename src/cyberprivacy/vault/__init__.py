"""What users own: accounts, records, what they allow others, and how it all comes out, moves and ends.

`docs/spec/udi-1.md` is the normative text of everything that leaves this room; its status table says what is still
to come. Reading order:

* who signed: `signin`, `passkey`, `contractwallet`, `key`; what owners of a Safe sign: `safewallet`
* who may sign: `forms`, `keyevent`, `account`, `changes`, `keylog`, `pairwise`, `accounts`
* who is there: `place`, `signing_in`, `sessions`
* what is kept, and where: `statement`, `turns`, `database`, `tables`, `keyroot`, `keyslot`, `slotfile`,
  `keystore`, `sealing`
* what is in it: `types`, `owners`, `change`, `changing`, `records`, `blobs`, `holdings`
* numbers that it cannot read: `numberform`, `numbers`, `numbercell`, `summing`
* numbers that administrators get: `administered`, `counting`
* how it comes out and in: `gathering`, `archive`, `archivefile`, `sealedfile`, `exports`, `imports`, `vaultkey`
* how it goes: `erasing`, `freshening`, `erasure`, `receipt`, `chore`, `sweeper`
* what ledgers remember of receipts: `commitments`, `receiptlog`, and `ledger.commitment`, `ledger.hosted`
* how it ends elsewhere: `under`, `revoking`, `ending`, `orders`, `messenger`
* what they allow: `selector`, `scope`, `grant`, `cosigning`, `carriage`, `recipient`, `described`, `wording`,
  `consent`, `granting`, `servicetoken`, `grantbook`
* where it goes: `transfer`, `events`, `poke`; at the source `sharing`, `signedrequest`, `bell`; at the recipient
  `followings`, `following`
* who is at the other end: `outward`, `proven`, `nodeproof`, `sourcekeys`
* who serves and asks: `web`, `client`; for applications `application`, `personal`, `cookie`, `inside`, `shared`,
  `handover`, `middleware`
"""
