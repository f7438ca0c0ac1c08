"""The embedded corpus: sentences of small grammars, spoken by espeak-ng's voices."""
