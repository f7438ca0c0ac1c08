"""Connectionist temporal classification (Graves et al. 2006): head, loss, and what can be aligned at all."""
