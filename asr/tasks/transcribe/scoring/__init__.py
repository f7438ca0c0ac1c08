"""Scores of a recogniser: error rates with intervals, confusions, comparisons with others."""
