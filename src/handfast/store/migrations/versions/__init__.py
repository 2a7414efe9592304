"""The schema's history: explicit DDL, never derived from today's code, never edited once released."""
