"""Pretrained networks: weights are read without executing anything, become ONNX graphs, and are run on clips."""
