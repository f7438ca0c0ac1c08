"""Sentences for the synthetic corpus: one file a language, with VOICE, PATTERNS and WORDS.

VOICE is espeak-ng's name for the language; PATTERNS are sentences with slots in braces; WORDS has
the phrases for each slot, divided by "|". Those
that must agree (article, adjective and noun) are written out whole. A new language is a new file.
"""
