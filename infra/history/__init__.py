"""Readers of recorded option chains: formats, checks, conversion to one canonical table."""
