"""The training agent: takes a data set over HTTP, trains a LoRA adapter, hands it out."""

__version__ = "0.1.0"
