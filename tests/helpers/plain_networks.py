"""The two pretrained architectures in plain numpy, layer by layer: no folding, no pruning, double precision."""

import numpy as np


def convolve(x: np.ndarray, kernel: np.ndarray, *, stride: int = 1, pads=(0, 0, 0, 0), groups: int = 1) -> np.ndarray:
    """Convolve an example, shape (channels, rows, columns), with kernels, shape (filters, channels / groups, ...)."""
    top, left, bottom, right = pads
    x = np.pad(x, ((0, 0), (top, bottom), (left, right)))
    windows = np.lib.stride_tricks.sliding_window_view(x, kernel.shape[2:], axis=(1, 2))[:, ::stride, ::stride]
    if groups > 1:
        return np.einsum("crtij,cij->crt", windows, kernel[:, 0])
    return np.moveaxis(np.tensordot(windows, kernel, axes=([0, 3, 4], [1, 2, 3])), 2, 0)


def relu(x):
    return np.maximum(x, 0)


def hard_swish(x):
    return x * np.clip(x + 3, 0, 6) / 6


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def efficientat(tensors: dict[str, np.ndarray], features: np.ndarray) -> dict[str, np.ndarray]:
    """Return the outputs for one window, shape (frames, 128)."""
    tensors = {name: tensor.astype(float) for name, tensor in tensors.items()}

    def layer(name, x, activation, stride=1, groups=1):
        size = tensors[f"{name}.0.weight"].shape[2] // 2
        x = convolve(x, tensors[f"{name}.0.weight"], stride=stride, pads=[size] * 4, groups=groups)
        gamma, beta, mean, variance = (
            tensors[f"{name}.1.{part}"][:, None, None] for part in ("weight", "bias", "running_mean", "running_var")
        )
        return activation((x - mean) / np.sqrt(variance + 0.001) * gamma + beta)

    def dense(name, x):
        return tensors[f"{name}.weight"] @ x + tensors[f"{name}.bias"]

    x = layer("features.0", features.T[None].astype(float), hard_swish, stride=2)
    maps = [x]
    for number in range(1, 16):
        prefix, before, position = f"features.{number}.block", x, 0
        activation = relu if number <= 6 else hard_swish
        stride = 2 if number in (2, 4, 7, 13) else 1
        if tensors[f"{prefix}.0.0.weight"].shape[2] == 1:
            x = layer(f"{prefix}.0", x, activation)
            position = 1
        x = layer(f"{prefix}.{position}", x, activation, stride, len(x))
        attention = f"{prefix}.{position + 1}.conc_se_layers.0"
        if f"{attention}.fc1.weight" in tensors:
            position += 1
            scale = dense(f"{attention}.fc2", relu(dense(f"{attention}.fc1", x.mean((1, 2)))))
            x = x * sigmoid(scale)[:, None, None]
        x = layer(f"{prefix}.{position + 1}", x, lambda x: x)
        if stride == 1 and len(before) == len(x):
            x = x + before
        maps.append(x)
    x = layer("features.16", x, hard_swish)
    maps.append(x)
    rows = [one.mean(1) for one in maps]
    deviations = [row.std(1, ddof=1) if row.shape[1] > 1 else np.zeros(len(row)) for row in rows]
    blocks = [part for row, deviation in zip(rows, deviations, strict=True) for part in (row.mean(1), deviation)]
    hidden = hard_swish(dense("classifier.2", x.mean((1, 2))))
    return {
        "blocks": np.concatenate(blocks),
        "final": x.mean((1, 2)),
        "hidden": hidden,
        "tags": dense("classifier.5", hidden),
    }


def musicnn(tensors: dict[str, np.ndarray], features: np.ndarray) -> dict[str, np.ndarray]:
    """Return the outputs for one patch, shape (187, 96)."""

    def normalise(number, x):
        name = "batch_normalization" + (f"_{number}" if number else "")
        gamma, beta, mean, variance = (
            tensors[f"{name}/{part}"].astype(float) for part in ("gamma", "beta", "moving_mean", "moving_variance")
        )
        return (x - mean) / np.sqrt(variance + 0.001) * gamma + beta

    def layer(number, x, top, bottom):
        """Take and return features last, as TensorFlow does: shape (frames, bands, features)."""
        name = "conv2d" + (f"_{number}" if number else "")
        kernel = tensors[f"{name}/kernel"].transpose(3, 2, 0, 1).astype(float)
        x = convolve(x.transpose(2, 0, 1), kernel, pads=[top, 0, bottom, 0]).transpose(1, 2, 0)
        return normalise(number + 1, relu(x + tensors[f"{name}/bias"]))

    x = normalise(0, features[:, :, None].astype(float))
    paddings = ((3, 3), (3, 3), (63, 64), (31, 32), (15, 16))
    front = np.concatenate([layer(number, x, *padding).max(1) for number, padding in enumerate(paddings)], axis=1)
    first = layer(5, front[:, :, None], 3, 3)[:, 0]
    second = layer(6, first[:, :, None], 3, 3)[:, 0] + first
    third = layer(7, second[:, :, None], 3, 3)[:, 0] + second
    features = np.concatenate([front, first, second, third], axis=1)
    maximum, mean = features.max(0), features.mean(0)
    pooled = normalise(9, np.stack([maximum, mean], axis=1).ravel())
    penultimate = normalise(10, relu(pooled @ tensors["dense/kernel"] + tensors["dense/bias"]))
    tags = penultimate @ tensors["dense_1/kernel"] + tensors["dense_1/bias"]
    return {"penultimate": penultimate, "mean_pool": mean, "max_pool": maximum, "tags": tags}
