"""Known voices: embeddings of recordings, whose voice it is, whether two are one speaker's."""
