"""The main job, played out: a market with its bank over many days, its faults, and the proof that nothing was lost."""
