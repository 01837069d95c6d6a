"""The stand-alone verifier of the ledger: one file that needs nothing but Python."""
