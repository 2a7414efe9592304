"""The independent reader of a Handfast journal, which shares no code with its writer."""
