"""When words are said, more exactly than CTC tells."""
