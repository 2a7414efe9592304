"""What money does: one room for each movement, all on one plan (model, postings, verbs, tables)."""
