"""The security application: helps somebody whose key is lost or stolen, after more checks of who they are.

It is one guardian of an account, never more: it can freeze at once, ask for a recovery after a delay that anybody
sees and the owner can end, and look at a grant that cannot be taken back. Alone it cannot take over, move or erase
anything. Source: docs/spec/udi-1.md, "Security applications".

From the ground up: `checks` (who somebody is), `book` (what is remembered), `guard` (its one key), `acting` (what
it signs and hands in), `desk` (what it does for whom), `web` (its interface), `open` (put together).
"""
