"""What is learnt of an utterance: one folder a task, chosen by conf/task/."""
