"""Sentences for the synthetic corpus: one file a language, with VOICE, PATTERNS and WORDS.

VOICE is espeak-ng's name for the language; PATTERNS are sentences with slots in braces; WORDS fills each slot. Phrases
that must agree (article, adjective and noun) are written out whole. A new language is a new file.
"""
