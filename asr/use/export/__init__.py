"""A trained model for programs that have neither this package nor, as ONNX, torch."""
