"""The same networks and steps in PyTorch, as users write them: eager, channels last, Adam of torch.optim; losses in
float32, and networks under autocast where the dtype is bfloat16."""

import itertools
import warnings

import torch
import torch.nn.functional as F
from contenders import THREADS
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

torch.set_num_threads(THREADS)


def _autocast(dtype):
    """Where the passes of networks go."""
    return torch.autocast("cpu", dtype=torch.bfloat16, enabled=dtype == "bfloat16")


class Crop(nn.Module):
    """Without the last row and column: 7x7 of 8x8, on the way to 28 pixels."""

    def forward(self, x):
        return x[..., :-1, :-1]


def _sizes(size):
    """Sides of the feature maps, each half of the one before, rounded up: `[28, 14, 7, 4]`."""
    sizes = [size]
    while sizes[-1] > 4:
        sizes.append((sizes[-1] + 1) // 2)
    return sizes


def generator(latent_dim, filters, size=28):
    """Latents to images of one channel, from 4x4 up."""
    sizes = _sizes(size)[::-1]
    channels = filters * 2 ** (len(sizes) - 2)
    layers = [nn.Linear(latent_dim, 16 * channels, bias=False), nn.Unflatten(1, (channels, 4, 4))]
    for before, after in itertools.pairwise(sizes):
        last = after == size
        narrow = 1 if last else channels // 2
        layers += [nn.BatchNorm2d(channels), nn.ReLU()]
        layers += [nn.ConvTranspose2d(channels, narrow, kernel_size=4, stride=2, padding=1, bias=last)]
        layers += [Crop()] if after != 2 * before else []
        channels = narrow
    return nn.Sequential(*layers, nn.Tanh()).to(memory_format=torch.channels_last)


def discriminator(filters, size=28, *, normalized):
    """Images of one channel to one logit; without normalisation every convolution has a bias."""
    layers, before = [], 1
    for index, (side, half) in enumerate(itertools.pairwise(_sizes(size))):
        after, normalize = filters * 2**index, normalized and index > 0
        # 7 pixels are padded to 10, which gives 4.
        layers.append(nn.Conv2d(before, after, 4, 2, 1 if side == 2 * half else 2, bias=not normalize))
        layers += [nn.BatchNorm2d(after)] if normalize else []
        layers.append(nn.LeakyReLU(0.2))
        before = after
    head = nn.Linear(16 * before, 1, bias=normalized)
    return nn.Sequential(*layers, nn.Flatten(), head).to(memory_format=torch.channels_last)


def _images(batch_size, size=28):
    torch.manual_seed(0)
    return (2 * torch.rand(batch_size, 1, size, size) - 1).to(memory_format=torch.channels_last)


def dcgan(batch_size=64, size=28, latent_dim=100, filters=56, dtype="float32"):
    """Updates of discriminator and generator; one pass of the generator serves both, as in the authors' code."""
    g, d = generator(latent_dim, filters, size), discriminator(filters, size, normalized=True)
    real = _images(batch_size, size)
    g_optimizer, d_optimizer = (torch.optim.Adam(net.parameters(), 2e-4, betas=(0.5, 0.999)) for net in (g, d))
    ones, zeros = torch.ones(batch_size, 1), torch.zeros(batch_size, 1)

    def bce(images, labels):
        with _autocast(dtype):
            logits = d(images)
        return F.binary_cross_entropy_with_logits(logits.float(), labels)

    def run(steps):
        for _ in range(steps):
            with _autocast(dtype):
                fake = g(2 * torch.rand(batch_size, latent_dim) - 1)
            d_optimizer.zero_grad(set_to_none=True)
            (bce(real, ones) + bce(fake.detach(), zeros)).backward()
            d_optimizer.step()
            g_optimizer.zero_grad(set_to_none=True)
            bce(fake, ones).backward()
            g_optimizer.step()

    return run


def wgan_gp(batch_size=64, latent_dim=64, filters=24, n_critic=5, dtype="float32"):
    """Five updates of the critic with the gradient penalty, then one of the generator."""
    g, network, real = generator(latent_dim, filters), discriminator(filters, normalized=False), _images(batch_size)
    g_optimizer, c_optimizer = (torch.optim.Adam(net.parameters(), 5e-4, betas=(0.0, 0.9)) for net in (g, network))

    def generate():
        with _autocast(dtype):
            images = g(torch.randn(batch_size, latent_dim))
        return images.float()

    def critic(images):
        with _autocast(dtype):
            scores = network(images)
        return scores.float()

    def penalty(fake):
        mix = torch.rand(batch_size, 1, 1, 1)
        between = (mix * real + (1 - mix) * fake).requires_grad_()
        seen = between.view_as(between)  # PyTorch's counter fails on a leaf; a view costs nothing
        (gradient,) = torch.autograd.grad(critic(seen).sum(), between, create_graph=True)
        return ((gradient.flatten(1).norm(dim=1) - 1) ** 2).mean()

    def run(steps):
        for _ in range(steps):
            for _ in range(n_critic):
                with torch.no_grad():
                    fake = generate()
                c_optimizer.zero_grad(set_to_none=True)
                (critic(fake).mean() - critic(real).mean() + 10 * penalty(fake)).backward()
                c_optimizer.step()
            g_optimizer.zero_grad(set_to_none=True)
            (-critic(generate()).mean()).backward()
            g_optimizer.step()

    return run


class CharacterModel(nn.Module):
    """Embedding, two recurrent layers with dropout between them, and a softmax layer."""

    def __init__(self, num_characters, embedding_dim, units, cell):
        super().__init__()
        self.embedding = nn.Embedding(num_characters, embedding_dim)
        kind = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}[cell]
        self.layers = kind(embedding_dim, units, num_layers=2, batch_first=True, dropout=0.25)
        self.head = nn.Linear(units, num_characters)

    def forward(self, tokens, state=None):
        outputs, state = self.layers(self.embedding(tokens), state)
        return self.head(outputs), state


def character_model(
    batch_size=64, steps_of_time=64, num_characters=65, embedding_dim=64, units=288, cell="lstm", dtype="float32"
):
    """Truncated backpropagation through time with a carried state."""
    torch.manual_seed(0)
    model = CharacterModel(num_characters, embedding_dim, units, cell)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    tokens = torch.randint(num_characters, (batch_size, steps_of_time + 1))

    def run(steps):
        state = None
        for _ in range(steps):
            optimizer.zero_grad(set_to_none=True)
            with _autocast(dtype):
                logits, state = model(tokens[:, :-1], state)
            state = tuple(part.detach() for part in state) if cell == "lstm" else state.detach()
            F.cross_entropy(logits.float().flatten(0, 1), tokens[:, 1:].flatten()).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 5.0)
            optimizer.step()

    return run


class Translator(nn.Module):
    """`nn.Transformer` between embeddings with sinusoids and a softmax layer that shares the target's."""

    def __init__(self, num_tokens, width, steps):
        super().__init__()
        self.source, self.target = (nn.Embedding(num_tokens, width) for _ in range(2))
        angles = torch.arange(steps)[:, None] / 10000 ** (torch.arange(0, width, 2) / width)
        self.register_buffer("places", torch.stack([angles.sin(), angles.cos()], dim=-1).flatten(1))
        self.dropout, self.factor = nn.Dropout(0.2), width**0.5
        sizes = {"nhead": 4, "num_encoder_layers": 3, "num_decoder_layers": 3, "dim_feedforward": 384}
        self.transformer = nn.Transformer(width, **sizes, dropout=0.2, batch_first=True)
        self.register_buffer("past", nn.Transformer.generate_square_subsequent_mask(steps))

    def forward(self, source, target):
        x = self.dropout(self.source(source) * self.factor + self.places)
        y = self.dropout(self.target(target) * self.factor + self.places)
        return self.transformer(x, y, tgt_mask=self.past, tgt_is_causal=True) @ self.target.weight.T


def transformer(batch_size=64, steps=16, num_tokens=6004, width=128, dtype="float32"):
    """Cross-entropy with smoothed labels and Adam, in float32 or under autocast."""
    torch.manual_seed(0)
    model = Translator(num_tokens, width, steps)
    optimizer = torch.optim.Adam(model.parameters(), 1e-3, betas=(0.9, 0.98))
    source, target = torch.randint(4, num_tokens, (2, batch_size, steps + 1))

    def run(steps):
        for _ in range(steps):
            optimizer.zero_grad(set_to_none=True)
            with _autocast(dtype):
                logits = model(source[:, 1:], target[:, :-1])
                labels = target[:, 1:].flatten()
                loss = F.cross_entropy(logits.flatten(0, 1), labels, label_smoothing=0.1)
            loss.backward()
            optimizer.step()

    return run


def generate_images(batch_size=64, latent_dim=100, filters=56):
    """Images of the generator, in evaluation mode."""
    g = generator(latent_dim, filters).eval()

    def run(steps):
        with torch.inference_mode():
            for _ in range(steps):
                g(2 * torch.rand(batch_size, latent_dim) - 1)

    return run


def count_operations(function, **arguments):
    """Multiplications and additions of one step's matrix products and convolutions, by PyTorch's counter."""
    warnings.simplefilter("ignore")  # of the next line, about another device
    with torch.backends.mkldnn.flags(enabled=False):  # whose fused LSTM the counter does not see through
        run = globals()[function](**arguments)
        with FlopCounterMode(display=False) as counter:
            run(1)
    return counter.get_total_flops()
