"""Benchmarks: ratios taken in one run, medians of rounds, CPU beside wall time; speed is shown here only."""
