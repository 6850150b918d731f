"""Backtests: recorded markets shown to the desk's own strategy, risk and lifecycle code."""
