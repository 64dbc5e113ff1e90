"""Records on their way from one application to another: pulled, sealed, resumable, exactly once, with a receipt.

Reading order: `parcel` (what travels), `blobparts`, `envelope` (for whom), `manifest` (what there is), `receipt`
(what arrived); `states`, `snapshot`, `shelf`; the two ends, `sending` (`outgoing`, `moving`) and `receiving`
(`incoming`, `retention`), over what a vault has (`recordkeeping`, `blobkeeping`). Served: the source
(`departures`); the recipient (`arrivals`, `ordering`, `counterpart`, `pulling`, `carrier`); `overview`
(for its person), `traffic` (all of it). Each keeps its state in its database and can die at any moment.
Source: docs/spec/udi-1.md, "Transfer".
"""
