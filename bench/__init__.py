"""Benchmarks: ratios taken in one run, medians of rounds, CPU beside wall time. Speed is shown here, never in a test."""
