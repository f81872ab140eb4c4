"""The table of systems: what can be trained beside classifiers, where it comes from, on what data. Plain data, read at once."""

from __future__ import annotations

from foveal.errors import UnknownName
from foveal.runs.system import System
from foveal.spelling import nearest

_CLOTHES = ("fashion-mnist", "mnist", "digits")

CLASSIFIER = "classifier"
SYSTEMS: tuple[System, ...] = (
    System(CLASSIFIER, "Classifier", "000, 001, 002, 004", "LeCun, Bottou, Bengio, Haffner 1998, Gradient-based learning "
           "applied to document recognition", ("lecture_cnn",), ("fashion-mnist", "mnist", "digits", "iris"),
           "classification.classifier", "any network of the zoo or of a description, on any labelled images or table"),
    System("perceptron", "Perceptron with step function", "002", "Rosenblatt 1958, The Perceptron",
           ("perceptron",), (), "classification.perceptron", "AND, OR, XOR and two kinds of iris by the perceptron rule"),
    System("mlp", "Multi-layer perceptron", "000, 001, 002", "Rumelhart, Hinton, Williams 1986, Learning "
           "representations by back-propagating errors", ("mlp",), ("fashion-mnist", "iris", "mnist", "digits"),
           "classification.mlp", "dense layers; small data are cross-validated"),
    System("why-convolution", "Why convolution", "000, 001, 004", "LeCun et al. 1998; Simard, Steinkraus, Platt 2003",
           ("mlp", "lecture_cnn"), ("fashion-mnist", "mnist", "digits"), "classification.why_convolution",
           "pictures shifted, scaled, turned, distorted: MLP beside CNN at equal parameters"),
    System("why-residual", "Why residual", "004", "He, Zhang, Ren, Sun 2015, Deep residual learning for image recognition; "
           "Glorot, Bengio 2010", ("deep_cnn",), _CLOTHES, "classification.why_residual",
           "depth with shortcuts and without: vanishing gradient, degradation, the +1"),
    System("conv1d", "1-D convolution", "000", "Waibel et al. 1989, Phoneme recognition using time-delay neural networks",
           ("conv1d",), ("waves",), "sequence.conv1d", "waveforms in noise, filters and responses over time"),
    System("rnn", "Recurrent network", "002", "Elman 1990, Finding structure in time", ("rnn",), _CLOTHES,
           "sequence.recurrent:RNN",
           "a picture read row by row; how far back a gradient reaches"),
    System("lstm", "Long short-term memory", "002", "Hochreiter, Schmidhuber 1997, Long short-term memory", ("lstm",),
           _CLOTHES,
           "sequence.recurrent:LSTM", "the same with gates; a lag that the plain network cannot bridge"),
    System("gru", "Gated recurrent unit", "001, 002", "Cho et al. 2014, Learning phrase representations using RNN "
           "encoder–decoder", ("gru",), _CLOTHES,
           "sequence.recurrent:GRU", "the same with two gates"),
    System("char_lstm", "Text generation", "002", "Graves 2013, Generating sequences with recurrent neural networks",
           ("char_lstm",), ("stdlib-text",), "text.char_lstm", "docstrings, character by character, beside Markov chains"),
    System("seq2seq", "Sequence to sequence with attention", "002", "Luong, Pham, Manning 2015, Effective approaches to "
           "attention-based neural machine translation", ("seq2seq",), ("dates",), "sequence.seq2seq",
           "dates translated between formats and languages"),
    System("text_cnn", "Multi-label text categorisation", "001", "Liu, Chang, Wu, Yang 2017, Deep learning for extreme "
           "multi-label text classification", ("text_cnn",), ("stdlib-topics",), "text.text_cnn",
           "docstrings and their topics, beside a linear model of words"),
    System("autoencoder", "Autoencoder", "002", "Hinton, Salakhutdinov 2006, Reducing the dimensionality of data with "
           "neural networks", ("autoencoder",), _CLOTHES, "generative.autoencoder:DENSE", "a short code for a picture, beside PCA"),
    System("conv_autoencoder", "Convolutional autoencoder", "002", "Masci et al. 2011, Stacked convolutional "
           "auto-encoders", ("conv_autoencoder",), _CLOTHES, "generative.autoencoder:CONVOLUTIONAL", "the same with convolutions"),
    System("sparse_autoencoder", "Sparse autoencoder", "002", "Lee, Ekanadham, Ng 2008, Sparse deep belief net model "
           "for visual area V2", ("sparse_autoencoder",), _CLOTHES,
           "generative.sparse_autoencoder", "a long code that is mostly silent"),
    System("denoising_autoencoder", "Denoising autoencoder", "002", "Vincent et al. 2008, Extracting and composing robust "
           "features with denoising autoencoders", ("denoising_autoencoder",), _CLOTHES, "generative.denoising_autoencoder",
           "takes noise out of pictures"),
    System("anomaly", "Anomaly detection", "001", "Sakurada, Yairi 2014, Anomaly detection using autoencoders with nonlinear "
           "dimensionality reduction", ("autoencoder",), _CLOTHES, "generative.anomaly",
           "a class that was never seen, noticed by what does not come back"),
    System("vae", "Variational autoencoder", "002", "Kingma, Welling 2013, Auto-encoding variational Bayes", ("vae",),
           _CLOTHES, "generative.vae", "samples, a walk through the latent plane, the bound with its two parts"),
    System("dcgan", "Generative adversarial network", "002", "Goodfellow et al. 2014; Radford, Metz, Chintala 2015, "
           "Unsupervised representation learning with DCGAN", ("dcgan",), _CLOTHES, "generative.dcgan",
           "pictures made up, and a classifier's opinion of them"),
    System("rbm", "Restricted Boltzmann machine", "002", "Hinton 2002, Training products of experts by minimizing "
           "contrastive divergence; Tieleman 2008", ("rbm",), _CLOTHES, "energy.rbm", "filters, reconstructions, both directions"),
    System("dbn", "Deep belief network", "002", "Hinton, Osindero, Teh 2006, A fast learning algorithm for deep belief "
           "nets", ("dbn",), _CLOTHES, "energy.dbn", "layer by layer without labels, then fine-tuned with 1,000"),
    System("unet", "Segmentation", "001, 004", "Ronneberger, Fischer, Brox 2015, U-Net", ("unet",), ("scenes",),
           "dense_prediction.unet", "a class for every pixel of composed scenes"),
    System("detector", "Object detection", "004", "Redmon et al. 2016, You only look once; Tian et al. 2019, FCOS",
           ("detector",), ("scenes",), "dense_prediction.detector", "boxes and classes in composed scenes"),
    System("crnn", "Reading lines of digits", "003", "Shi, Bai, Yao 2015, An end-to-end trainable neural network for "
           "image-based sequence recognition; Graves et al. 2006", ("crnn",), ("digit-lines",), "sequence.crnn",
           "optical character recognition with CTC"),
    System("embedder", "Recognition by embedding", "001, 004", "Schroff, Kalenichenko, Philbin 2015, FaceNet",
           ("embedder",), ("fashion-mnist", "mnist"), "embedding.embedder",
           "the same or not, for classes never seen: how faces are recognised"),
    System("photo-search", "Photo search by similarity", "003", "Babenko et al. 2014, Neural codes for image retrieval",
           ("lecture_cnn",), ("fashion-mnist",), "embedding.photo_search", "nearest pictures, clusters and a map of any folder"),
    System("transfer", "Transfer learning", "001", "Yosinski et al. 2014, How transferable are features in deep neural "
           "networks?", ("lecture_cnn",), ("fashion-mnist",), "embedding.transfer",
           "what was learned on some classes, used for others with few labels"),
)  # fmt: skip

_CLASSIFYING = (CLASSIFIER, "mlp", "rnn", "lstm", "gru", "photo-search", "transfer", "embedder")
USED_BY: dict[str, tuple[str, ...]] = {"augment": (*_CLASSIFYING, "rbm", "dbn"), "mirror": _CLASSIFYING}
"""Which systems do something with a field of the configuration that the others would take and never look at."""

_BY_NAME = {system.name: system for system in SYSTEMS}


def names() -> tuple[str, ...]:
    """The names of all systems, in the order of the table.

    Example:
        >>> names()[:3]
        ('classifier', 'perceptron', 'mlp')
    """
    return tuple(_BY_NAME)


def known(name: str) -> bool:
    """Whether a system is called so; ``_`` and ``-`` count alike.

    Example:
        >>> known("photo_search"), known("lecture_cnn")
        (True, False)
    """
    return _found(name) is not None


def system(name: str) -> System:
    """The system called ``name``.

    Raises:
        UnknownName: there is none; the message offers near names.

    Example:
        >>> system("vae").command
        'foveal train vae'
    """
    found = _found(name)
    if found is None:
        raise UnknownName(
            "there is no system of this name",
            where="systems",
            given=repr(name),
            expected="one of " + ", ".join(_BY_NAME),
            fix=nearest(name, _BY_NAME) or ["`foveal show --list` shows all"],
        )
    return found


def _found(name: str) -> System | None:
    plain = str(name).strip().lower()
    return _BY_NAME.get(plain) or _BY_NAME.get(plain.replace("_", "-")) or _BY_NAME.get(plain.replace("-", "_"))
