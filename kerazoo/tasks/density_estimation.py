"""Models of the density of binary images with an unknown partition function: samples, and likelihoods by AIS."""

from kerazoo.tasks.grids import write_grid

HEADLINES = ("free_energy", "reconstruction_l1")  # of a card's table of exported files

# Sweeps of the chains in a picture that training writes after every epoch.
NUM_GIBBS_STEPS = 200


def sample(model, path, *, num=64, seed=0, scale=None, overwrite=False):
    """Write a grid of `num` Gibbs samples; the same seed gives the same picture."""
    images = model.generate(num, num_gibbs_steps=NUM_GIBBS_STEPS, seed=seed)
    return (write_grid(images, path, scale=scale, overwrite=overwrite),)


def evaluate(model, data, settings):
    """The likelihood of binarised held-out images, in nats an image, and how sure its partition function is.

    Returns:
        dict[str, float]. `log_likelihood`, the mean over the images, with `log_likelihood_lower` and `_upper` by the
        3-sigma interval of log Z; `log_likelihood_twice_the_temperatures`, which must agree; `log_partition`, and
        `num_images`.
    """
    source = data.open(settings.split)
    images = source.sample(min(settings.num, len(source)), seed=settings.seed)["image"]
    once = model.log_partition(seed=settings.seed)
    twice = model.log_partition(num_temperatures=29_000, seed=settings.seed)
    unnormalised = -float(model.free_energy(images, seed=settings.seed).mean(dtype="float64"))
    return {
        "log_likelihood": unnormalised - once.estimate,
        "log_likelihood_lower": unnormalised - once.upper,
        "log_likelihood_upper": unnormalised - once.lower,
        "log_likelihood_twice_the_temperatures": unnormalised - twice.estimate,
        "log_partition": once.estimate,
        "num_images": len(images),
    }
