"""Probabilistic autoencoders of images: samples, reconstructions, and bounds of the likelihood."""

import numpy as np

from kerazoo.figures import image_grid, save_png

# A latent is active where its posterior mean varies over the data by more than this (Burda et al. 2016, section 5.2).
ACTIVE_VARIANCE = 0.01
NUM_IMPORTANCE_SAMPLES = 500


def sample(model, path, *, num=64, seed=0, data=None, overwrite=False):
    """Write a grid of `num` images drawn from the prior as `<path>.png`; the same seed gives the same picture."""
    file = path.with_name(path.name + ".png")
    save_png(image_grid(model.generate(num, seed=seed)), file, overwrite=overwrite)
    return file


def evaluate(model, data, settings):
    """Bounds of the likelihood of binarised held-out images, in nats an image.

    Returns:
        dict[str, float]. `negative_elbo`; `nll_500`, the importance weighted bound with 500 samples, which is near the
        negative log-likelihood; `kl`, `active_units`, `num_images`.
    """
    source = data.open(settings.split)
    images = source.sample(min(settings.num, len(source)), seed=settings.seed)["image"]
    posterior = model.encode(images)
    variances = np.exp(posterior["log_variance"])
    kl = 0.5 * (posterior["mean"] ** 2 + variances - posterior["log_variance"] - 1).sum(axis=1)
    return {
        "negative_elbo": float(-model.score(images, seed=settings.seed).mean()),
        f"nll_{NUM_IMPORTANCE_SAMPLES}": float(
            -model.score(images, num_importance_samples=NUM_IMPORTANCE_SAMPLES, seed=settings.seed).mean()
        ),
        "kl": float(kl.mean()),
        "active_units": int((posterior["mean"].var(axis=0) > ACTIVE_VARIANCE).sum()),
        "num_images": len(images),
    }
