"""`python -m cyberprivacy`: the command line."""

from cyberprivacy.cli import main

main()
