"""Networks of the literature, and the lectures' own, each a function that returns a tree.

``foveal.zoo.resnet50(classes=10, input_shape=(64, 64, 3))`` and ``foveal.zoo.create("resnet50", 10, (64, 64, 3))`` are the
same. Importing this package reads only the table; a family's file is read when one of its networks is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from foveal.zoo.registry import Entry, create, entries, entry, names, tiny

if TYPE_CHECKING:
    from foveal.zoo.alexnets import alexnet, alexnet_2014
    from foveal.zoo.autoencoders import autoencoder, conv_autoencoder, denoising_autoencoder, sparse_autoencoder
    from foveal.zoo.dense_prediction import detector, unet
    from foveal.zoo.densenet import densenet121, densenet161, densenet169, densenet201
    from foveal.zoo.depth import deep_cnn
    from foveal.zoo.energy import dbn, rbm
    from foveal.zoo.generative import dcgan, vae
    from foveal.zoo.inception import googlenet, googlenet_bn
    from foveal.zoo.lectures import lecture_cnn, mlp, mnist_demo, perceptron
    from foveal.zoo.lenet import lenet5, lenet5_1998
    from foveal.zoo.reading import crnn
    from foveal.zoo.recurrent import gru, lstm, rnn
    from foveal.zoo.resnet import (
        resnet18,
        resnet34,
        resnet50,
        resnet101,
        resnet152,
        resnext50_32x4d,
        resnext101_32x8d,
    )
    from foveal.zoo.signals import conv1d
    from foveal.zoo.small import embedder, fashion_resnet, fashion_resnet_large
    from foveal.zoo.text import char_lstm, text_cnn
    from foveal.zoo.translation import seq2seq
    from foveal.zoo.vgg import vgg11, vgg11_bn, vgg13, vgg13_bn, vgg16, vgg16_bn, vgg19, vgg19_bn

__all__ = [
    "Entry",
    "alexnet",
    "alexnet_2014",
    "autoencoder",
    "char_lstm",
    "conv1d",
    "conv_autoencoder",
    "create",
    "crnn",
    "dbn",
    "dcgan",
    "deep_cnn",
    "denoising_autoencoder",
    "densenet121",
    "densenet161",
    "densenet169",
    "densenet201",
    "detector",
    "embedder",
    "entries",
    "entry",
    "fashion_resnet",
    "fashion_resnet_large",
    "googlenet",
    "googlenet_bn",
    "gru",
    "lecture_cnn",
    "lenet5",
    "lenet5_1998",
    "lstm",
    "mlp",
    "mnist_demo",
    "names",
    "perceptron",
    "rbm",
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "resnext50_32x4d",
    "resnext101_32x8d",
    "rnn",
    "seq2seq",
    "sparse_autoencoder",
    "text_cnn",
    "tiny",
    "unet",
    "vae",
    "vgg11",
    "vgg11_bn",
    "vgg13",
    "vgg13_bn",
    "vgg16",
    "vgg16_bn",
    "vgg19",
    "vgg19_bn",
]


def __getattr__(name: str) -> Any:
    if name in names():
        return entry(name).factory
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
