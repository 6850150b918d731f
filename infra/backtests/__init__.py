"""Running backtests on files, and what they leave behind."""
