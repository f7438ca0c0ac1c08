"""Word times that are more exact than those of CTC."""
