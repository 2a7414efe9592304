"""Where rows live: tables, the desk that alone writes them, readers, the outbox and migrations."""
