"""What a report shows of transcripts: where they err, and every utterance to hear and see."""
