"""A soak test: hundreds of random edits and accidents in one project, with what must be true checked after each."""
