"""Use a trained model on new files."""
