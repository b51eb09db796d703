"""The generated messages, written by .ci/generate-python; not part of the package's interface."""
