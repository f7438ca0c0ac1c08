"""What is wrong with a corpus, before a training finds out: `asr doctor SOURCE`."""
