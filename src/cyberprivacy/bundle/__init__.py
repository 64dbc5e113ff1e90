"""What they decided on: fetch, verify, pack and serve source trees named by CID."""
