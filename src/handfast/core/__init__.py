"""Values without input or output that every other room stands on."""
