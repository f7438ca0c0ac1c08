"""Files become utterances, utterances become batches: readers, checks, splits, folds, shards."""
