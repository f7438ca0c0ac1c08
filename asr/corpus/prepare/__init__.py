"""A corpus as it was downloaded becomes manifests with clean splits: `asr prepare CORPUS SOURCE TARGET`."""
