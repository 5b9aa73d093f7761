"""Pretrained networks: their weights, the ONNX files made of them, and what they take and give."""
