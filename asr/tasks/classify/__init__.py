"""One label an utterance, such as its emotion, its speaker, their gender: any column that a corpus knows."""
