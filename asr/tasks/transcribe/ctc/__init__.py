"""Connectionist temporal classification (Graves et al. 2006): head, loss, alignment of transcripts."""
