"""The machine's limits: rates of matrix products and convolutions."""

import time

import tensorflow as tf

SIZE, BATCH = 1024, 64


def measure_limits():
    """GFLOP/s of oneDNN's matrix products (1024 cubed) and of a convolution of DCGAN's size.

    Returns:
        dict[str, float]. `<operation> <dtype>` -> the best of several runs.
    """
    rates = {}
    for dtype in ("float32", "bfloat16"):
        a = tf.cast(tf.random.normal((SIZE, SIZE)), dtype)
        images = tf.cast(tf.random.normal((BATCH, 14, 14, 56)), dtype)
        kernel = tf.cast(tf.random.normal((4, 4, 56, 112)), dtype)
        jobs = {
            "matmul": (lambda a=a: a @ a, 2 * SIZE**3),
            "conv2d": (
                lambda images=images, kernel=kernel: tf.nn.conv2d(images, kernel, 2, "SAME"),
                2 * BATCH * 49 * 16 * 56 * 112,
            ),
        }
        for name, (job, operations) in jobs.items():
            compiled, best = tf.function(job), float("inf")
            compiled()
            for _ in range(7):
                began = time.perf_counter()
                for _ in range(20):
                    result = compiled()
                result.numpy()
                best = min(best, (time.perf_counter() - began) / 20)
            rates[f"{name} {dtype}"] = round(operations / best / 1e9)
    return rates
