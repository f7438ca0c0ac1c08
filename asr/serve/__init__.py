"""Trained models behind a page and a JSON API: a recording comes in, what the models hear in it goes out."""
