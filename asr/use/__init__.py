"""The trained model as people use it: load, transcribe, align, formats, export."""
