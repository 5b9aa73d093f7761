"""Pretrained networks: their weights are read without executing anything, and become ONNX graphs."""
