"""What every peer answers. A peer that needs no preparation runs the ONNX file itself."""

import importlib.metadata


class Peer:
    compiles = False  # does prepare() compile ahead of time?

    def __init__(self, settings):
        self.settings = settings
        self.threads = settings["threads"]

    def version(self):
        """The library's version. Imports the library, so that loading a model does not pay for that."""
        raise NotImplementedError

    def prepare(self, case, folder):
        """Makes what load() takes of a model (models.Case as a dictionary) in a folder of its own; returns its path."""
        return case["onnx"]

    def files(self, artifact):
        """The files that a user would ship."""
        return [artifact]

    def load(self, artifact, x, case):
        """Makes the model ready to run on `x`, the case's input."""
        raise NotImplementedError

    def run(self):
        """One inference, done when this returns."""
        raise NotImplementedError

    def output(self):
        """The last result."""
        raise NotImplementedError

    def measure(self, **arguments):
        raise NotImplementedError


def distribution_version(name):
    return importlib.metadata.version(name)
