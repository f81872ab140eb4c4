"""Callbacks for ``model.fit``, under their Keras names."""

from foveal.training.callbacks import Callback, CSVLogger, EarlyStopping, ModelCheckpoint, TensorBoard

__all__ = ["CSVLogger", "Callback", "EarlyStopping", "ModelCheckpoint", "TensorBoard"]
