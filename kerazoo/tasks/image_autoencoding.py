"""Probabilistic autoencoders of images: samples, reconstructions, and bounds of the likelihood."""

from kerazoo.losses import gaussian_kl
from kerazoo.tasks import autoencoding, image_generation

HEADLINES = ("nll_500", "negative_elbo", "reconstruction_l1")  # of a card's table of exported files

# A latent is active where its posterior mean varies over the data by more than this (Burda et al. 2016, section 5.2).
ACTIVE_VARIANCE = 0.01
NUM_IMPORTANCE_SAMPLES = 500


def sample(model, path, *, num=None, seed=0, data=None, scale=None, overwrite=False):
    """Write `num` samples, 64 by default; of data that were asked for, `num` images over their reconstructions."""
    options = {"seed": seed, "scale": scale, "overwrite": overwrite}
    if data is not None and data.asked:
        return autoencoding.sample(model, path, num=num or autoencoding.NUM_EXAMPLES, data=data, **options)
    return image_generation.sample(model, path, num=num, **options)


def evaluate(model, data, settings):
    """Bounds of the likelihood of binarised held-out images, in nats an image.

    Returns:
        dict[str, float]. `negative_elbo`; `nll_500`, the importance weighted bound with 500 samples, which is near the
        negative log-likelihood; `kl`, `active_units`, `num_images`.
    """
    source = data.open(settings.split)
    images = source.sample(min(settings.num, len(source)), seed=settings.seed)["image"]
    posterior = model.encode(images)
    return {
        "negative_elbo": float(-model.score(images, seed=settings.seed).mean()),
        f"nll_{NUM_IMPORTANCE_SAMPLES}": float(
            -model.score(images, num_importance_samples=NUM_IMPORTANCE_SAMPLES, seed=settings.seed).mean()
        ),
        "kl": float(gaussian_kl(**posterior).numpy().mean()),
        "active_units": int((posterior["mean"].var(axis=0) > ACTIVE_VARIANCE).sum()),
        "num_images": len(images),
    }
