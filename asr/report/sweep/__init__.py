"""The page of a sweep: what won and how surely, what the search saw, and every trial."""
