"""What vendors publish about their hardware, kept at hand: certificates, lists of revoked ones, tables.

Nothing here is trusted, and nothing is judged: bytes are fetched, kept, and put beside evidence, where the pure
verifier judges them like everything else that came along. The verifier never imports this room.
"""
