"""The table of the zoo: what there is, where it comes from, and a small copy of each for tests.

The table is plain data and imports no family; a factory's file is read when its network is made.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from foveal.errors import ConfigurationError, UnknownName
from foveal.spelling import nearest

if TYPE_CHECKING:
    from foveal.network import Sequential
    from foveal.zoo.parts import ShapeLike

Size = tuple[int, ...] | str


@dataclass(frozen=True)
class Entry:
    """One network of the zoo.

    Attributes:
        name: what ``zoo.create`` and the command line call it; its factory is ``foveal.zoo.NAME``.
        title: what people call it.
        paper: authors, year and title, or the lecture.
        year: of the paper.
        input_shape: height × width × channels by default; a number of values, length × channels, or
            ``200 tokens``.
        classes: by default; None where the values that come out are not classes.
        parameters: trainable ones at the defaults, without side heads; held by a test.
        description: what sets it apart, in one line.
        family: the file of its factory.
        small: arguments of the factory for a copy that tests can afford.
    """

    name: str
    title: str
    paper: str
    year: int
    input_shape: Size
    classes: int | None
    parameters: int
    description: str
    family: str = field(repr=False)
    small: Mapping[str, Any] = field(repr=False)

    @property
    def factory(self) -> Callable[..., Sequential]:
        """The function that makes the network."""
        made: Callable[..., Sequential] = getattr(importlib.import_module(f"foveal.zoo.{self.family}"), self.name)
        return made

    @property
    def input_text(self) -> str:
        """The input as people write it: ``28 × 28 × 1``, ``200 tokens``."""
        if isinstance(self.input_shape, str):
            return self.input_shape
        return " × ".join(map(str, self.input_shape))


LECTURES = "the lectures"
ROSENBLATT = (
    "Rosenblatt 1958, The Perceptron: A Probabilistic Model for Information Storage and Organization in the Brain"
)
WAIBEL = "Waibel et al. 1989, Phoneme Recognition Using Time-Delay Neural Networks"
LECUN = "LeCun, Bottou, Bengio, Haffner 1998, Gradient-Based Learning Applied to Document Recognition"
KRIZHEVSKY = "Krizhevsky, Sutskever, Hinton 2012, ImageNet Classification with Deep Convolutional Neural Networks"
TRICK = "Krizhevsky 2014, One weird trick for parallelizing convolutional neural networks"
SIMONYAN = "Simonyan, Zisserman 2014, Very Deep Convolutional Networks for Large-Scale Image Recognition"
LUONG = "Luong, Pham, Manning 2015, Effective Approaches to Attention-based Neural Machine Translation"
SZEGEDY = "Szegedy et al. 2014, Going Deeper with Convolutions"
IOFFE = "Ioffe, Szegedy 2015, Batch Normalization"
HE = "He, Zhang, Ren, Sun 2015, Deep Residual Learning for Image Recognition"
XIE = "Xie et al. 2016, Aggregated Residual Transformations for Deep Neural Networks"
HUANG = "Huang, Liu, van der Maaten, Weinberger 2016, Densely Connected Convolutional Networks"
SMOLENSKY = "Smolensky 1986, Foundations of Harmony Theory; Hinton 2002, Training Products of Experts"
BELIEF = "Hinton, Osindero, Teh 2006, A Fast Learning Algorithm for Deep Belief Nets"
HINTON = "Hinton, Salakhutdinov 2006, Reducing the Dimensionality of Data with Neural Networks"
MASCI = "Masci, Meier, Cireşan, Schmidhuber 2011, Stacked Convolutional Auto-Encoders"
NG = "Ng 2011, Sparse autoencoder (CS294A lecture notes); Lee, Ekanadham, Ng 2008"
VINCENT = "Vincent et al. 2008, Extracting and Composing Robust Features with Denoising Autoencoders"
KINGMA = "Kingma, Welling 2013, Auto-Encoding Variational Bayes"
RADFORD = "Radford, Metz, Chintala 2015, Unsupervised Representation Learning with DCGANs; Goodfellow et al. 2014"
ELMAN = "Elman 1990, Finding Structure in Time"
HOCHREITER = "Hochreiter, Schmidhuber 1997, Long Short-Term Memory; Gers, Schmidhuber, Cummins 2000, Learning to Forget"
CHO = "Cho et al. 2014, Learning Phrase Representations using RNN Encoder–Decoder"
GRAVES = "Graves 2013, Generating Sequences With Recurrent Neural Networks"
LIU = "Liu, Chang, Wu, Yang 2017, Deep Learning for Extreme Multi-label Text Classification"
SHI = "Shi, Bai, Yao 2015, An End-to-End Trainable Neural Network for Image-based Sequence Recognition"
SCHROFF = "Schroff, Kalenichenko, Philbin 2015, FaceNet: A Unified Embedding for Face Recognition and Clustering"
RONNEBERGER = "Ronneberger, Fischer, Brox 2015, U-Net: Convolutional Networks for Biomedical Image Segmentation"
TIAN = "Tian, Shen, Chen, He 2019, FCOS: Fully Convolutional One-Stage Object Detection; Redmon et al. 2016, YOLO"
OURS = "Foveal; after He, Zhang, Ren, Sun 2015"

CLOTHES, DIGITS, IMAGENET = (28, 28, 1), (32, 32, 1), (224, 224, 3)


def _small(size: int, channels: int = 3, **arguments: Any) -> dict[str, Any]:
    return {"classes": 3, "input_shape": (size, size, channels), **arguments}


def _tiny_picture(**arguments: Any) -> dict[str, Any]:
    return {"input_shape": (6, 7, 1), **arguments}


_THIN = 1 / 16
_VGG = _small(32, width=_THIN)
_RESNET = _small(41, width=_THIN)  # an odd size: strides and padding must floor alike everywhere
_DENSENET = _small(45, width=_THIN)

ENTRIES: tuple[Entry, ...] = (
    Entry("lecture_cnn", "The lecture's network", f"{LECTURES}: 004", 2025, CLOTHES, 10, 93_322,
          "three convolutions and two dense layers for Fashion-MNIST", "lectures", _small(18, 1, width=1 / 8)),
    Entry("mnist_demo", "The lecture's MNIST demo", f"{LECTURES}: 002", 2025, DIGITS, 10, 394_470,
          "ten filters of 5 × 5, one pooling, 200 hidden units", "lectures", _small(12, 1, width=1 / 5)),
    Entry("mlp", "Multi-layer perceptron", f"{LECTURES}: 000, 001, 002", 2025, CLOTHES, 10, 109_386,
          "dense layers only: what convolution is held against", "lectures", _small(6, 1, width=1 / 16)),
    Entry("perceptron", "Perceptron", ROSENBLATT, 1958, (2,), None, 3,
          "one unit with the step function, trained without a gradient", "lectures", {}),
    Entry("conv1d", "1-D convolutional network", WAIBEL, 1989, (128, 1), 6, 14_246,
          "three convolutions along time and a mean over it", "signals",
          {"classes": 3, "input_shape": (21, 2), "width": 1 / 8}),
    Entry("rbm", "Restricted Boltzmann machine", SMOLENSKY, 1986, CLOTHES, None, 201_744,
          "one set of weights, propagated in both directions", "energy", {"input_shape": (6, 5, 1), "width": 1 / 32}),
    Entry("dbn", "Deep belief network", BELIEF, 2006, CLOTHES, 10, 649_294,
          "Boltzmann machines on top of each other, and a classifier", "energy", _small(6, 1, width=1 / 50)),
    Entry("crnn", "Convolutional-recurrent reader", SHI, 2015, (32, 192, 1), None, 343_067,
          "columns of a line of text, read both ways by an LSTM", "reading",
          {"characters": 3, "input_shape": (32, 13, 1), "width": 1 / 16}),
    Entry("embedder", "Embedding on the unit sphere", SCHROFF, 2015, CLOTHES, None, 50_368,
          "a small convolutional network that gives each picture a place", "small",
          {"dimensions": 3, "input_shape": (9, 8, 1), "width": 1 / 16}),
    Entry("lenet5", "LeNet-5, as the lectures have it", LECUN, 1998, CLOTHES, 10, 61_706,
          "tanh and average pooling, as in the lectures' table 13-1", "lenet", _small(28, 1)),
    Entry("lenet5_1998", "LeNet-5, as published", LECUN, 1998, DIGITS, 10, 60_000,
          "partial connections, trainable subsampling, RBF output", "lenet",
          {"classes": 10, "input_shape": (32, 32, 1)}),
    Entry("fashion_resnet", "Small residual network", OURS, 2026, CLOTHES, 10, 432_298,
          "eight convolutions for 28 × 28 pictures, two of three stages residual", "small", _small(17, 1, width=1 / 8)),
    Entry("fashion_resnet_large", "Residual network for small pictures", OURS, 2026, CLOTHES, 10, 750_906,
          "fashion_resnet with a first look at full size and more maps", "small", _small(17, 1, width=1 / 8)),
    Entry("deep_cnn", "Plain or residual network of any depth", HE, 2015, CLOTHES, 10, 42_394,
          "6n + 2 layers for small pictures, with shortcuts or without, of the same weights", "depth",
          _small(9, 1, maps=2)),
    Entry("alexnet", "AlexNet, as the lectures have it", KRIZHEVSKY, 2012, IMAGENET, 1000, 201_838_952,
          "96-256-384-384-256 maps and response normalisation, table 13-2", "alexnets", _small(31, width=_THIN)),
    Entry("alexnet_2014", "AlexNet in one tower", TRICK, 2014, IMAGENET, 1000, 61_100_840,
          "64-192-384-256-256 maps, the form handed on today", "alexnets", _small(63, width=_THIN)),
    Entry("vgg11", "VGG-11", SIMONYAN, 2014, IMAGENET, 1000, 132_863_336,
          "3 × 3 windows only: 8 convolutions and 3 dense layers", "vgg", _VGG),
    Entry("vgg11_bn", "VGG-11 with batch normalisation", SIMONYAN, 2014, IMAGENET, 1000, 132_868_840,
          "vgg11, normalised after each convolution", "vgg", _VGG),
    Entry("vgg13", "VGG-13", SIMONYAN, 2014, IMAGENET, 1000, 133_047_848,
          "3 × 3 windows only: 10 convolutions and 3 dense layers", "vgg", _VGG),
    Entry("vgg13_bn", "VGG-13 with batch normalisation", SIMONYAN, 2014, IMAGENET, 1000, 133_053_736,
          "vgg13, normalised after each convolution", "vgg", _VGG),
    Entry("vgg16", "VGG-16", SIMONYAN, 2014, IMAGENET, 1000, 138_357_544,
          "3 × 3 windows only: 13 convolutions and 3 dense layers", "vgg", _VGG),
    Entry("vgg16_bn", "VGG-16 with batch normalisation", SIMONYAN, 2014, IMAGENET, 1000, 138_365_992,
          "vgg16, normalised after each convolution", "vgg", _VGG),
    Entry("vgg19", "VGG-19", SIMONYAN, 2014, IMAGENET, 1000, 143_667_240,
          "3 × 3 windows only: 16 convolutions and 3 dense layers", "vgg", _VGG),
    Entry("vgg19_bn", "VGG-19 with batch normalisation", SIMONYAN, 2014, IMAGENET, 1000, 143_678_248,
          "vgg19, normalised after each convolution", "vgg", _VGG),
    Entry("googlenet", "GoogLeNet, as published", SZEGEDY, 2014, IMAGENET, 1000, 6_998_552,
          "windows of several sizes side by side, and two side heads", "inception", _small(70, width=_THIN)),
    Entry("googlenet_bn", "GoogLeNet with batch normalisation", f"{SZEGEDY}; {IOFFE}", 2015, IMAGENET, 1000, 6_624_904,
          "3 × 3 in place of the 5 × 5 branch, the form handed on today", "inception", _small(33, width=_THIN)),
    Entry("resnet18", "ResNet-18", HE, 2015, IMAGENET, 1000, 11_689_512,
          "8 residual blocks of two 3 × 3 convolutions", "resnet", _RESNET),
    Entry("resnet34", "ResNet-34", HE, 2015, IMAGENET, 1000, 21_797_672,
          "16 residual blocks of two 3 × 3 convolutions", "resnet", _RESNET),
    Entry("resnet50", "ResNet-50", HE, 2015, IMAGENET, 1000, 25_557_032,
          "16 residual bottlenecks: 1 × 1, 3 × 3, 1 × 1", "resnet", _RESNET),
    Entry("resnet101", "ResNet-101", HE, 2015, IMAGENET, 1000, 44_549_160,
          "33 residual bottlenecks", "resnet", _RESNET),
    Entry("resnet152", "ResNet-152", HE, 2015, IMAGENET, 1000, 60_192_808,
          "50 residual bottlenecks, ImageNet's winner of 2015", "resnet", _RESNET),
    Entry("resnext50_32x4d", "ResNeXt-50 (32 × 4d)", XIE, 2016, IMAGENET, 1000, 25_028_904,
          "resnet50 with 3 × 3 convolutions in 32 groups of 4 maps", "resnet", _RESNET),
    Entry("resnext101_32x8d", "ResNeXt-101 (32 × 8d)", XIE, 2016, IMAGENET, 1000, 88_791_336,
          "resnet101 with 3 × 3 convolutions in 32 groups of 8 maps", "resnet", _RESNET),
    Entry("densenet121", "DenseNet-121", HUANG, 2016, IMAGENET, 1000, 7_978_856,
          "every layer sees all layers before it; growth 32", "densenet", _DENSENET),
    Entry("densenet161", "DenseNet-161", HUANG, 2016, IMAGENET, 1000, 28_681_000,
          "every layer sees all layers before it; growth 48", "densenet", _DENSENET),
    Entry("densenet169", "DenseNet-169", HUANG, 2016, IMAGENET, 1000, 14_149_480,
          "every layer sees all layers before it; growth 32, deeper", "densenet", _DENSENET),
    Entry("densenet201", "DenseNet-201", HUANG, 2016, IMAGENET, 1000, 20_013_928,
          "every layer sees all layers before it; growth 32, deepest", "densenet", _DENSENET),
    Entry("rnn", "Recurrent network", ELMAN, 1990, CLOTHES, 10, 21_386,
          "a picture read row by row, with a state that is carried along", "recurrent", _small(6, 1, width=1 / 32)),
    Entry("lstm", "Long short-term memory", HOCHREITER, 1997, CLOTHES, 10, 81_674,
          "the same with a cell that gates write, keep and show", "recurrent", _small(6, 1, width=1 / 32)),
    Entry("gru", "Gated recurrent unit", CHO, 2014, CLOTHES, 10, 61_962,
          "the same with two gates and no cell", "recurrent", _small(6, 1, width=1 / 32)),
    Entry("autoencoder", "Autoencoder", HINTON, 2006, CLOTHES, None, 1_083_696,
          "dense layers down to a short code and up again", "autoencoders", _tiny_picture(code=2, width=1 / 32)),
    Entry("conv_autoencoder", "Convolutional autoencoder", MASCI, 2011, CLOTHES, None, 111_521,
          "strided convolutions down to a code, transposed ones up", "autoencoders",
          _tiny_picture(code=3, width=1 / 8)),
    Entry("sparse_autoencoder", "Sparse autoencoder", NG, 2011, CLOTHES, None, 870_224,
          "a code of sigmoid units, few of which are active", "autoencoders", _tiny_picture(code=5, width=1 / 64)),
    Entry("denoising_autoencoder", "Denoising autoencoder", VINCENT, 2008, CLOTHES, None, 9_873,
          "convolutions that undo noise", "autoencoders", _tiny_picture(width=1 / 8)),
    Entry("vae", "Variational autoencoder", KINGMA, 2013, CLOTHES, None, 1_079_600,
          "a normal distribution in place of a code", "generative", _tiny_picture(latent=2, width=1 / 32)),
    Entry("dcgan", "DCGAN", RADFORD, 2015, (64,), None, 270_754,
          "a generator of pictures and its discriminator, in one tree", "generative",
          {"input_shape": (5,), "picture_shape": (8, 12, 1), "width": 1 / 16}),
    Entry("char_lstm", "LSTM that writes", GRAVES, 2013, "64 tokens", 98, 360_162,
          "at each character of a text, the chances of the one that follows", "text",
          {"classes": 7, "input_shape": 5, "width": 1 / 16}),
    Entry("text_cnn", "XML-CNN, for documents with several labels", LIU, 2017, "100 tokens", 250, 1_391_738,
          "filters of several widths over words, dynamic max pooling, a bottleneck", "text",
          {"classes": 3, "input_shape": 9, "words": 11, "width": 1 / 32}),
    Entry("seq2seq", "Encoder and decoder with attention", LUONG, 2015, "61 tokens", 57, 143_737,
          "reads one sequence both ways and writes another, looking back at each place", "translation",
          {"classes": 7, "input_shape": 9, "source": 5, "width": 1 / 16}),
    Entry("unet", "U-Net", RONNEBERGER, 2015, (64, 64, 3), 11, 1_942_747,
          "down to what and up again to where: a class for every pixel", "dense_prediction", _small(16, width=1 / 8)),
    Entry("detector", "Single-stage detector", TIAN, 2019, (64, 64, 3), 10, 669_167,
          "at every fourth pixel whether, where and what", "dense_prediction", _small(24, width=_THIN)),
)  # fmt: skip

_BY_NAME = {entry.name: entry for entry in ENTRIES}


def names() -> tuple[str, ...]:
    """The names of all networks, in the order of the table.

    Example:
        >>> names()[:3]
        ('lecture_cnn', 'mnist_demo', 'mlp')
    """
    return tuple(_BY_NAME)


def entries() -> tuple[Entry, ...]:
    """All networks: name, title, paper, year, default input and classes, parameters, one line."""
    return ENTRIES


def entry(name: str) -> Entry:
    """The network called ``name``; case does not matter, nor whether words are joined by ``-`` or ``_``.

    Raises:
        UnknownName: there is none; the message offers near names.

    Example:
        >>> entry("VGG16-BN").parameters
        138365992
        >>> entry("resnet51")
        Traceback (most recent call last):
        ...
        foveal.errors.UnknownName: zoo: there is no network of this name
          given     'resnet51'
          expected  one of the 51 that `foveal show --list` prints
          to fix    resnet50
    """
    wanted = str(name).strip().lower().replace("-", "_")
    if wanted in _BY_NAME:
        return _BY_NAME[wanted]
    raise UnknownName(
        "there is no network of this name",
        where="zoo",
        given=repr(str(name)[:100]),
        expected=f"one of the {len(_BY_NAME)} that `foveal show --list` prints",
        fix=nearest(name, _BY_NAME) or "`foveal show --list` shows all",
    )


def create(name: str, classes: int | None = None, input_shape: ShapeLike | None = None, **arguments: Any) -> Sequential:
    """A network by name.

    Args:
        name: one of :func:`names`.
        classes: values that come out; the network's own number by default.
        input_shape: height × width × channels; the network's own by default.
        arguments: what else the factory takes: ``width``, ``hidden``, ``auxiliary``.

    Raises:
        UnknownName: no such network.
        ShapeError: a picture that is too small for it.
        DescriptionError: an input of the wrong kind, or an argument that a layer refuses.
        ConfigurationError: classes for a network that has none.

    Example:
        >>> create("resnet18", classes=10, input_shape="32x32x3").input_shape
        Image(h=32, w=32, c=3)
    """
    found = entry(name)
    if classes is not None and found.classes is None:
        raise ConfigurationError(
            f"{found.name} has no classes",
            where="classes",
            given=str(classes),
            expected=f"none: {found.description}",
            fix="leave classes out",
        )
    given = {"classes": classes, "input_shape": input_shape}
    return found.factory(**{key: value for key, value in given.items() if value is not None}, **arguments)


def tiny(name: str) -> Sequential:
    """A small copy of a network for tests: the same structure, few classes, small pictures, thin layers.

    Raises:
        UnknownName: no such network.

    Example:
        >>> tiny("resnet50").input_shape
        Image(h=41, w=41, c=3)
    """
    found = entry(name)
    return found.factory(**found.small)
