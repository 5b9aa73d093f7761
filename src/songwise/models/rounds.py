"""Which estimators learn in rounds, known without importing them."""

# The parameter that counts an estimator's rounds, for those that can stop early.
ROUNDS = {
    "sklearn.ensemble.HistGradientBoostingClassifier": "max_iter",
    "sklearn.neural_network.MLPClassifier": "max_iter",
    "xgboost.XGBClassifier": "n_estimators",
}
