"""The servers that `vault_peers.py` measures."""
