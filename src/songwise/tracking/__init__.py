"""MLflow's store and DVC's view of the results."""
