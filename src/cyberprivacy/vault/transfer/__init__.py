"""Records on their way from one application to another: pulled, sealed, resumable, exactly once, with a receipt.

Reading order: `parcel` (what travels), `envelope` (for whom), `manifest` (what there is), `receipt` (what
arrived); `states`, `snapshot`, `shelf`; then the two ends, `sending` (`outgoing`, `moving`) and `receiving`
(`incoming`, `retention`). Each keeps its state in its database and can die at any moment.
Source: docs/spec/udi-1.md, "Transfer".
"""
