"""Several runtimes as one: a release goes through them wave by wave, and users are sent to all of them.

Nothing here knows what a member of a fleet is made of. Read `fleet`, then `waves`; `shares` is about users.
"""
