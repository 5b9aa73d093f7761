"""The estimators that combine other models, by name, without importing them.

Light (no scikit-learn): this module is imported at every start of Snakemake.
"""

VOTING = "sklearn.ensemble.VotingClassifier"
STACKING = "sklearn.ensemble.StackingClassifier"
FUSION = "songwise.models.fusion.Fusion"
ENSEMBLES = (VOTING, STACKING, FUSION)
