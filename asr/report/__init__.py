"""Pages of a run, a comparison, a sweep: one look, one set of templates."""
