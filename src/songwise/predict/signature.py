"""What the champion takes and returns as a model of MLflow, with types as MLflow names them.

Light: what registers the model needs only this, and not what listens to files.
"""

INPUTS = {"path": "string"}
# A file that is not usable music has no label, probability, known and novelty.
OUTPUTS = {
    "file": "string",
    "label": "string",
    "probability": "double",
    "known": "boolean",
    "novelty": "double",
    "status": "string",
    "reason": "string",
}
