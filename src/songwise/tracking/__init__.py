"""Stage 7, tracking: MLflow's store and DVC's view of the results."""
